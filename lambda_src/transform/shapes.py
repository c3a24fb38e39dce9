"""The quick road of a sample that is spelled like samples before it: one match of a regular expression.

The expression accepts only a part of what the careful road accepts, and captures just what must change: a
padded string, a blank description, a boolean, a text, an unknown key. All else is checked by the match itself
and goes on as it came. Whatever does not match, or might be invalid, takes the careful road, which alone
rejects: a shape may be too strict, never too lenient.

A match implies that no key occurs twice, that no string holds half a surrogate pair, that every required key
is there with its type, and that numbers fit their columns.
"""

from __future__ import annotations

import re

from . import nested
from .reader import ANY, ATOMIC, NUMBER, PLAIN, STRING, encode_string, is_empty_object, trim_string
from .schema import ATTRIBUTES, VALUE_TEXT

TYPE_CHECKING = False  # spares the import of typing
if TYPE_CHECKING:
    from typing import Match

    from .reader import Member, Reader
    from .schema import Column
    from .spellings import Shape


# Escapes that mean neither white space, which may have to be trimmed, nor half a surrogate pair.
_WHITE = r"00(?:0[9A-Da-d]|1[C-Fc-f]|20|85|[Aa]0)|1680|20(?:0[0-9Aa]|2[89Ff]|5[Ff])|3000"
_HARMLESS = rf'\\(?:["\\/b]|u(?!{_WHITE}|[Dd][89A-Fa-f])[0-9A-Fa-f]{{4}})'
# Latin-1's characters but white space, controls, quotes and backslashes. A list of what may come is matched
# more quickly than one of what may not; beyond Latin-1 it would be slow to compile.
_VISIBLE = r"!#-\[\]-~\xa1-\xff"
# Surely within a double's range, and below 2^53 if it is an integer.
_DOUBLE = r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,2})?"
# Surely milliseconds to OpenX, and not so many that it would wrap: 2001-09-09 to 2255-03-13.
_MILLISECONDS = "[1-8][0-9]{12}"
_PATTERNS = {
    "boolean": "true|false",
    "tinyint": "-?(?:0|[1-9][0-9]?)",
    "smallint": "-?(?:0|[1-9][0-9]{0,3})",
    "int": "-?(?:0|[1-9][0-9]{0,8})",
    "bigint": "-?(?:0|[1-9][0-9]{0,17})",
    "float": r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]+)?",
    "double": _DOUBLE,
    "timestamp": _MILLISECONDS,
}


class _Strings:
    """The patterns of strings, for messages without or with escapes (these are slower to match).

    Attributes:
        clean: A string that trimming leaves alone.
        usual: Such a string of characters that are found most quickly; the clean road's.
        soiled: Any other string, its inside captured: it may be padded or blank, or hold an escape that has
            to be looked at.
        value: Either of the two.
        nested: An object or array, captured, with at most one more level in it. What stands between its
            brackets is not judged by the pattern: it may turn out not to be JSON.
        nested_object: Such an object, but not ``{}``.
    """

    __slots__ = ("clean", "nested", "nested_object", "soiled", "usual", "value")

    def __init__(self, *, escapes: bool) -> None:
        plain = PLAIN + ANY
        some = STRING if escapes else plain
        more = f"(?:{_HARMLESS}{plain}){ANY}" if escapes else ""
        inside = rf'[^"\\\s\x00-\x1f]{plain}{more}(?<!\s)"'
        self.clean = f'"{inside}'
        self.usual = self.clean if escapes else rf'"[{_VISIBLE}][ {_VISIBLE}]{ANY}(?<! )"'
        soiled = f'((?!{inside}){some})"'
        self.soiled = f'"{soiled}'
        self.value = f'"{ATOMIC}{inside}|{soiled})'
        other = rf'[^\[\]{{}}"\\\x00-\x1f]{ANY}'
        inner = _paired(f'{other}(?:"{some}"{other}){ANY}')
        content = f'{other}(?:(?:"{some}"|{inner}){other}){ANY}'
        self.nested = f"({_paired(content)})"
        self.nested_object = rf"((?!\{{\}})\{{{content}\}})"


def _paired(content: str) -> str:
    """Return the pattern of an object or array, each of which ends with the bracket that it began with."""
    return rf"(?:\{{{content}\}}|\[{content}\])"


# What to do with a captured group: read it as the time of the sample; trim the string; trim it or put null;
# put the name of the column for texts; put 1 or 0; leave the member out; copy it to the attributes, as
# metadata or as any unknown key. The rest belongs to the group before it.
_TIME, _TRIM, _TRIM_OR_NULL, _RENAME, _AS_NUMBER, _DROP, _METADATA, _EXTRA, _REST = range(9)


class ShapeMaker:
    """Makes shapes of a table's samples."""

    __slots__ = ("_columns", "_event_time", "_metadata", "_reader", "_value")

    def __init__(
        self, columns: dict[str, Column], event_time: str, value: str, metadata: str, reader: Reader
    ) -> None:
        """Take what all shapes are made from.

        Args:
            columns: The columns that a message feeds, by their key.
            event_time: The key of the time at which a sample was taken.
            value: The key of its value.
            metadata: The key that vanishes when it is empty.
            reader: Reads what is nested under unknown keys.
        """
        self._columns = columns
        self._event_time = event_time
        self._value = value
        self._metadata = metadata
        self._reader = reader

    def make(self, members: list[Member], *, escapes: bool) -> Shape:
        """Make the shape of messages that are spelled alike.

        Args:
            members: What the reader made of one of them.
            escapes: Whether they have escapes; without, matching is quicker.
        """
        strings = _Strings(escapes=escapes)
        pattern, clean = [r"\{"], [r"(?P<head>\{"]
        steps: list[int] = []
        comma = ""  # before each member, once one has come that stays in its place
        for key, lead, _, _ in members:
            column = self._columns.get(key)
            if column is not None:
                part, step, clean_part = self._known(key, lead, column, strings)
                pattern.append(comma + part)
                clean.append(comma + clean_part)
                comma = ","
            else:
                # The member leaves its place together with the comma before it, or behind it if it leads.
                part, step = self._unknown(key, lead, strings)
                behind = "" if comma else ","
                pattern.append(f"({comma}{part}{behind})")
                clean.append(rf"){comma}{re.escape(lead)}\{{\}}{behind}(?P<tail>")
            steps += step
        if _DROP not in steps:
            clean.append(")(?P<tail>")
        clean.append(r")\}\Z")
        pattern.append(r"\}\Z")
        quick = None if _EXTRA in steps else "".join(clean)
        return _Shape("".join(pattern), steps, quick, self._reader).convert

    def _known(self, key: str, lead: str, column: Column, strings: _Strings) -> tuple[str, list[int], str]:
        """Return the pattern of a member that has a column, its steps, and the pattern where it is clean."""
        name = re.escape(lead)
        null = "" if column.required else "|null"
        if key == self._event_time:
            return f"{name}({_MILLISECONDS})", [_TIME], f"{name}(?P<time>{_MILLISECONDS})"
        if key == self._value:
            begin, end = lead.index('"') + 1, lead.rindex('"')
            space, inside, colon = re.escape(lead[:begin]), re.escape(lead[begin:end]), re.escape(lead[end:])
            text = f"{space}({inside}){colon}{strings.value}"
            pattern = f"(?:{text}|{name}(?:{_DOUBLE}|(true|false)|null))"
            return pattern, [_RENAME, _TRIM, _AS_NUMBER], name + _DOUBLE
        if column.type == "string":
            step = _TRIM_OR_NULL if column.blank_is_null else _TRIM
            return f"{name}(?:{strings.value}{null})", [step], name + strings.usual
        pattern = f"{name}(?:{_PATTERNS[column.type]}{null})"
        return pattern, [], pattern

    def _unknown(self, key: str, lead: str, strings: _Strings) -> tuple[str, list[int]]:
        """Return the pattern of a member that has no column, with its groups' steps."""
        begin = lead.index('"')
        name = f"{re.escape(lead[:begin])}({re.escape(lead[begin:])})"
        if key == self._metadata:
            return rf"{name}(?:\{{\}}|null|{strings.nested_object})", [_DROP, _METADATA, _REST]
        scalar = f"({strings.clean}|{NUMBER}|true|false|null)"
        return f"{name}(?:{scalar}|{strings.soiled}|{strings.nested})", [_DROP, _EXTRA, _REST, _REST, _REST]


class _Shape:
    """One spelling."""

    __slots__ = ("_clean", "_early", "_event_time", "_match", "_plan", "_reader")

    def __init__(self, pattern: str, steps: list[int], clean: str | None, reader: Reader) -> None:
        """Compile a spelling.

        Args:
            pattern: Its regular expression.
            steps: What to do with what each group captured, in the order of the groups.
            clean: The expression for messages in which nothing has to change but that empty metadata goes,
                with the groups ``head``, ``tail`` (on both sides of the metadata) and ``time``; None if it
                has unknown keys.
            reader: Reads what is nested under unknown keys.
        """
        self._match = re.compile(pattern).match
        # Groups count from 1 in a match, from 0 in the tuple of what they captured.
        self._event_time = steps.index(_TIME)
        self._plan = [
            (index + 1, index, step) for index, step in enumerate(steps) if step not in (_TIME, _REST)
        ]
        self._reader = reader
        self._clean = None
        if clean is not None:
            compiled = re.compile(clean)
            self._clean = compiled.match
            self._early = compiled.groupindex["time"] < compiled.groupindex["tail"]

    def convert(self, text: str, closing: str) -> tuple[bytes, int] | None:
        """Convert a message; see ``spellings.Shape``."""
        if self._clean is not None:
            found = self._clean(text)
            if found is not None:
                head, second, third = found.groups()
                tail, event_time = (third, second) if self._early else (second, third)
                return f"{head}{tail}{closing}".encode(), int(event_time)
        found = self._match(text)
        if found is None:
            return None
        groups = found.groups()
        body = self._edit(text, found, groups)
        return None if body is None else ((body + closing).encode(), int(groups[self._event_time]))

    def _edit(self, text: str, found: Match[str], groups: tuple[str | None, ...]) -> str | None:
        """Make the changes that the groups call for; None if only the careful road can judge one of them."""
        body: list[str] = []
        extras: list[str] = []
        done = 0
        for number, index, step in self._plan:
            inside = groups[index]
            if inside is None:
                continue
            if step in (_METADATA, _EXTRA):
                value = self._attribute(groups[index + 1 :], step)
                if value is None:
                    return None
                if value:
                    extras.append(inside + value)
                continue
            start, end = found.span(number)
            if step == _DROP:
                replacement = ""
            elif step == _AS_NUMBER:
                replacement = "1" if inside == "true" else "0"
            elif step == _RENAME:
                replacement = VALUE_TEXT
            else:
                trimmed = trim_string(inside) if "\\" in inside else inside.strip()
                if trimmed:
                    replacement = trimmed
                elif trimmed is None or step == _TRIM:
                    return None
                else:
                    start, end, replacement = start - 1, end + 1, "null"
            body.append(text[done:start])
            body.append(replacement)
            done = end
        body.append(text[done:-1])
        if extras:
            body.append(f',"{ATTRIBUTES}":{encode_string("{" + ",".join(extras) + "}")}')
        return "".join(body)

    def _attribute(self, groups: tuple[str | None, ...], step: int) -> str | None:
        """Return an attribute's value from the groups behind its name; empty if it is not worth keeping."""
        scalar, string, inner = (None, None, groups[0]) if step == _METADATA else groups[:3]
        if scalar is not None:
            return scalar
        if string is not None:
            trimmed = trim_string(string)
            return f'"{trimmed}"' if trimmed else None
        if inner is None:  # the metadata are {} or null
            return ""
        # Whatever is nested is found to be JSON before anything is said about it.
        value = nested.trim(inner) or self._reader.nested(inner)
        if value is None:
            return None
        return "" if step == _METADATA and is_empty_object(value) else value
