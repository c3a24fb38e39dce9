"""What can go wrong, and the names of the rules that a message can break.

The tree of errors::

    TransformError
    ├── SettingsError   an environment variable is missing or bad; the function does not start
    ├── SchemaError     a schema file is missing or bad; the function does not start
    └── MessageError    one message cannot go to its table; it goes back to Firehose as it came

The rules' names stand in log lines and are a metric's dimension, so they are few, fixed and never hold data.
"""

from __future__ import annotations

NOT_UTF8 = "not UTF-8"
BYTE_ORDER_MARK = "byte order mark"
NOT_JSON = "not JSON"
NOT_AN_OBJECT = "not an object"
TOO_DEEP = "nested too deep"
DUPLICATE_KEY = "duplicate key"
RESERVED_KEY = "reserved key"
LONE_SURROGATE = "lone surrogate"
BLANK_STRING = "blank string"
REQUIRED = "required"
NOT_A_STRING = "not a string"
NOT_A_BOOLEAN = "not a boolean"
NOT_AN_INTEGER = "not an integer"
NOT_A_NUMBER = "not a number"
NOT_A_SCALAR = "not a number, boolean or string"
NOT_METADATA = "not an object or null"
OUT_OF_RANGE = "out of range"
NOT_MILLISECONDS = "not in milliseconds"
TOO_OLD = "timestamp too old"
TOO_FAR_AHEAD = "timestamp too far ahead"
LINE_TOO_LONG = "line too long"
RESPONSE_TOO_LARGE = "response too large"
INTERNAL_ERROR = "internal error"


class TransformError(Exception):
    """Base of every error that this package raises on purpose."""


class SettingsError(TransformError):
    """An environment variable breaks its rule."""

    def __init__(self, variable: str, rule: str, value: str | None) -> None:
        super().__init__(f"{variable} must be {rule}, got {'nothing' if value is None else repr(value)}")
        self.variable = variable
        self.rule = rule
        self.value = value


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
        rule: One of this module's names.
        field: Path of the key at fault, its keys joined by dots; None where no key is. Never a value.
    """

    def __init__(self, rule: str, field: str | None = None) -> None:
        super().__init__(rule if field is None else f"{rule}: {field}")
        self.rule = rule
        self.field = field
