"""Where one message ends and the next begins in a file of JSON: by lines, or by documents.

A line of a file of JSON lines may be anything, right or wrong. But a file whose lines are the pieces of
arrays or of indented objects is none, whatever its name, and its pieces are not messages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Numbers stay text: only their place matters here, and a very long one would raise.
DECODER = json.JSONDecoder(parse_int=str, parse_float=str)
_BLANKS = " \t\r\n"
# What a pretty-printer leaves on a line of its own.
_BRACKETS = re.compile(rb"\s*(?:[\[\]{},]\s*){1,4}")


@dataclass(frozen=True)
class Piece:
    """A part of a file that is one message or envelope."""

    line: int  # the line where it begins, from 1
    content: bytes


class PieceError(ValueError):
    """A part of a file cannot be read."""

    def __init__(self, line: int, rule: str) -> None:
        self.line = line
        self.rule = rule
        super().__init__(f"{line}: {rule}")


def skip_blanks(text: str, at: int) -> int:
    """The first position from `at` on that holds none of JSON's blanks."""
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at


def line_of(content: bytes, at: int) -> int:
    """The line of a position. Lines end in LF or CRLF, or in CR where there is no LF at all."""
    return 1 + content.count(_line_end(content), 0, at)


def by_lines(content: bytes) -> list[Piece]:
    """The messages of a file of JSON lines: the lines that are not blank, byte for byte.

    Raises:
        PieceError: When a line is plainly a piece of a document that cannot be read as a whole.
    """
    lines = [
        Piece(number, line.removesuffix(b"\r"))
        for number, line in enumerate(content.split(_line_end(content)), start=1)
        if line.strip()
    ]
    broken = [line.content for line in lines if not _is_json(line.content)]
    if not broken:
        return lines
    try:
        documents = list(_documents(content))
    except PieceError as error:
        if any(_is_fragment(line) for line in broken):
            raise PieceError(error.line, f"must be one message a line, or JSON: {error.rule}") from error
        return lines
    if len({document.line for document in documents}) == len(lines):
        return lines
    return _messages(documents)


def by_documents(content: bytes) -> list[Piece]:
    """The messages of a file of JSON documents: its objects and those of its arrays, as they are spelled.

    Raises:
        PieceError: When something is no JSON, or neither an object nor an array of objects.
    """
    return _messages(list(_documents(content)))


@dataclass(frozen=True)
class _Document:
    line: int
    parts: Sequence[tuple[int, str]]  # line and text of each message in it


def _documents(content: bytes) -> Iterator[_Document]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PieceError(line_of(content, error.start), "must be UTF-8") from error
    scanner = _Scanner(text, "\n" if b"\n" in content else "\r")
    at = skip_blanks(text, 0)
    while at < len(text):
        if text[at] == ",":
            raise PieceError(
                scanner.line(at),
                "no comma may stand between documents; take the commas away, or make it an array in [ and ]",
            )
        begin, (value, at) = at, scanner.read(at)
        if isinstance(value, list):
            yield _Document(scanner.line(begin), list(scanner.elements(begin)))
        else:
            yield _Document(scanner.line(begin), [(scanner.line(begin), text[begin:at])])
        at = skip_blanks(text, at)


def _messages(documents: Sequence[_Document]) -> list[Piece]:
    parts = [part for document in documents for part in document.parts]
    for line, text in parts:
        if not text.startswith("{"):
            raise PieceError(line, "each message must be a JSON object, or an element of an array of objects")
    return [Piece(line, text.encode("utf-8")) for line, text in parts]


class _Scanner:
    """Finds the values of a text; lines are counted on the way, since positions only grow."""

    def __init__(self, text: str, line_end: str) -> None:
        self._text = text
        self._line_end = line_end
        self._counted = (0, 1)

    def line(self, at: int) -> int:
        begin, line = self._counted
        if at < begin:
            begin, line = 0, 1
        self._counted = (at, line + self._text.count(self._line_end, begin, at))
        return self._counted[1]

    def read(self, at: int) -> tuple[object, int]:
        try:
            value, end = DECODER.raw_decode(self._text, at)
        except json.JSONDecodeError as error:
            raise PieceError(self.line(error.pos), f"must be JSON: {error.msg}") from error
        except RecursionError as error:
            raise PieceError(self.line(at), "must not be nested so deeply") from error
        return value, end

    def elements(self, begin: int) -> Iterator[tuple[int, str]]:
        """Line and text of each element of the array that begins there, and has been read as a whole."""
        at = skip_blanks(self._text, begin + 1)
        while self._text[at] != "]":
            _, end = self.read(at)
            yield self.line(at), self._text[at:end]
            at = skip_blanks(self._text, end)
            if self._text[at] == ",":
                at = skip_blanks(self._text, at + 1)


def _line_end(content: bytes) -> bytes:
    return b"\r" if b"\r" in content and b"\n" not in content else b"\n"


def _is_json(line: bytes) -> bool:
    try:
        text = line.decode("utf-8").strip(_BLANKS)
        return DECODER.raw_decode(text)[1] == len(text)
    except (ValueError, RecursionError):
        return False


def _is_fragment(line: bytes) -> bool:
    """Whether a line that is no JSON is a piece of some: brackets alone, or an element of an array."""
    inside = line.strip().removeprefix(b"[").removesuffix(b",").removesuffix(b"]")
    return _BRACKETS.fullmatch(line) is not None or _is_json(inside)
