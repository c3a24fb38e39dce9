"""The quick road for samples that are spelled like samples before them.

A gateway writes its messages with one serializer, so nearly all of them have the same keys in the same order
with the same white space between. For each such spelling this module compiles one regular expression. It
accepts only a part of what the careful road accepts, and captures just what must change: a padded string, a
blank description, a boolean, a text, an unknown key. All else is checked by the match itself and goes on as
it came. Whatever does not match, or might be invalid, takes the careful road, which alone rejects: a shape
may be too strict, never too lenient.

A match implies that no key occurs twice, that no string holds half a surrogate pair, that every required key
is there with its type, and that numbers fit their columns.
"""

from __future__ import annotations

import re

from .reader import NUMBER, encode_string, is_empty_object
from .schema import ATTRIBUTES, VALUE_TEXT

TYPE_CHECKING = False  # spares the import of typing
if TYPE_CHECKING:
    from typing import Callable, Match

    from .reader import Member
    from .schema import Column

# Characters that a JSON string may hold unescaped.
_PLAIN = r'[^"\\\x00-\x1f]'
# Escapes that mean neither white space, which may have to be trimmed, nor half a surrogate pair.
_WHITE = r"00(?:0[9A-Da-d]|1[C-Fc-f]|20|85|[Aa]0)|1680|20(?:0[0-9Aa]|2[89Ff]|5[Ff])|3000"
_ESCAPE = rf'\\(?:["\\/b]|u(?!{_WHITE}|[Dd][89A-Fa-f])[0-9A-Fa-f]{{4}})'
# A string that trimming leaves alone, without and with escapes.
_CLEAN = rf'"[^"\\\s\x00-\x1f]{_PLAIN}*(?<!\s)"'
_CLEAN_ESCAPED = rf'"[^"\\\s\x00-\x1f]{_PLAIN}*(?:{_ESCAPE}{_PLAIN}*)*(?<!\s)"'
# The inside of a string that it does not. No text is both, so that a failing match has nothing to try twice.
_PADDED = rf"(?=\s){_PLAIN}+|(?!\s){_PLAIN}+(?<=\s)|"
# Surely within a double's range, and below 2^53 if it is an integer.
_DOUBLE = r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,2})?"
_PATTERNS = {
    "boolean": "true|false",
    "int": "-?(?:0|[1-9][0-9]{0,8})",
    "bigint": "-?(?:0|[1-9][0-9]{0,17})",
    "double": _DOUBLE,
    "timestamp": "0|[1-9][0-9]{0,13}",
}

# What to do with a captured group: read it as the time of the sample, trim it, trim it or put null, put the
# name of the column for texts, put 1 or 0, leave it out, or copy it to the attributes.
_TIME, _TRIM, _TRIM_OR_NULL, _RENAME, _AS_NUMBER, _DROP, _EXTRA = range(7)


class Shapes:
    """The spellings that have been seen often enough, at most ``MOST`` of them.

    None is ever dropped for another, so that senders of ever new spellings cannot keep the function busy
    compiling.

    Attributes:
        known: Functions that convert a message if it has their shape. They return the line without its
            closing and the time at which the sample was taken, in epoch milliseconds, which the caller still
            has to find plausible; or None for a message that must take the careful road.
    """

    MOST = 8
    # The careful road is taken this often before a spelling is worth the milliseconds that compiling takes.
    LEARN_AT = 3
    _MOST_KEYS = 40
    _MOST_CANDIDATES = 64

    __slots__ = ("_candidates", "_columns", "_event_time", "_metadata", "_value", "known")

    def __init__(self, columns: dict[str, Column], event_time: str, value: str, metadata: str) -> None:
        """Take what all shapes are made from.

        Args:
            columns: The columns that a message feeds, by their key.
            event_time: The key of the time at which a sample was taken.
            value: The key of its value.
            metadata: The key that vanishes when it is empty.
        """
        self._columns = columns
        self._event_time = event_time
        self._value = value
        self._metadata = metadata
        self.known: list[Callable[[str], tuple[str, int] | None]] = []
        self._candidates: dict[tuple[object, ...], int] = {}

    def convert(self, text: str) -> tuple[str, int] | None:
        """Convert a message by the first shape that it has."""
        known = self.known
        for shape in known:
            done = shape(text)
            if done is not None:
                if shape is not known[0]:  # so the shapes of busy gateways wander to the front
                    index = known.index(shape)
                    known[index - 1], known[index] = shape, known[index - 1]
                return done
        return None

    def learn(self, text: str, members: list[Member]) -> None:
        """Note the spelling of a message that took the careful road and was valid.

        Args:
            text: The message.
            members: What the reader made of it.
        """
        if len(self.known) >= self.MOST or len(members) > self._MOST_KEYS:
            return
        if text[0] != "{" or text[-1] != "}" or "\n" in text or "\r" in text:
            return
        spelling = ("\\" in text, *[member[1] for member in members])
        seen = self._candidates.get(spelling, 0) + 1
        if seen <= self.LEARN_AT and all(map(self._is_flat, members)):
            if seen == self.LEARN_AT:
                self.known.append(self._compile(text, members))
            elif seen == 1 and len(self._candidates) >= self._MOST_CANDIDATES:
                self._candidates.clear()
            self._candidates[spelling] = seen

    def _is_flat(self, member: Member) -> bool:
        key, _, value, trail = member
        return not trail and (value[0] not in "{[" or (key == self._metadata and is_empty_object(value)))

    def _compile(self, text: str, members: list[Member]) -> Callable[[str], tuple[str, int] | None]:
        clean = _CLEAN_ESCAPED if "\\" in text else _CLEAN
        pattern = [r"\{"]
        # The number of each group with what to do with what it captured, in the order of the text.
        plan: list[tuple[int, int]] = []
        kept = False  # whether a member that stays in its place has come
        for key, lead, _, _ in members:
            column = self._columns.get(key)
            name = re.escape(lead)
            if column is None:
                # The member leaves its place together with the comma before it, or behind it if it leads.
                before, behind = (",", "") if kept else ("", ",")
                plan.append((len(plan) + 1, _DROP))
                if key == self._metadata:
                    pattern.append(rf"({before}{name}(?:\{{\}}|null){behind})")
                else:
                    plan.append((len(plan) + 1, _EXTRA))
                    space, name = re.escape(lead[: lead.index('"')]), re.escape(lead[lead.index('"') :])
                    pattern.append(f"({before}{space}({name}(?:{clean}|{NUMBER}|true|false|null)){behind})")
                continue
            if kept:
                pattern.append(",")
            kept = True
            null = "" if column.required else "|null"
            if key == self._event_time:
                plan.append((len(plan) + 1, _TIME))
                pattern.append(f"{name}([1-9][0-9]{{11,13}})")
            elif key == self._value:
                first = len(plan) + 1
                plan += (first, _RENAME), (first + 1, _TRIM), (first + 2, _AS_NUMBER)
                opening, closing = lead.index('"') + 1, lead.rindex('"')
                space, inside, colon = map(re.escape, (lead[:opening], lead[opening:closing], lead[closing:]))
                texts = f'{space}({inside}){colon}(?:{clean}|"({_PADDED})")'
                pattern.append(f"(?:{texts}|{name}(?:{_DOUBLE}|(true|false)|null))")
            elif column.type == "string":
                plan.append((len(plan) + 1, _TRIM_OR_NULL if column.blank_is_null else _TRIM))
                pattern.append(f'{name}(?:{clean}|"({_PADDED})"{null})')
            else:
                pattern.append(f"{name}(?:{_PATTERNS[column.type]}{null})")
        pattern.append(r"\}\Z")
        return _Shape("".join(pattern), plan).convert


class _Shape:
    """One spelling."""

    __slots__ = ("_drop", "_event_time", "_match", "_plan", "_quiet")

    def __init__(self, pattern: str, plan: list[tuple[int, int]]) -> None:
        self._match = re.compile(pattern).match
        # Groups count from 1 in a match, from 0 in the tuple of what they captured.
        (self._event_time,) = (number - 1 for number, step in plan if step == _TIME)
        self._plan = [(number, number - 1, step) for number, step in plan if step != _TIME]
        # Most messages are clean: but for the time, and for empty metadata that has to go, no group takes
        # part.
        drops = [number for number, step in plan if step == _DROP]
        self._drop = drops[0] if drops else 0
        self._quiet = len(plan) - 1 - len(drops) if len(drops) < 2 else -1

    def convert(self, text: str) -> tuple[str, int] | None:
        """Convert a message; see ``Shapes.known``."""
        found = self._match(text)
        if found is None:
            return None
        groups = found.groups()
        event_time = int(groups[self._event_time])
        if groups.count(None) != self._quiet:
            body = self._edit(text, found, groups)
            return None if body is None else (body, event_time)
        if self._drop:
            start, end = found.span(self._drop)
            return text[:start] + text[end:-1], event_time
        return text[:-1], event_time

    def _edit(self, text: str, found: Match[str], groups: tuple[str | None, ...]) -> str | None:
        """Make the changes that the groups call for; None if only the careful road can judge one of them."""
        body: list[str] = []
        extras: list[str] = []
        done = 0
        for number, index, step in self._plan:
            inside = groups[index]
            if inside is None:
                continue
            if step == _EXTRA:
                extras.append(inside)
                continue
            start, end = found.span(number)
            if step == _DROP:
                replacement = ""
            elif step == _AS_NUMBER:
                replacement = "1" if inside == "true" else "0"
            elif step == _RENAME:
                replacement = VALUE_TEXT
            else:
                replacement = inside.strip()
                if not replacement:
                    if step == _TRIM:
                        return None
                    start, end, replacement = start - 1, end + 1, "null"
            body.append(text[done:start])
            body.append(replacement)
            done = end
        body.append(text[done:-1])
        if extras:
            body.append(f',"{ATTRIBUTES}":{encode_string("{" + ",".join(extras) + "}")}')
        return "".join(body)
