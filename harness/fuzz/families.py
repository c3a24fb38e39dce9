"""Samples of one spelling: the same keys in the same order, with the same white space between."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

KEYS = (
    *("datatype", "description", "deviceID", "deviceName", "metadata"),
    *("registerId", "success", "tagName", "timestamp", "value"),
)
# Keys that may be missing.
_OPTIONAL = ("description", "metadata", "value")
# Keys that have no column, some of them spelled so that a pattern might trip over them.
_UNKNOWN = (
    *('"unit"', '"quality"', '"größe"', '"Value"', '"value_text"', '"attributes"', '"a.b*"', '"^$"'),
    *('"(k)"', '"[0]"', '"{}"', '" "', '""', '"\\""', '"\\u0061"', '"k\\\\"', '"gr\\u00f6\\u00dfe"'),
)
_SEPARATORS = (("", ""), ("", ""), ("", ""), (" ", ""), ("  ", ""), ("", " "), ("\t", ""))

_TEXTS = (
    *("x", "Press 1", "float64", "0b9e6f1c-4d0a-4a53-9b8e-6f5a1c2d3e4f", "RUNNING", "a,b:{c}", "[1]", "12.5"),
    *("Störung 17", "Zażółć", "°C", "😀", "\u200b", "\ufeff", "x\u00a0y", "a\u2028b", "true", "{}", "\x7f"),
    *("  pad", "pad\t ", "\u2003x", "x\u00a0", " \u3000 ", "\x1cx"),
    # What stands between the samples of a batch.
    *("},{", "}, {", "a},{b", " x}, { ", "}", "}]}", "{"),
)
_ESCAPED = ('\\"', "\\\\", "\\/", "\\b", "\\n", "\\u0041", "\\u00e9", "\\u2003", "\\ud83d\\ude00", "\\u0020")
_NUMBERS = (
    *("0", "-0", "1", "36.5", "-40.125", "1e5", "1.5e-07", "2E+10", "192", "999999", "0.0"),
    *("9007199254740992", "9007199254740993", "-123456789012345678", "123456789012345", "1e99"),
)


class Family:
    """A spelling, and as many messages of it as are wanted."""

    def __init__(self, rng: Random, arrival: int) -> None:
        """Generate a spelling whose messages arrive at a time in epoch milliseconds."""
        names = [key for key in KEYS if key not in _OPTIONAL or rng.randrange(8)]
        keys = [f'"{key}"' for key in names]
        if rng.randrange(4) == 0:
            rng.shuffle(keys)
        if rng.randrange(6) == 0:
            place = rng.randrange(len(keys))
            keys[place] = f'"\\u{ord(keys[place][1]):04x}{keys[place][2:]}'
        for key in rng.sample(_UNKNOWN, rng.choice((0, 0, 1, 1, 2, 3))):
            keys.insert(rng.randint(0, len(keys)), key)
        if "größe" in json.dumps(keys, ensure_ascii=False):
            keys = [key for key in keys if key != '"gr\\u00f6\\u00dfe"']  # it would be the same key twice
        self._keys = keys
        self._space, self._other = rng.choice(_SEPARATORS)
        self._escapes = rng.randrange(3) == 0
        self._arrival = arrival

    def message(self, rng: Random) -> str:
        """Spell a message, mostly a valid one."""
        members = [f"{key}{self._other}:{self._space}{self._value(json.loads(key), rng)}" for key in self._keys]
        return "{" + ("," + self._space).join(members) + "}"

    def _value(self, key: str, rng: Random) -> str:
        if key == "timestamp":
            # Mostly of one day, as in the batches that go on whole.
            age = rng.choice((0, 1_500, 60_000)) if rng.randrange(9) else rng.randrange(400 * 86_400_000)
            return str(self._arrival - (age if rng.randrange(9) else 86_400_000))
        if key == "success":
            return rng.choice(("true", "false"))
        if key == "metadata":
            return rng.choice(("{}", "{}", "{ }", "null", container(rng, 2, "{")))
        if key == "description":
            return rng.choice(('""', '" "', "null", self._text(rng), self._text(rng)))
        if key in KEYS and key != "value":
            return self._text(rng)
        return any_value(rng, self._text)

    def _text(self, rng: Random) -> str:
        return text(rng, escapes=self._escapes)


def text(rng: Random, *, escapes: bool) -> str:
    """Spell a string that is not blank."""
    inside = rng.choice(_TEXTS[:12] if rng.randrange(3) else _TEXTS)
    if inside[0] < " " or not inside.strip():
        inside = "x"
    if escapes:
        place = rng.randint(0, len(inside))
        inside = inside[:place] + rng.choice(_ESCAPED) + inside[place:] + "."
    return f'"{inside}"'


def any_value(rng: Random, spell_text: Callable[[Random], str]) -> str:
    """Spell a value of any kind."""
    kind = rng.randrange(10)
    if kind < 4:
        return rng.choice(_NUMBERS[:10])
    if kind < 6:
        return spell_text(rng)
    if kind < 8:
        return rng.choice(("true", "false", "null"))
    return rng.choice(_NUMBERS) if kind == 8 else container(rng, 2)


def container(rng: Random, levels: int, opening: str = "") -> str:
    """Spell an object or an array of so many levels at most; its bracket is by chance if none is given."""
    opening = opening or rng.choice("[{")
    space = rng.choice(("", "", " "))
    items = []
    for number in range(rng.randrange(4)):
        if levels > 1 and rng.randrange(3) == 0:
            item = container(rng, levels - 1)
        else:
            word = text(rng, escapes=rng.randrange(6) == 0)
            item = rng.choice((rng.choice(_NUMBERS), word, "null", "true"))
        items.append(f'"k{number}":{space}{item}' if opening == "{" else item)
    return opening + space + ("," + space).join(items) + space + ("}" if opening == "{" else "]")
