"""What stands under unknown keys: trimmed on the quick road as the careful one trims it, or left to it."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.transform import strategies
from transform import nested
from transform.reader import Reader

CONTAINERS = st.one_of(strategies.arrays(strategies.VALUES), strategies.objects(strategies.VALUES))


@pytest.mark.parametrize(
    ("text", "trimmed"),
    [
        ('{"a":1.50,"b":"x"}', '{"a":1.50,"b":"x"}'),
        (
            '{"a": " x\t ","b":[" y",{"c":"z\u2003"}]}'.replace("\t", "\u00a0"),
            '{"a": "x","b":["y",{"c":"z"}]}',
        ),
        ('{" a " : " : ", "": {}}', '{" a " : ":", "": {}}'),
        ('[" a", "b:"]', '["a", "b:"]'),
        ("[" + "9" * 5_000 + ",1e999]", "[" + "9" * 5_000 + ",1e999]"),
    ],
)
def test_strings_are_trimmed_and_all_else_stays(text: str, trimmed: str) -> None:
    assert nested.trim(text) == trimmed


@pytest.mark.parametrize(
    "text",
    [
        '{"a":"\\u0041"}',
        '{"a":" "}',
        '[""]',
        '{"a":1,"a":2}',
        '[{"a":{"b":1,"b":1}}]',
        "[NaN]",
        "[-Infinity]",
        "[01]",
        "[1,]",
        "[1] ",
        "[1]]",
        '["a" "b"]',
        '["a\x00"]',
        "['a']",
    ],
)
def test_what_may_be_invalid_is_left_to_the_careful_road(text: str) -> None:
    assert nested.trim(text) is None


@given(CONTAINERS)
def test_it_never_gives_another_answer_than_the_careful_road(text: str) -> None:
    assume("\n" not in text and "\r" not in text)
    quick = nested.trim(text)
    assert quick in (None, Reader("reject").nested(text))


@given(st.text(st.sampled_from('{}[]":, ax1.-\\\t'), max_size=12).map(lambda inside: f"[{inside}]"))
def test_it_takes_nothing_that_the_careful_road_refuses(text: str) -> None:
    quick = nested.trim(text)
    assert quick in (None, Reader("reject").nested(text))
