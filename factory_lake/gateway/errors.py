"""What can go wrong at a gateway.

GatewayError
|-- ConfigurationError   the data given to a command cannot work
|-- FileError            a line of a user's file breaks the format
|-- JournalError         a journal cannot be read or written
'-- DeliveryError        a connection gave up, and why
"""

from factory_lake.errors import FactoryLakeError


class GatewayError(FactoryLakeError):
    """The base of all errors of gateways."""


class ConfigurationError(GatewayError):
    """The data given to a command cannot work."""


class FileError(GatewayError):
    """A line of a user's file breaks the format; line 0 means the whole file."""

    verbs = ()

    def __init__(self, path: object, line: int, rule: str) -> None:
        super().__init__(f"{path}:{line}" if line else path, rule)


class JournalError(GatewayError):
    """A journal cannot be read or written; its place is file and line."""


class DeliveryError(GatewayError):
    """A connection gave up with messages left to deliver; its place is the client ID."""
