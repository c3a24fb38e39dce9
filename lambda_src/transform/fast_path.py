"""The fast path of samples: one match of a regular expression where the slow path reads token by token.

A gateway writes its messages with one serializer, so nearly all of them have the same keys in the same order,
with the same white space between. That is a spelling. One that has come a few times gets a template, which
converts the messages that are spelled alike. The slow twin is ``measurements.Measurements.convert_slowly``:
as ``make bench`` measures it, this path is 5 times as fast where nothing changes, 4 times on a plant's usual
mix, and twice where much changes.

A template accepts only a part of what the slow path accepts, and captures just what must change: a padded string, a
blank description, a boolean, a text, an unknown key. The match itself checks all else, which goes on as it came.
Whatever does not match, or might be invalid, takes the slow path, which alone rejects: a template may be too strict,
never too lenient. ``python -m harness.fuzz`` holds the two paths against each other.

A match implies that no key occurs twice, that no string holds half a surrogate pair, that every required key
is there with its type, and that numbers fit their columns.
"""

from __future__ import annotations

import re
from json import JSONDecoder
from json.encoder import encode_basestring
from typing import Any, Callable, Match

from .reader import ANY, ATOMIC, NUMBER, PLAIN, STRING, Member, Reader, is_empty_object, trim_string
from .schema import ATTRIBUTES, VALUE_TEXT, Column

#: Escapes that mean neither white space, which may have to be trimmed, nor half a surrogate pair.
_WHITE = r"00(?:0[9A-Da-d]|1[C-Fc-f]|20|85|[Aa]0)|1680|20(?:0[0-9Aa]|2[89Ff]|5[Ff])|3000"
_HARMLESS = rf'\\(?:["\\/b]|u(?!{_WHITE}|[Dd][89A-Fa-f])[0-9A-Fa-f]{{4}})'
#: Latin-1's characters but white space, controls, quotes and backslashes. A list of what may come is matched
#: more quickly than one of what may not; beyond Latin-1 it would be slow to compile.
_VISIBLE = r"!#-\[\]-~\xa1-\xff"
#: Surely within a double's range, and below 2^53 if it is an integer.
_DOUBLE = r"-?(?:[1-9][0-9]{0,14}|0)(?:\.[0-9]+|)(?:[eE][-+]?[0-9]{1,2}|)"
#: Surely milliseconds to OpenX, and not so many that it would wrap: 2001-09-09 to 2255-03-13.
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
        unchanged: A string that trimming leaves alone.
        unchanged_latin: Such a string of characters that are matched most quickly.
        modified: Any other string, its inside captured: it may be padded or blank, or hold an escape that has
            to be looked at.
        value: Either of the two.
        nested: An object or array, captured, with at most one more level in it. What stands between its
            brackets is not checked by the pattern: it may turn out not to be JSON.
        nested_object: Such an object, but not ``{}``.
    """

    __slots__ = ("modified", "nested", "nested_object", "unchanged", "unchanged_latin", "value")

    def __init__(self, *, escapes: bool) -> None:
        plain = PLAIN + ANY
        some = STRING if escapes else plain
        more = f"(?:{_HARMLESS}{plain}){ANY}" if escapes else ""
        inside = rf'[^"\\\s\x00-\x1f]{plain}{more}(?<!\s)"'
        self.unchanged = f'"{inside}'
        self.unchanged_latin = self.unchanged if escapes else rf'"[{_VISIBLE}][ {_VISIBLE}]{ANY}(?<! )"'
        modified = f'((?!{inside}){some})"'
        self.modified = f'"{modified}'
        self.value = f'"{ATOMIC}{inside}|{modified})'
        other = rf'[^\[\]{{}}"\\\x00-\x1f]{ANY}'
        inner = _paired(f'{other}(?:"{some}"{other}){ANY}')
        content = f'{other}(?:(?:"{some}"|{inner}){other}){ANY}'
        self.nested = f"({_paired(content)})"
        self.nested_object = rf"((?!\{{\}})\{{{content}\}})"


def _paired(content: str) -> str:
    """Return the pattern of an object or array, each of which ends with the bracket that it began with."""
    return rf"(?:\{{{content}\}}|\[{content}\])"


#: What to do with a captured group: read it as the time of the sample; trim the string; trim it or put null;
#: put the name of the column for texts; put 1 or 0; leave the member out; copy it to the attributes, as
#: metadata or as any unknown key. The rest belongs to the group before it.
_TIME, _TRIM, _TRIM_OR_NULL, _RENAME, _AS_NUMBER, _DROP, _METADATA, _EXTRA, _REST = range(9)


class TemplateMaker:
    """Makes templates of a table's samples."""

    __slots__ = ("_columns", "_event_time", "_metadata", "_reader", "_value")

    def __init__(self, columns: dict[str, Column], event_time: str, value: str, metadata: str, reader: Reader) -> None:
        """Take what all templates are made from.

        The columns that a message feeds, by their key; the keys of the time at which a sample was taken, of its
        value, and of the metadata, which vanish when they are empty.
        """
        self._columns = columns
        self._event_time = event_time
        self._value = value
        self._metadata = metadata
        self._reader = reader

    def make(self, members: list[Member], *, escapes: bool) -> Template:
        """Make the template of messages that are spelled alike; those without escapes are matched more quickly."""
        strings = _Strings(escapes=escapes)
        pattern, unchanged = [r"\{"], [r"(?P<before>\{"]
        steps: list[int] = []
        comma = ""  # before each member, once one has come that stays in its place
        for key, prefix, _, _ in members:
            column = self._columns.get(key)
            if column is not None:
                part, step, unchanged_part = self._known(key, prefix, column, strings)
                pattern.append(comma + part)
                unchanged.append(comma + unchanged_part)
                comma = ","
            else:
                # The member leaves its place together with the comma before it, or behind it if it leads.
                part, step = self._unknown(key, prefix, strings)
                behind = "" if comma else ","
                pattern.append(f"({comma}{part}{behind})")
                unchanged.append(rf"){comma}{re.escape(prefix)}\{{\}}{behind}(?P<after>")
            steps += step
        if _DROP not in steps:
            unchanged.append(")(?P<after>")
        unchanged.append(r")\}")
        pattern.append(r"\}\Z")
        whole = None if _EXTRA in steps else "".join(unchanged)
        return Template("".join(pattern), steps, whole, self._reader)

    def _known(self, key: str, prefix: str, column: Column, strings: _Strings) -> tuple[str, list[int], str]:
        """Return the pattern of a member that has a column, its steps, and its pattern where unchanged."""
        name = re.escape(prefix)
        null = "" if column.required else "|null"
        if key == self._event_time:
            return f"{name}({_MILLISECONDS})", [_TIME], f"{name}(?P<time>{_MILLISECONDS})"
        if key == self._value:
            begin, end = prefix.index('"') + 1, prefix.rindex('"')
            space, inside, colon = (re.escape(prefix[:begin]), re.escape(prefix[begin:end]), re.escape(prefix[end:]))
            text = f"{space}({inside}){colon}{strings.value}"
            pattern = f"(?:{text}|{name}(?:{_DOUBLE}|(true|false)|null))"
            return pattern, [_RENAME, _TRIM, _AS_NUMBER], name + _DOUBLE
        if column.type == "string":
            step = _TRIM_OR_NULL if column.blank_is_null else _TRIM
            return f"{name}(?:{strings.value}{null})", [step], name + strings.unchanged_latin
        pattern = f"{name}(?:{_PATTERNS[column.type]}{null})"
        return pattern, [], pattern

    def _unknown(self, key: str, prefix: str, strings: _Strings) -> tuple[str, list[int]]:
        """Return the pattern of a member that has no column, with its groups' steps."""
        begin = prefix.index('"')
        name = f"{re.escape(prefix[:begin])}({re.escape(prefix[begin:])})"
        if key == self._metadata:
            return rf"{name}(?:\{{\}}|null|{strings.nested_object})", [_DROP, _METADATA, _REST]
        scalar = f"({strings.unchanged}|{NUMBER}|true|false|null)"
        return f"{name}(?:{scalar}|{strings.modified}|{strings.nested})", [_DROP, _EXTRA, _REST, _REST, _REST]


#: What follows an object in an array: the next one, or nothing.
_NEXT = r"(?:, ?(?=\{)|\Z)"


class Template:
    """Converts the messages of one spelling."""

    __slots__ = ("_each", "_early", "_event_time", "_match", "_plan", "_reader", "_split", "_unchanged")

    def __init__(self, pattern: str, steps: list[int], unchanged: str | None, reader: Reader) -> None:
        """Compile a spelling.

        ``steps`` say what to do with what each group of the pattern captured, in the order of the groups.
        ``unchanged`` is the expression for messages in which nothing changes but that empty metadata goes, with the
        groups ``before``, ``after`` (on both sides of the metadata) and ``time``; None if it has unknown keys.
        """
        self._match = re.compile(pattern).match
        # Groups count from 1 in a match, from 0 in the tuple of what they captured.
        self._event_time = steps.index(_TIME)
        self._plan = [(index + 1, index, step) for index, step in enumerate(steps) if step not in (_TIME, _REST)]
        self._reader = reader
        self._unchanged = None
        self._split: Callable[[str], list[str]] | None = None
        if unchanged is not None:
            compiled = re.compile(unchanged + r"\Z")
            self._unchanged = compiled.match
            self._early = compiled.groupindex["time"] < compiled.groupindex["after"]
            self._each = unchanged

    def convert(self, text: str, line_suffix: str) -> tuple[str, int] | None:
        """Convert a message of this spelling.

        Returns:
            The line, and the time at which the sample was taken, in epoch milliseconds, which the caller
            still has to find plausible. None if the message has another spelling.
        """
        if self._unchanged is not None:
            found = self._unchanged(text)
            if found is not None:
                before, second, third = found.groups()
                after, event_time = (third, second) if self._early else (second, third)
                return f"{before}{after}{line_suffix}", int(event_time)
        found = self._match(text)
        if found is None:
            return None
        groups = found.groups()
        body = self._edit(text, found, groups)
        return None if body is None else (body + line_suffix, int(groups[self._event_time]))

    def convert_many(self, text: str, line_suffix: str) -> tuple[list[str], list[str]] | None:
        """Convert those of some objects, with commas between them, that are of this spelling and need no change.

        Returns:
            The parts of the result, and the times of the converted objects, all of 13 digits. Each line has three
            parts; before the first, between two and behind the last stands, as it is spelled, what could not be
            converted, mostly nothing. None if no object is converted.
        """
        if self._unchanged is None:
            return None
        if self._split is None:  # the first batch, no single message, compiles it
            self._split = re.compile(self._each + _NEXT).split
        parts = self._split(text)
        if len(parts) == 1:
            return None
        if self._early:  # the groups are before, time and after; else before, after and time
            times, parts[2::4] = parts[2::4], parts[3::4]
        else:
            times = parts[3::4]
        parts[3::4] = [line_suffix] * len(times)
        return parts, times

    def _edit(self, text: str, found: Match[str], groups: tuple[str | None, ...]) -> str | None:
        """Make the changes that the groups call for; None if only the slow path can decide on one of them."""
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
            body.append(f',"{ATTRIBUTES}":{encode_basestring("{" + ",".join(extras) + "}")}')
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
        value = _trim_nested(inner) or self._reader.nested(inner)
        if value is None:
            return None
        return "" if step == _METADATA and is_empty_object(value) else value


class Templates:
    """The templates of spellings that have been seen often enough, at most ``MAX`` of them.

    None is ever dropped for another, so that senders of ever new spellings cannot keep the function busy compiling.
    """

    MAX = 8
    # The slow path is taken this often before a spelling is worth the milliseconds that compiling takes.
    LEARN_AT = 3
    _MAX_CANDIDATES = 64
    _MAX_KEYS = 40
    _MAX_CHARACTERS = 8_192

    __slots__ = ("_candidates", "_known", "_learned", "_maker")

    def __init__(self, maker: TemplateMaker, known: tuple[list[Template], list[Template]]) -> None:
        """Start with two empty lists, for the templates of messages without escapes and of messages with some."""
        self._maker = maker
        self._known = known
        self._learned: set[tuple[object, ...]] = set()
        self._candidates: dict[tuple[object, ...], int] = {}

    def promote(self, templates: list[Template], template: Template) -> None:
        """Move a template one place to the front of its list, so that those of busy gateways come first."""
        index = templates.index(template)
        templates[index - 1], templates[index] = template, templates[index - 1]

    def learn(self, text: str, members: list[Member]) -> None:
        """Note the spelling of a message that took the slow path and was valid."""
        if len(self._learned) >= self.MAX or len(members) > self._MAX_KEYS:
            return
        if len(text) > self._MAX_CHARACTERS or not _is_tight(text, members):
            return
        escapes = "\\" in text
        spelling = (escapes, *[prefix for _, prefix, _, _ in members])
        if spelling in self._learned:
            return
        seen = self._candidates.pop(spelling, 0) + 1
        if seen >= self.LEARN_AT:
            self._learned.add(spelling)
            self._known[escapes].append(self._maker.make(members, escapes=escapes))
            return
        if len(self._candidates) >= self._MAX_CANDIDATES:
            self._candidates.clear()
        self._candidates[spelling] = seen


def _is_tight(text: str, members: list[Member]) -> bool:
    """Tell whether a message is on one line, without white space around it or before its commas."""
    if "\n" in text or "\r" in text:
        return False
    return text[0] == "{" and text[-1] == "}" and not any(suffix for *_, suffix in members)


def _trim_nested(text: str) -> str | None:
    """Trim the strings of an object or array on one line under an unknown key, but not its keys.

    ``json.loads`` would respell numbers, but its scanner, which is C, tells quickly whether the text is JSON. After
    that the quotes alone show where the strings are. None, which leaves it to the slow path, stands for what is no
    JSON, holds a backslash, a blank string or a key twice.
    """
    if "\\" in text:
        return None
    try:
        _, end = _SCANNER.raw_decode(text)
    except ValueError:
        return None
    if end != len(text):
        return None
    parts = text.split('"')
    for index in range(1, len(parts), 2):
        inside = parts[index]
        trimmed = inside.strip()
        if (trimmed == inside and inside) or parts[index + 1].lstrip().startswith(":"):
            continue
        if not trimmed:
            return None
        parts[index] = trimmed
    return '"'.join(parts)


def _distinct(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key occurs twice")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


#: Numbers stay text: their values are not needed, and Python refuses the longest of them.
_SCANNER = JSONDecoder(object_pairs_hook=_distinct, parse_float=str, parse_int=str, parse_constant=_refuse)
