"""What can go wrong at a gateway.

GatewayError
|-- ConfigurationError   the data given to a command cannot work
|-- FileError            a line of a user's file breaks the format
|-- JournalError         a journal cannot be read or written
'-- DeliveryError        a connection gave up, and why
"""


class GatewayError(Exception):
    """The base of all errors that a gateway command reports without a traceback."""


class ConfigurationError(GatewayError):
    """The data given to a command cannot work; the message names the place, the rule and the value."""


class FileError(GatewayError):
    """A line of a user's file breaks the format.

    Attributes:
        path: The file, as the user named it.
        line: The line, from 1; 0 where the whole file is meant.
        rule: What is expected.
    """

    def __init__(self, path: object, line: int, rule: str) -> None:
        self.path = str(path)
        self.line = line
        self.rule = rule
        super().__init__(f"{path}:{line}: {rule}" if line else f"{path}: {rule}")


class JournalError(GatewayError):
    """A journal cannot be read or written; the message names file and line."""


class DeliveryError(GatewayError):
    """A connection gave up with messages left to deliver.

    Attributes:
        client_id: Whose connection it was.
        rule: What the broker did, or did not do.
    """

    def __init__(self, client_id: str, rule: str) -> None:
        self.client_id = client_id
        self.rule = rule
        super().__init__(f"{client_id}: {rule}")
