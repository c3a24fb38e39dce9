"""Messages as gateways might spell them, and as none should."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.unit.transform.support import ARRIVAL, DAY, TAKEN, sample

WHITE = " \t\u00a0\u2003\u3000\u0085\x1c"
CHARACTERS = st.sampled_from('aZ0:,{}[]"\\/é€😀\u200b\x7f' + WHITE + "\n\r\x00\ufeff")
TEXTS = st.one_of(
    st.text(CHARACTERS, max_size=8),
    st.sampled_from(["x", "Press 1", "", " ", "  pad", "pad\t", "\u2003", "12.5", "null"]),
)


@st.composite
def spelled_strings(draw: Callable[..., Any], texts: st.SearchStrategy[str] = TEXTS) -> str:
    """Spell a string as JSON: each character as it is, in its short escape or in hex, where it may."""
    out = ['"']
    for character in draw(texts):
        hexes = "".join(f"\\u{unit:04x}" for unit in _units(character))
        short = json.dumps(character)[1:-1]
        ways = [short, hexes, hexes.upper().replace("\\U", "\\u")]
        if character >= " " and character not in '"\\':
            ways += [character] * 4
        out.append(draw(st.sampled_from(ways)))
    return "".join(out) + '"'


def _units(character: str) -> list[int]:
    data = character.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]


NUMBERS = st.one_of(
    st.from_regex(r"-?(0|[1-9][0-9]{0,22})(\.[0-9]{1,4})?([eE][-+]?[0-9]{1,4})?", fullmatch=True),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["-0", "0.0", "1e5", "9007199254740992", "9007199254740993", "1e308", "1e309", "-1E-400"]),
)
SCALARS = st.one_of(spelled_strings(), NUMBERS, st.sampled_from(["true", "false", "null"]))
SPACES = st.sampled_from(["", "", "", "", " ", "\t", "\n", " \r\n"])


@st.composite
def arrays(draw: Callable[..., Any], values: st.SearchStrategy[str]) -> str:
    """Spell an array."""
    first: str = draw(SPACES)
    second: str = draw(SPACES)
    items: list[str] = draw(st.lists(values, max_size=3))
    return "[" + first + ("," + second).join(items) + second + "]"


@st.composite
def objects(draw: Callable[..., Any], values: st.SearchStrategy[str]) -> str:
    """Spell an object; a key may come twice."""
    keys = spelled_strings(st.sampled_from(["a", "b", " c", "", "_gateway", "é"]))
    members: list[tuple[str, str]] = draw(st.lists(st.tuples(keys, values), max_size=3))
    return spelled(members, draw(SPACES), draw(SPACES))


VALUES = st.recursive(SCALARS, lambda inner: st.one_of(arrays(inner), objects(inner)), max_leaves=8)


def spelled(members: list[tuple[str, str]], space: str = "", other: str = "") -> str:
    """Spell an object from spelled keys and values, with white space in its places."""
    inside = ("," + space).join(f"{key}{other}:{space}{value}{other}" for key, value in members)
    return "{" + other + inside + "}"


# What each key may hold when it is right, and then anything.
GOOD = {
    "timestamp": st.one_of(
        st.sampled_from([TAKEN, ARRIVAL, ARRIVAL + DAY, ARRIVAL - 400 * DAY]).map(str),
        st.integers(ARRIVAL - 401 * DAY, ARRIVAL + 2 * DAY).map(str),
    ),
    "success": st.sampled_from(["true", "false"]),
    "value": SCALARS,
    "metadata": st.one_of(st.sampled_from(["{}", "{ }", "null"]), objects(VALUES)),
    "description": st.one_of(st.sampled_from(['""', '" "', "null"]), spelled_strings()),
}
KEYS = ["metadata", *sample()]
UNKNOWN = st.sampled_from(
    [
        *("unit", "quality", "value_text", "attributes", "Value", "year", "deviceid", " ", ""),
        *("_gateway", "_received_at"),
    ]
)
SOLID = spelled_strings(TEXTS.filter(lambda text: bool(text.strip())))


@st.composite
def samples(draw: Callable[..., Any]) -> str:
    """Spell a sample, mostly a valid one; now and then a key is missing, double or holds anything."""
    members: list[tuple[str, str]] = []
    for key in draw(st.permutations(KEYS)) if draw(st.booleans()) else KEYS:
        value = draw(VALUES if draw(st.integers(0, 40)) == 0 else GOOD.get(key, SOLID))
        if draw(st.integers(0, 60)):
            members.append((draw(spelled_strings(st.just(key))), value))
    for key in draw(st.lists(UNKNOWN, max_size=2, unique=True)):
        members.insert(draw(st.integers(0, len(members))), (json.dumps(key), draw(VALUES)))
    if members and draw(st.integers(0, 40)) == 0:
        members.append(draw(st.sampled_from(members)))
    return spelled(members, draw(SPACES), draw(SPACES))
