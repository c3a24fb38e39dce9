"""Strict JSON, read for a line-wise table: strings trimmed, all else kept as it came.

RFC 8259 and nothing beyond it: no NaN, no comments, no control characters in strings. What is read stays text. A
message that needs no change is returned character for character, and a number's digits are never touched, however many
there are (``json.loads`` makes floats of them, and refuses long integers since Python 3.11).

Reading is iterative, so a deep message cannot exhaust the stack. A message may break several rules: that it
is not JSON counts before all others, then the first in the order of the text.
"""

from __future__ import annotations

import json
import re
import sys
from json.encoder import encode_basestring
from typing import AbstractSet, Match, Optional, Set, Tuple

from . import errors
from .envelope import RESERVED_KEYS, encodable
from .errors import MessageError

#: A member of the message's object: its key, unescaped; the text from the separator before it up to its value; the
#: value as it shall be written; the white space behind it. A plain tuple, since every message has ten.
Member = Tuple[str, str, str, str]
#: An open container: the keys that it has so far (None for an array), and the keys that lead to it.
_Level = Tuple[Optional[Set[str]], Tuple[str, ...]]

#: How deep a message may be nested, its own object included.
MAX_LEVELS = 100

#: Since Python 3.11 a repetition or a group can keep what it took. No text here can be taken in two ways, so
#: it changes no answer, but it spares memory where a string is long and time where a pattern fails.
ANY, ATOMIC = ("*+", "(?>") if sys.version_info >= (3, 11) else ("*", "(?:")
#: White space between tokens.
WS = r"[ \t\n\r]*"
#: Characters that a string may hold unescaped, and the escapes that it may have.
PLAIN = r'[^"\\\x00-\x1f]'
ESCAPE = r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})'
STRING = f"{PLAIN}{ANY}(?:{ESCAPE}{PLAIN}{ANY}){ANY}"
NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
_SCALAR = rf'"({STRING})"|{NUMBER}|true|false|null'
#: A scalar with what must follow it, or a look at the bracket that opens a container. Groups: the scalar, the
#: inside of a string, the white space behind, the separator.
_VALUE = rf"(?:({_SCALAR})({WS})([,}}\]])|(?=[\[{{]))"
#: A member of an object or an element of an array. Groups before those of the value: all that precedes it,
#: and the inside of a member's key.
ITEM = re.compile(rf'({WS}(?:"({STRING})"{WS}:{WS})?){_VALUE}')
EMPTY = re.compile(rf"\{{{WS}\}}|\[{WS}\]")
BEHIND = re.compile(rf"{WS}([,}}\]])")
REST = re.compile(rf"{WS}\Z")
_OPENING = re.compile(rf"{WS}([{{\[])")


def decode(payload: bytes) -> str:
    """Return the payload's text; raise ``MessageError`` where it is not UTF-8 or begins with a byte order mark."""
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        raise MessageError(errors.NOT_UTF8) from error
    if text.startswith("\ufeff"):
        raise MessageError(errors.BYTE_ORDER_MARK)
    return text


def trim_string(inside: str) -> str | None:
    """Trim what stands between the quotes of a JSON string.

    Returns:
        The inside as it shall be spelled: as it came if there is nothing to trim, and empty if it is blank.
        None if it holds half a surrogate pair, which no encoding can write.
    """
    if "\\" not in inside:
        return inside.strip()
    text: str = json.loads(f'"{inside}"')
    if not encodable(text):
        return None
    trimmed = text.strip()
    return inside if trimmed == text else encode_basestring(trimmed)[1:-1]


def is_empty_object(value: str) -> bool:
    """Tell whether a text is that of an object without members."""
    return value[0] == "{" and EMPTY.fullmatch(value) is not None


class Reader:
    """Reads messages of one lane."""

    __slots__ = ("_blank", "_nullable")

    def __init__(self, blank_strings: str, nullable: AbstractSet[str] = frozenset()) -> None:
        """Say what becomes of strings that are blank after trimming.

        Args:
            blank_strings: ``reject`` them, make them ``null``, or ``keep`` them as empty strings.
            nullable: Keys of the message's own object for which a blank string is null all the same.
        """
        self._blank = blank_strings
        self._nullable = nullable

    def read(self, text: str) -> tuple[str, list[Member]]:
        """Read a message.

        Joining the opening, the members (their last three parts) with commas between them, and ``}`` gives
        the message back, with its strings trimmed and without line breaks or anything behind the object.

        Returns:
            The opening, which ends with the object's ``{`` (and the white space inside an empty object), and
            the members in their order.

        Raises:
            MessageError: The message is not JSON, not an object, or breaks a rule that both lanes have.
        """
        bracket = _OPENING.match(text)
        if bracket is None:
            scalar = ITEM.match(text + "]")
            lone = scalar is not None and scalar.end() == len(text) + 1 and scalar.group(2) is None
            raise MessageError(errors.NOT_AN_OBJECT if lone else errors.NOT_JSON)
        reading = _Reading(text, self._blank)
        start = bracket.end(1) - 1
        if text[start] == "[":
            end, _ = reading.container(start, ())
            if not REST.match(text, end):
                raise MessageError(errors.NOT_JSON)
            raise MessageError(errors.NOT_AN_OBJECT)
        empty = EMPTY.match(text, start)
        members: list[Member] = []
        if empty is None:
            opening, end = bracket.group(), reading.members(bracket.end(), self._nullable, members)
        else:
            opening, end = text[: empty.end() - 1], empty.end()
        if not REST.match(text, end):
            raise MessageError(errors.NOT_JSON)
        if reading.problem is not None:
            raise reading.problem
        if "\n" in text or "\r" in text:
            # Strings cannot hold raw line breaks, so every one of them is white space between tokens.
            opening = _one_line(opening)
            members = [
                (key, _one_line(prefix), _one_line(value), _one_line(suffix)) for key, prefix, value, suffix in members
            ]
        return opening, members

    def nested(self, text: str) -> str | None:
        """Read an object or array on one line, under a key of the message; return None where it breaks a rule."""
        reading = _Reading(text, self._blank)
        try:
            end, value = reading.container(0, ())
        except MessageError:
            return None
        return value if end == len(text) and reading.problem is None else None


class _Reading:
    """The reading of one message: its text, and the first rule that it was seen to break."""

    __slots__ = ("_blank", "_text", "problem")

    def __init__(self, text: str, blank: str) -> None:
        self._text = text
        self._blank = blank
        self.problem: MessageError | None = None

    def members(self, position: int, nullable: AbstractSet[str], members: list[Member]) -> int:
        """Read the message's own members, from behind the brace; return the place behind its end."""
        keys: set[str] = set()
        separator = ","
        while separator == ",":
            found = self._item(position, keyed=True)
            prefix, inside, value, string, suffix, separator = found.groups()
            position = found.end()
            key = self._key(inside, keys, ())
            if key in RESERVED_KEYS:
                self._report(errors.RESERVED_KEY, (key,))
            if value is None:
                position, value = self.container(position, (key,))
                behind = self._behind(position)
                suffix, separator = behind.group()[:-1], behind.group(1)
                position = behind.end()
            elif string is not None and ("\\" in string or not string or string.strip() != string):
                value = self._string(string, (key,), nullable=key in nullable)
            members.append((key, prefix, value, suffix))
        if separator != "}":
            raise MessageError(errors.NOT_JSON)
        return position

    def container(self, position: int, path: tuple[str, ...]) -> tuple[int, str]:
        """Read what opens at a position; return the place behind its end, and its text as it shall be written."""
        text = self._text
        out: list[str] = []
        levels: list[_Level] = []
        while True:
            # Here a bracket opens.
            if len(levels) + 2 > MAX_LEVELS:  # with this container and the message's own object
                self._report(errors.NESTED_TOO_DEEP, path)
            levels.append((set() if text[position] == "{" else None, path))
            empty = EMPTY.match(text, position)
            if empty is None:
                out.append(text[position])
                position, separator = position + 1, ","
            else:
                out.append(empty.group())
                position, separator = empty.end(), empty.group()[-1]
            while True:
                if separator != ",":
                    position = self._leave(position, separator, levels, out)
                    if not levels:
                        return position, "".join(out)
                keys, path = levels[-1]
                found = self._item(position, keyed=keys is not None)
                prefix, inside, value, string, suffix, separator = found.groups()
                position = found.end()
                if keys is not None:
                    key = self._key(inside, keys, path)
                    if len(path) < MAX_LEVELS:  # deeper paths are of no use, and could fill the memory
                        path = (*path, key)
                if value is None:
                    out.append(prefix)
                    break
                if string is not None:
                    value = self._string(string, path)
                out += prefix, value, suffix, separator

    def _leave(self, position: int, separator: str, levels: list[_Level], out: list[str]) -> int:
        """Leave the innermost container, and those around it that end with it; return the place to go on."""
        while separator != ",":
            keys, _ = levels.pop()
            if separator != ("]" if keys is None else "}"):
                raise MessageError(errors.NOT_JSON)
            if not levels:
                break
            behind = self._behind(position)
            out.append(behind.group())
            position, separator = behind.end(), behind.group(1)
        return position

    def _item(self, position: int, *, keyed: bool) -> Match[str]:
        """Match a member (it has a key) or an element, with what must follow it."""
        found = ITEM.match(self._text, position)
        if found is None or (found.group(2) is None) == keyed:
            raise MessageError(errors.NOT_JSON)
        return found

    def _behind(self, position: int) -> Match[str]:
        """Match what follows a container inside another one."""
        found = BEHIND.match(self._text, position)
        if found is None:
            raise MessageError(errors.NOT_JSON)
        return found

    def _key(self, inside: str, keys: set[str], path: tuple[str, ...]) -> str:
        """Return a key, given what is between its quotes, and note it among the keys of its object."""
        if "\\" in inside:
            key: str = json.loads(f'"{inside}"')
            if not encodable(key):
                self._report(errors.LONE_SURROGATE, (*path, key))
        else:
            key = inside
        if key in keys:
            self._report(errors.DUPLICATE_KEY, (*path, key))
        keys.add(key)
        return key

    def _string(self, inside: str, path: tuple[str, ...], *, nullable: bool = False) -> str:
        """Return a string value as it shall be written, given what is between its quotes."""
        trimmed = trim_string(inside)
        if trimmed is None:
            self._report(errors.LONE_SURROGATE, path)
        elif not trimmed:
            if nullable or self._blank == "null":
                return "null"
            if self._blank == "reject":
                self._report(errors.BLANK_STRING, path)
        return f'"{trimmed}"'

    def _report(self, rule: str, path: tuple[str, ...]) -> None:
        if self.problem is None:
            self.problem = MessageError(rule, ".".join(path) or None)


def _one_line(text: str) -> str:
    return text.replace("\n", "").replace("\r", "")
