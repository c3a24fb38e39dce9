"""What can go wrong, and the codes of the rules that a message can break.

The tree of errors::

    TransformError
    ├── SchemaError     a schema file is missing or bad; the function does not start
    └── MessageError    one message cannot go to its table; it goes back to Firehose as it came

A setting that breaks its rule is a ``lambda_common.settings.SettingsError``.

The codes are in log lines and are a metric's dimension, so they are few, fixed and never hold data. The text
above each is its row in the table of docs/data.md, which ``scripts.schemadocs`` writes.
"""

from __future__ import annotations

#: bytes that are not UTF-8, encoded surrogates included | both
NOT_UTF8 = "NOT_UTF8"
#: a byte order mark before the object | both
BYTE_ORDER_MARK = "BYTE_ORDER_MARK"
#: anything that RFC 8259 does not allow: NaN, Infinity, comments, trailing commas, raw control characters in
#: strings, two values | both
NOT_JSON = "NOT_JSON"
#: other JSON: arrays, numbers, texts | both
NOT_AN_OBJECT = "NOT_AN_OBJECT"
#: more than 100 levels, the message's own object included | both
NESTED_TOO_DEEP = "NESTED_TOO_DEEP"
#: a key twice in one object, at any depth, after unescaping | both
DUPLICATE_KEY = "DUPLICATE_KEY"
#: `_received_at` or `_gateway` in the message's own object, however escaped | both
RESERVED_KEY = "RESERVED_KEY"
#: an escape for half a surrogate pair, in a key or a string | both
LONE_SURROGATE = "LONE_SURROGATE"
#: a string with nothing in it but white space, at any depth (see below) | both
BLANK_STRING = "BLANK_STRING"
#: a line of more than 1,000 KiB, the most that Firehose takes | both
LINE_TOO_LONG = "LINE_TOO_LONG"
#: a required key that is missing or null | measurements
REQUIRED = "REQUIRED"
#: a key of a text column that holds something else | measurements
NOT_A_STRING = "NOT_A_STRING"
#: a key of a boolean column that holds something else | measurements
NOT_A_BOOLEAN = "NOT_A_BOOLEAN"
#: a key of an integer or time column that holds something else | measurements
NOT_AN_INTEGER = "NOT_AN_INTEGER"
#: a key of a number column that holds something else | measurements
NOT_A_NUMBER = "NOT_A_NUMBER"
#: a `value` that is an array or an object | measurements
NOT_A_SCALAR = "NOT_A_SCALAR"
#: `metadata` that is neither an object nor null | measurements
NOT_METADATA = "NOT_METADATA"
#: a number that its column cannot hold, such as 1e309, or a time after 2262-04-11 | measurements
OUT_OF_RANGE = "OUT_OF_RANGE"
#: a `timestamp` nearer to 0 than 10^12: most often a gateway that sends seconds | measurements
NOT_MILLISECONDS = "NOT_MILLISECONDS"
#: a `timestamp` before the window | measurements
TIMESTAMP_TOO_OLD = "TIMESTAMP_TOO_OLD"
#: a `timestamp` after the window | measurements
TIMESTAMP_TOO_FAR_AHEAD = "TIMESTAMP_TOO_FAR_AHEAD"
#: a batch without a sample: `{"samples": []}` or `[]` | measurements
EMPTY_BATCH = "EMPTY_BATCH"
#: a batch of which some samples had to be put back on the data stream, which failed
#: ([above](#batches-of-samples)) | measurements
BATCH_NOT_SPLIT = "BATCH_NOT_SPLIT"
#: the last records of an event whose answer would pass Lambda's 6 MB | both
RESPONSE_TOO_LARGE = "RESPONSE_TOO_LARGE"
#: a record in which the function itself failed; the log line names the exception | both
INTERNAL_ERROR = "INTERNAL_ERROR"


class TransformError(Exception):
    """Base of every error that this package raises on purpose."""


class SchemaError(TransformError):
    """A schema file breaks a rule."""

    def __init__(self, file: str, place: str, rule: str) -> None:
        super().__init__(f"{file}: {place}: {rule}" if place else f"{file}: {rule}")
        self.file = file
        self.place = place
        self.rule = rule


class MessageError(TransformError):
    """A message breaks a rule of its lane.

    Attributes:
        rule: One of this module's codes.
        field: Path of the key at fault, its keys joined by dots; None where no key is. Never a value.
    """

    def __init__(self, rule: str, field: str | None = None) -> None:
        super().__init__(rule if field is None else f"{rule}: {field}")
        self.rule = rule
        self.field = field
