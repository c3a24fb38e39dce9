"""Settings from environment variables, each checked where it is read."""

from __future__ import annotations

import re
from typing import Mapping, Pattern, Sequence

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_MAX_ID_CHARACTERS = 32
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")

#: CloudWatch, PutMetricData: 1 to 255 of these characters. Names that begin with "AWS/" are Amazon's own.
_NAMESPACE = re.compile(r"(?!AWS/)[0-9A-Za-z.\-_/#:]{1,255}")


class SettingsError(Exception):
    """A setting breaks its rule, so the function does not start.

    Attributes:
        name: The variable's name, or the place of a setting that an event brings.
        rule: What it must be.
        value: What it is; None where it is missing.
    """

    def __init__(self, name: str, rule: str, value: object) -> None:
        super().__init__(f"{name} must be {rule}, got {'nothing' if value is None else repr(value)}")
        self.name = name
        self.rule = rule
        self.value = value


class Environment:
    """Reads settings; each method raises SettingsError where a variable is missing or breaks its rule."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Take the variables, as ``os.environ``."""
        self._variables = variables

    def factory(self) -> str:
        """Read the factory's ID."""
        rule = "an ID of lower-case letters, digits and single hyphens"
        return self.matching("FACTORY", _ID, rule, _MAX_ID_CHARACTERS)

    def metrics_namespace(self) -> str:
        """Read the CloudWatch namespace of the function's metrics."""
        rule = "a namespace of 0-9 A-Z a-z . - _ / # : that does not begin with 'AWS/'"
        return self.matching("METRICS_NAMESPACE", _NAMESPACE, rule, 255, "FactoryLake")

    def matching(
        self, name: str, pattern: Pattern[str], rule: str, max_characters: int, default: str | None = None
    ) -> str:
        """Read a text that a pattern matches as a whole."""
        value = self._variables.get(name, default)
        if value is None or not pattern.fullmatch(value) or len(value) > max_characters:
            raise SettingsError(name, f"{rule} (at most {max_characters} characters)", value)
        return value

    def one_of(self, name: str, choices: Sequence[str], default: str | None = None) -> str:
        """Read one of a few words."""
        value = self._variables.get(name, default)
        if value is None or value not in choices:
            raise SettingsError(name, f"one of {', '.join(choices)}", value)
        return value

    def whole(self, name: str, default: int, minimum: int, maximum: int) -> int:
        """Read a whole number, both bounds included."""
        value = self._variables.get(name, str(default))
        if not _WHOLE_NUMBER.fullmatch(value) or not minimum <= int(value) <= maximum:
            raise SettingsError(name, f"a whole number from {minimum} to {maximum}", value)
        return int(value)
