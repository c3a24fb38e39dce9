"""Ways to break a message, most of them slightly."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[a-z]+|[{}\[\]:,]', re.DOTALL)
_STRUCTURE = re.compile(rb'[{}\[\]:,"]')
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SCALAR = re.compile(rb"-?[0-9][0-9.eE+-]*|true|false|null")

# The value of a member: the closing bracket of a container is left to the other mutations.
_VALUE = re.compile(rb'(?<=:)[ \t]*(?:"(?:[^"\\]|\\.)*"|[^,"{}\[\]]+|\{\}|\[\]|\{[^{}]*\}|\[[^\[\]]*\])', re.DOTALL)
_MEMBER = re.compile(rb',[ \t]*"(?:[^"\\]|\\.)*"[ \t]*:(?:[ \t]*"(?:[^"\\]|\\.)*"|[^,"]*)', re.DOTALL)

_BYTES = [bytes([code]) for code in b"{}[]:,\"\\/ \t\n\r\x00\x1f\x7f\x80\xc3-+.0159eEntfu_'#"]
_SIGNS = (b"{", b"}", b"[", b"]", b":", b",", b'"', b"'", b"(", b"")
_ESCAPES = (
    *(b'\\"', b"\\\\", b"\\/", b"\\b", b"\\f", b"\\n", b"\\r", b"\\t", b"\\u0000", b"\\u0020", b"\\u00A0"),
    *(b"\\u2003", b"\\u3000", b"\\u001c", b"\\u200b", b"\\ufeff", b"\\ud83d\\ude00", b"\\ud83d", b"\\uDE00"),
    *(b"\\ude00\\ud83d", b"\\x41", b"\\u41", b"\\u 041", b"\\U0041", b"\\'", b"\\", b"\\u0022", b"\\u005c"),
)
_BLANKS = (
    *(b" ", b"  ", b"\t", b"\n", b"\r", b"\r\n", b"\x0b", b"\x0c", b"\x00", b"\x1c", b"\x1f", b"\x7f"),
    *("\x85".encode(), "\u00a0".encode(), "\u1680".encode(), "\u2003".encode(), "\u2028".encode()),
    *("\u3000".encode(), "\u200b".encode(), "\ufeff".encode()),
)
_NUMBERS = (
    *(b"-0", b"00", b"01", b"-01", b"1.", b".5", b"-.5", b"+1", b"-", b"--1", b"1e", b"1e+", b"1e5", b"1E-400"),
    *(b"1e308", b"1e309", b"-1e309", b"1e999999999", b"0e999", b"1.5.5", b"1_000", b"0x1F", b"1f", b"1,5"),
    *(b"NaN", b"nan", b"Infinity", b"-Infinity", b"9007199254740992", b"9007199254740993", b"-9007199254740993"),
    *(b"999999999999", b"1000000000000", b"-999999999999", b"-1000000000000", b"946684800000", b"987654321"),
    *(b"8999999999999", b"9223372036854", b"9223372036855", b"1773039900000.0", b"1.7730399e12", b"9" * 25),
    *(b"9" * 400, b"1" + b"0" * 308, b"0." + b"0" * 400 + b"1", "\uff11".encode(), "\u0663".encode(), b"1 2"),
)
_VALUES = (
    *(b"{}", b"[]", b"{ }", b"[ ]", b"{]", b"[}", b"{ ]", b"{\xc2\xa0}", b"{\t}", b"{,}", b"[,]", b"[1,]"),
    *(b"null", b"nul", b"Null", b"true", b"True", b"false", b'""', b'" "', b'"x"', b'" x "', b"''", b""),
    *(b'{"a":1,"a":2}', b'{"a":{"b":" "}}', b'{"a":[" x"]}', b"[[[[1]]]]", b"[" * 100 + b"]" * 100, b"[NaN]"),
    *(b'{"_gateway":1}', b'{"a":1}}', b'{"a"}', b'{"a":}', b"{a:1}", b"[1 2]", b'["a" "b"]', b'{"a":01}'),
    *(b'{"\\ud800":1}', b'["\\ud800"]', b'["\\u0061"]', b"[1]//", b"/**/1", b"1/**/"),
)


def mutate(rng: Random, message: bytes, other: bytes) -> bytes:
    """Break a message, once or a few times, perhaps with parts of another one."""
    for _ in range(rng.choice((1, 1, 1, 1, 2, 2, 3, 5))):
        mutation = rng.choice(MUTATIONS)
        message = splice(rng, message, other) if mutation is None else mutation(rng, message)
    return message


def delete(rng: Random, message: bytes) -> bytes:
    """Take out a few bytes, or a token."""
    start, end = rng.choice((_span, _token))(rng, message)
    return message[:start] + message[end:]


def change(rng: Random, message: bytes) -> bytes:
    """Change one byte."""
    if not message:
        return message
    place = rng.randrange(len(message))
    return message[:place] + rng.choice(_BYTES) + message[place + 1 :]


def insert(rng: Random, message: bytes) -> bytes:
    """Insert a byte."""
    return _put(message, rng.randint(0, len(message)), rng.choice(_BYTES))


def swap(rng: Random, message: bytes) -> bytes:
    """Exchange two parts."""
    part = rng.choice((_span, _token))
    (start, end), (start_2, end_2) = sorted((part(rng, message), part(rng, message)))
    if end > start_2:
        return message
    return message[:start] + message[start_2:end_2] + message[end:start_2] + message[start:end] + message[end_2:]


def copy(rng: Random, message: bytes) -> bytes:
    """Repeat a part somewhere else."""
    start, end = rng.choice((_span, _token, _member))(rng, message)
    place = rng.choice((end, _between(rng, message), rng.randint(0, len(message))))
    return _put(message, place, message[start:end])


def splice(rng: Random, message: bytes, other: bytes) -> bytes:
    """Go on with another message from some token on."""
    return message[: _between(rng, message)] + other[_between(rng, other) :]


def put_escape(rng: Random, message: bytes) -> bytes:
    """Put an escape into a string."""
    start, end = _any(rng, _STRING, message)
    return _put(message, rng.randint(start + 1, max(start + 1, end - 1)), rng.choice(_ESCAPES))


def put_blank(rng: Random, message: bytes) -> bytes:
    """Put a blank between tokens, or at an end of a string."""
    if rng.randrange(2):
        return _put(message, _between(rng, message), rng.choice(_BLANKS))
    start, end = _any(rng, _STRING, message)
    return _put(message, rng.choice((start + 1, max(start + 1, end - 1))), rng.choice(_BLANKS))


def _replace(pattern: re.Pattern[bytes], choices: Sequence[bytes]) -> Callable[[Random, bytes], bytes]:
    def replace(rng: Random, message: bytes) -> bytes:
        start, end = _any(rng, pattern, message)
        return message[:start] + rng.choice(choices) + message[end:]

    return replace


def _put(message: bytes, place: int, what: bytes) -> bytes:
    return message[:place] + what + message[place:]


def _span(rng: Random, message: bytes) -> tuple[int, int]:
    start = rng.randint(0, len(message))
    return start, min(len(message), start + rng.choice((1, 1, 1, 2, 3, 8, 40)))


def _token(rng: Random, message: bytes) -> tuple[int, int]:
    return _any(rng, _TOKEN, message)


def _member(rng: Random, message: bytes) -> tuple[int, int]:
    return _any(rng, _MEMBER, message)


def _between(rng: Random, message: bytes) -> int:
    return rng.choice(_token(rng, message))


def _any(rng: Random, pattern: re.Pattern[bytes], message: bytes) -> tuple[int, int]:
    """Find one of the places that a pattern matches; any part if there is none."""
    places = [found.span() for found in pattern.finditer(message)]
    return rng.choice(places) if places else _span(rng, message)


# The one that takes a second message is None. The last ones put another sign for a bracket, quote, colon or comma,
# an odd number for a number or a literal, and an odd value behind a key.
MUTATIONS: list[Callable[[Random, bytes], bytes] | None] = [
    *(delete, change, insert, swap, copy, None, put_escape, put_blank),
    *(_replace(_STRUCTURE, _SIGNS), _replace(_SCALAR, _NUMBERS), _replace(_VALUE, 3 * _VALUES + _NUMBERS)),
]
