"""What can go wrong in the delivery of records.

FirehoseError
+-- ConfigError        a delivery stream is configured as AWS would refuse it
+-- PrefixError        an S3 prefix cannot be parsed or evaluated
+-- CodedError       one of Firehose's codes says what failed:
|   +-- RecordError      one record goes to the error prefix
|   |   +-- PartitionLimitError    because too many partitions are active
|   +-- InvocationError  one call of the transform function failed; it may be repeated
|   +-- SchemaError      the Glue table cannot be used to convert records
+-- RoleRefusedError a role's trust policy does not let Firehose assume it
"""

from __future__ import annotations


class FirehoseError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigError(FirehoseError):
    """A request that AWS answers with InvalidArgumentException, or that the local Firehose cannot serve.

    Attributes:
        path: Where in the request, e.g. ``ExtendedS3DestinationConfiguration.Prefix``.
    """

    def __init__(self, path: str, rule: str, value: object = None) -> None:
        shown = "" if value is None else f", got {value!r}"
        super().__init__(f"{path} {rule}{shown}")
        self.path = path


class PrefixError(FirehoseError):
    """An S3 prefix that Firehose cannot parse or evaluate."""


class CodedError(FirehoseError):
    """A failure under one of Firehose's codes; neither `code` nor `message` holds any payload."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class RecordError(CodedError):
    """One record cannot be processed, and goes to the error prefix."""


class PartitionLimitError(RecordError):
    """A record of a partition beyond those that may be active; it has a folder of its own."""


class InvocationError(CodedError):
    """A call of the transform function that failed as a whole; Firehose repeats it NumberOfRetries times."""


class SchemaError(CodedError):
    """A Glue table that cannot be read or used; every record that needs it fails with `code`."""


class RoleRefusedError(FirehoseError):
    """The service may not assume the role."""

    def __init__(self, role_arn: str, message: str) -> None:
        super().__init__(f"{role_arn} cannot be assumed by firehose.amazonaws.com: {message}")
        self.role_arn = role_arn
