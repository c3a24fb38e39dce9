"""The fast path: what takes it, what does not, and how many spellings it learns.

That it changes no answer is tested with the samples' tests and properties.
"""

from __future__ import annotations

import json
import re
import sys
from re import Pattern
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.transform import strategies
from tests.unit.transform.support import ARRIVAL, SCHEMAS, Lane, sample, spell, with_value
from transform import fast_path
from transform.errors import MessageError
from transform.fast_path import Templates
from transform.measurements import Measurements
from transform.reader import Reader
from transform.schema import load
from transform.settings import Settings


@pytest.fixture
def lane() -> Measurements:
    """A measurements lane that has learned how samples are spelled, without and with escapes."""
    made = Measurements(Settings(factory="krakow", lane="measurements"), load("measurements", SCHEMAS))
    every: list[dict[str, Any]] = [{}, {"unit": "mm"}, {"metadata": {}}]
    for changes in every:
        for text in (spell(sample(**changes)), escaped(sample(**changes, deviceName="é"))):
            see(made, text, Templates.LEARN_AT)
    return made


def escaped(message: Any) -> str:
    """Spell a message compactly, with escapes for all that is not ASCII."""
    return json.dumps(message, separators=(",", ":"))


def see(lane: Measurements, text: str, times: int) -> None:
    """Let a lane convert a message a number of times."""
    for _ in range(times):
        lane.convert(text.encode(), ARRIVAL, "}\n")


def known(lane: Measurements) -> int:
    """Count the spellings that a lane has learned."""
    return sum(map(len, lane.known))


def is_fast(lane: Measurements, text: str) -> bool:
    """Tell whether a message takes the fast path."""
    return any(each.convert(text, "}\n") is not None for each in lane.known["\\" in text])


@pytest.mark.parametrize(
    "text",
    [
        spell(sample()),
        spell(sample(description="")),
        spell(sample(description=" \u2003")),
        spell(sample(description=None)),
        spell(sample(deviceName="  Press 1", tagName="a ")),
        spell(sample(deviceName="Prasa Zażółć")),
        spell(sample(value=True)),
        spell(sample(value="RUNNING")),
        spell(sample(value=" padded ")),
        spell(sample(value=-12)),
        spell(sample(value=None)),
        spell(sample(success=False)),
        with_value("1.5e-07"),
        spell(sample(metadata={})),
        spell(sample(unit="mm")),
        spell(sample(unit=" mm ")),
        spell(sample(unit=12)),
        spell(sample(unit=None)),
        spell(sample(unit={"name": " mm ", "exponents": [0, -3]})),
        spell(sample(metadata={"owner": " maintenance "})),
        escaped(sample(deviceName="Zażółć")),
        escaped(sample(deviceName="\tPress 1\n", value="läuft", description="\u00a0")),
        escaped(sample(unit="°C", deviceName="😀")),
        escaped(sample(unit={"name": "°C"})),
    ],
)
def test_what_a_plant_sends_takes_the_fast_path(lane: Measurements, text: str) -> None:
    assert is_fast(lane, text)


@pytest.mark.parametrize("first", [{"metadata": {}}, {"unit": "mm"}, {"unit": 1, "metadata": None}])
def test_keys_without_a_column_may_lead(lane: Measurements, first: Any) -> None:
    text = spell({**first, **sample()})
    see(lane, text, Templates.LEARN_AT)
    assert is_fast(lane, text)


def test_a_line_may_be_too_long_on_the_fast_path_too(lane: Measurements) -> None:
    text = spell(sample(deviceName="x" * 1_024_000))
    assert is_fast(lane, text)
    with pytest.raises(MessageError, match=r"^LINE_TOO_LONG$"):
        lane.convert(text.encode(), ARRIVAL, "}\n")


@pytest.mark.parametrize(
    "text",
    [
        spell(sample(deviceName=" ")),
        spell(sample(value="")),
        spell(sample(tagName=None)),
        spell(sample(deviceName=1)),
        spell(sample(success=1)),
        spell(sample(value=[1])),
        with_value("9007199254740993"),
        with_value("1e309"),
        with_value("01"),
        with_value("NaN"),
        with_value("1773039898500.0", "timestamp"),
        spell(sample(unit="")),
        spell(sample(unit={"name": ""})),
        spell(sample()).replace('"value"', '"value" '),
        spell(sample()) + " ",
        spell(sample()) + "\n",
        spell(sample())[:-1],
        spell(sample())[:-1] + ',"value":1}',
        spell(sample(deviceName="a\x00")).replace("\\u0000", "\x00"),
        spell(sample(deviceName="@")).replace("@", "\\ud800"),
        spell(sample(deviceName="@")).replace("@", "a\\udc00b"),
        spell(sample(unit="@")).replace("@", "\\ud83dx"),
        spell(sample(deviceName="@")).replace("@", "\\u0020\\n"),
        spell(sample(metadata=[])),
        spell(sample(metadata=[1])),
        spell(sample(metadata=1)),
        spell(sample(metadata={"a": ""})),
        spell(sample(metadata={"a": {"b": {"c": {}}}})),
    ],
)
def test_what_may_be_invalid_does_not(lane: Measurements, text: str) -> None:
    assert not is_fast(lane, text)


def test_a_spelling_is_learned_once_it_has_come_often() -> None:
    lane = Measurements(Settings(factory="krakow", lane="measurements"), load("measurements", SCHEMAS))
    see(lane, spell(sample()), Templates.LEARN_AT - 1)
    assert known(lane) == 0
    see(lane, spell(sample(value=1)), 1)
    assert known(lane) == 1
    see(lane, spell(sample(value=2)), 5)
    see(lane, with_value("9007199254740993"), 5)
    assert known(lane) == 1


def test_ever_new_spellings_do_not_keep_the_function_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    compile_pattern = re.compile

    def counted(pattern: str) -> Pattern[str]:
        compiled.append(pattern)
        return compile_pattern(pattern)

    monkeypatch.setattr(re, "compile", counted)
    lane = Measurements(Settings(factory="krakow", lane="measurements"), load("measurements", SCHEMAS))
    for number in range(300):
        see(lane, spell(sample(**{f"key{number}": 1})), Templates.LEARN_AT)
    assert known(lane) == Templates.MAX
    # a template with an unknown key has no pattern of its own for unchanged messages
    assert len(compiled) == Templates.MAX


def test_spellings_that_come_once_do_not_pile_up() -> None:
    lane = Measurements(Settings(factory="krakow", lane="measurements"), load("measurements", SCHEMAS))
    for number in range(1_000):
        see(lane, spell(sample(**{f"key{number}": 1})), 1)
    assert known(lane) == 0
    assert lane._templates is not None
    assert len(lane._templates._candidates) <= 64


@pytest.mark.parametrize(
    "changes", [{f"key{number}": 1 for number in range(40)}, {"k" * 9_000: 1}, {"key": "v" * 9_000}]
)
def test_huge_messages_are_not_learned(changes: Any) -> None:
    lane = Measurements(Settings(factory="krakow", lane="measurements"), load("measurements", SCHEMAS))
    see(lane, spell(sample(**changes)), 5)
    assert known(lane) == 0


def test_the_templates_of_busy_gateways_are_tried_first(lane: Measurements) -> None:
    for text in (spell(sample(unit=1)), spell(sample())):
        see(lane, text, 2)
        assert lane.known[0][0].convert(text, "}\n") is not None


def test_the_escapes_of_white_space_are_those_that_strip_removes() -> None:
    white = {f"{code:04X}" for code in range(0x10000) if chr(code).isspace()}
    found = {f"{code:04X}" for code in range(0x10000) if re.fullmatch(fast_path._WHITE, f"{code:04X}")}
    assert found == white
    assert not [code for code in range(0x10000, sys.maxunicode + 1) if chr(code).isspace()]


def test_a_message_that_nearly_matches_fails_in_good_time(lane: Measurements) -> None:
    """A pattern with two ways to take a text would need time without bounds to give up."""
    long = " ".join(["word"] * 20_000)
    text = spell(sample(**dict.fromkeys(("deviceID", "deviceName", "registerId", "tagName", "datatype"), long)))
    assert not is_fast(lane, text[:-1] + ",")
    assert is_fast(lane, text)


def test_many_unknown_keys_fail_in_good_time() -> None:
    lane = Measurements(Settings(factory="krakow", lane="measurements"), load("measurements", SCHEMAS))
    for value in ("x", " x", {"x": ["y"]}, "\\"):
        text = spell(sample(metadata={}, **{f"key{number}": value for number in range(28)}))
        see(lane, text, Templates.LEARN_AT)
        assert is_fast(lane, text)
        assert not is_fast(lane, text[:-1] + "]")
        assert not is_fast(lane, text[:-1] + ",}")


def test_lanes_learn_apart() -> None:
    first, second = Lane(), Lane()
    first.answers(*[spell(sample())] * 10)
    assert known(first.transform._lane) == 1  # type: ignore[arg-type]
    assert known(second.transform._lane) == 0  # type: ignore[arg-type]


CONTAINERS = st.one_of(strategies.arrays(strategies.VALUES), strategies.objects(strategies.VALUES))


@pytest.mark.parametrize(
    ("text", "trimmed"),
    [
        ('{"a":1.50,"b":"x"}', '{"a":1.50,"b":"x"}'),
        ('{"a": " x\t ","b":[" y",{"c":"z\u2003"}]}'.replace("\t", "\u00a0"), '{"a": "x","b":["y",{"c":"z"}]}'),
        ('{" a " : " : ", "": {}}', '{" a " : ":", "": {}}'),
        ('[" a", "b:"]', '["a", "b:"]'),
        ("[" + "9" * 5_000 + ",1e999]", "[" + "9" * 5_000 + ",1e999]"),
    ],
)
def test_strings_are_trimmed_and_all_else_stays(text: str, trimmed: str) -> None:
    assert fast_path._trim_nested(text) == trimmed


@pytest.mark.parametrize(
    "text",
    [
        *('{"a":"\\u0041"}', '{"a":" "}', '[""]', '{"a":1,"a":2}', '[{"a":{"b":1,"b":1}}]', "[NaN]"),
        *("[-Infinity]", "[01]", "[1,]", "[1] ", "[1]]", '["a" "b"]', '["a\x00"]', "['a']"),
    ],
)
def test_what_may_be_invalid_is_left_to_the_slow_path(text: str) -> None:
    assert fast_path._trim_nested(text) is None


@given(
    st.one_of(
        CONTAINERS.filter(lambda text: "\n" not in text and "\r" not in text),
        st.text(st.sampled_from('{}[]":, ax1.-\\\t'), max_size=12).map(lambda inside: f"[{inside}]"),
    )
)
def test_it_never_gives_another_answer_than_the_slow_path(text: str) -> None:
    assert fast_path._trim_nested(text) in (None, Reader("reject").nested(text))
