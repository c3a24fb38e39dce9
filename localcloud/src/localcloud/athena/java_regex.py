"""Regular expressions in Java's syntax, run by Python's ``re``.

Athena has two engines: RegexSerDe uses ``java.util.regex``, where a dot stops at any of Java's line ends, and
SQL functions use Joni with Java's syntax, where it stops at a line feed. What Python's engine reads in
another way is translated or refused, never passed on.
"""

from __future__ import annotations

import functools
import re

_JAVA_LINE_ENDS = "\n\r\u0085\u2028\u2029"
_FLAGS = re.compile(r"\(\?([a-zA-Z]+)\)")
_GROUP = re.compile(r"\(\?(?:[:=!>]|<[=!])")
_ESCAPE = re.compile(
    r"\\(?:(?P<plain>x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[1-9][0-9]?|[dDwWsSbBAtnrf])|(?P<end>[zZ])"
    r"|(?P<symbol>[^a-zA-Z0-9]))",
    re.DOTALL,
)


@functools.lru_cache(maxsize=256)
def compile_java(pattern: str, *, hive: bool = False) -> re.Pattern[str]:
    """A Java pattern, compiled for Python; ``hive`` says that it is a RegexSerDe's, which ``java.util.regex`` runs.

    Raises:
        ValueError: it has a construct that Python reads in another way, or is no pattern at all.
    """
    flags = re.ASCII
    body = pattern
    if leading := _FLAGS.match(pattern):
        known = {"i": re.IGNORECASE, "s": re.DOTALL}
        for letter in leading[1]:
            if letter not in known:
                raise ValueError(f"flag (?{letter}) in the pattern {pattern!r} is not supported locally")
            flags |= known[letter]
        body = pattern[leading.end() :]
    try:
        return re.compile(_translate(body, hive=hive, dotall=bool(flags & re.DOTALL)), flags)
    except re.error as error:
        raise ValueError(f"the pattern {pattern!r} cannot be read: {error}") from error


def _translate(body: str, *, hive: bool, dotall: bool) -> str:
    parts: list[str] = []
    at = 0
    while at < len(body):
        char = body[at]
        if char == "\\":
            text, at = _escape(body, at, in_class=False)
            parts.append(text)
        elif char == "[":
            text, at = _character_class(body, at)
            parts.append(text)
        elif body.startswith("(?", at):
            found = _GROUP.match(body, at)
            if found is None:
                raise ValueError(f"the group at {body[at : at + 6]!r} is not supported locally")
            parts.append(found[0])
            at = found.end()
        else:
            if hive and char == "." and not dotall:
                char = f"[^{_JAVA_LINE_ENDS}]"
            elif hive and char == "$":
                char = rf"(?=(?:\r\n|[{_JAVA_LINE_ENDS}])?\Z)"
            parts.append(char)
            at += 1
    return "".join(parts)


def _character_class(body: str, start: int) -> tuple[str, int]:
    """The translated class that begins at ``start``, and where it ends."""
    at = start + (2 if body.startswith("[^", start) else 1)
    parts = [body[start:at]]
    while at < len(body):
        if body[at] == "]" and len(parts) > 1:
            return "".join(parts) + "]", at + 1
        if body[at] == "[" or body.startswith("&&", at):
            raise ValueError(f"the class at {body[start : start + 12]!r} nests classes: not supported locally")
        if body[at] == "\\":
            text, at = _escape(body, at, in_class=True)
        else:
            text, at = body[at], at + 1
        parts.append(text)
    raise ValueError(f"the class at {body[start : start + 12]!r} has no end")


def _escape(body: str, at: int, *, in_class: bool) -> tuple[str, int]:
    """The translated escape at ``at``, and where it ends."""
    found = _ESCAPE.match(body, at)
    if found is None or (in_class and found["end"]):
        raise ValueError(f"the escape {body[at : at + 3]!r} is not supported locally")
    if found["end"]:
        return r"\Z" if found["end"] == "z" else r"(?=\n?\Z)", found.end()
    return found[0], found.end()
