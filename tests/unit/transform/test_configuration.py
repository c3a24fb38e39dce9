"""Configuration messages: any JSON object, kept whole, in the partition of its arrival."""

from __future__ import annotations

import json

import pytest

from tests.unit.transform.support import ARRIVAL, LINE_SUFFIX, Lane


@pytest.mark.parametrize(
    "message",
    [
        '{"a":1}',
        '{"timestamp":"yesterday","value":{"x":[]},"metadata":7}',
        '{"a":1,"A":2,"value_text":null,"attributes":{},"year":1}',
        '{"nested":{"_received_at":1,"_gateway":"x"}}',
    ],
)
def test_a_clean_object_goes_on_as_it_came(configuration: Lane, message: str) -> None:
    assert configuration.line(message) == message[:-1] + LINE_SUFFIX


@pytest.mark.parametrize(("message", "line"), [("{}", "{"), ("{ }", "{ "), ("{\n}\n", "{")])
def test_the_empty_object_is_valid(configuration: Lane, message: str, line: str) -> None:
    assert configuration.line(message) == line + LINE_SUFFIX[1:]


def test_it_is_partitioned_by_its_arrival(configuration: Lane) -> None:
    (answer,) = configuration.answers('{"timestamp":0}')
    assert answer["metadata"] == {"partitionKeys": {"year": "2026", "month": "03", "day": "09"}}
    (answer,) = configuration.answers("{}", key="1773014399999/g/x")
    assert answer["metadata"] == {"partitionKeys": {"year": "2026", "month": "03", "day": "08"}}


@pytest.mark.parametrize(
    ("policy", "line"), [("null", '{"a":null,"description":null'), ("keep", '{"a":"","description":""')]
)
def test_blank_strings_follow_the_setting(configuration: Lane, policy: str, line: str) -> None:
    message = '{"a":" ","description":""}'
    assert Lane("configuration", blank_strings=policy).line(message) == line + LINE_SUFFIX
    assert configuration.broken(message) == ("BLANK_STRING", "a")


def test_what_is_invalid_goes_back(configuration: Lane) -> None:
    """The rules are the reader's, and what is no text has none to read."""
    broken = [configuration.broken(each) for each in ('{"_gateway":null}', "\ufeff{}", b"\xff")]
    assert broken == [("RESERVED_KEY", "_gateway"), ("BYTE_ORDER_MARK", None), ("NOT_UTF8", None)]


def test_a_line_may_have_a_thousand_kibibytes(configuration: Lane) -> None:
    room = 1_000 * 1_024 - len('{"a":"') - len('"') - len(LINE_SUFFIX)
    assert len(configuration.line('{"a":"' + "x" * room + '"}')) == 1_000 * 1_024
    assert configuration.broken('{"a":"' + "x" * (room + 1) + '"}') == ("LINE_TOO_LONG", None)


def test_the_arrival_is_a_number(configuration: Lane) -> None:
    assert json.loads(configuration.line("{}"))["_received_at"] == ARRIVAL
