"""Prefixes: what AWS's examples give, what is refused, and what holds for every prefix."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.firehose.errors import PrefixError
from localcloud.firehose.prefix import MAX_EVALUATED, Prefix, error_prefix, object_prefix

TIME = datetime(2018, 8, 27, 10, 30, 5, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pattern", "formatted"),
    [
        ("yyyy/MM/dd/HH", "2018/08/27/10"),
        ("'year='yyyy'/month='MM", "year=2018/month=08"),
        ("yyyy''dd 'it''s'", "2018'27 it's"),
        ("HH:mm:ss.SSS", "10:30:05.123"),
    ],
)
def test_a_time_is_formatted_as_java_does(pattern: str, formatted: str) -> None:
    assert Prefix(f"!{{timestamp:{pattern}}}").evaluate(TIME) == formatted


@pytest.mark.parametrize("pattern", ["YYYY", "yyyyy", "M", "VV", "[HH]", "'open", "dddd", "Q"])
def test_a_time_pattern_that_is_not_known_is_refused_not_guessed(pattern: str) -> None:
    with pytest.raises(PrefixError, match="time pattern"):
        Prefix(f"!{{timestamp:{pattern}}}")


@pytest.mark.parametrize(
    "text",
    [
        "a/!{year}/",
        "a/!{timestamp:yyyy",
        "!{partitionKeyFromLambda:}/",
        "!{firehose:hostname}/",
        "!{firehose:random-string}/",
        "!{partitionKeyFromQuery:id}/",
        "!{elsewhere:id}/",
        "!{!{timestamp:yyyy}}",
    ],
)
def test_an_expression_that_is_not_known_is_refused_and_named(text: str) -> None:
    with pytest.raises(PrefixError, match=r"!\{"):
        Prefix(text)


def test_keys_are_asked_for_once_each_in_order_of_use() -> None:
    prefix = Prefix("!{partitionKeyFromLambda:b}/!{partitionKeyFromLambda:a}/!{partitionKeyFromLambda:b}/")
    assert prefix.lambda_keys == ("b", "a")
    assert prefix.evaluate(TIME, {"a": "1", "b": "2"}) == "2/1/2/"


def test_a_missing_key_is_an_error() -> None:
    with pytest.raises(PrefixError, match="day"):
        Prefix("day=!{partitionKeyFromLambda:day}/").evaluate(TIME, {"month": "01"})


def test_an_evaluated_prefix_has_a_longest_length() -> None:
    prefix = Prefix("!{partitionKeyFromLambda:key}")
    assert len(prefix.evaluate(TIME, {"key": "x" * MAX_EVALUATED})) == MAX_EVALUATED
    with pytest.raises(PrefixError, match=str(MAX_EVALUATED)):
        prefix.evaluate(TIME, {"key": "x" * (MAX_EVALUATED + 1)})


@pytest.mark.parametrize(
    ("prefix", "dynamic", "expected"),
    [
        ("", False, "2018/08/27/10/"),
        ("logs/", False, "logs/2018/08/27/10/"),
        ("logs/!{timestamp:yyyy}/", False, "logs/2018/"),
        ("station=a/", True, "station=a/"),
    ],
)
def test_the_hour_is_appended_unless_time_or_partitions_are_named(prefix: str, dynamic: bool, expected: str) -> None:
    assert object_prefix(Prefix(prefix), dynamic).evaluate(TIME) == expected


@pytest.mark.parametrize(
    ("prefix", "errors", "expected"),
    [
        ("logs/", None, "logs/processing-failed/2018/08/27/10/"),
        ("logs/", "failures/", "failures/processing-failed/2018/08/27/10/"),
        ("logs/", "failures/!{firehose:error-output-type}/", "failures/processing-failed/"),
        ("logs/", "e/!{timestamp:yyyy}/!{firehose:error-output-type}", "e/2018/processing-failed"),
    ],
)
def test_error_objects_lie_under_their_type(prefix: str, errors: str | None, expected: str) -> None:
    parsed = None if errors is None else Prefix(errors)
    evaluated = error_prefix(Prefix(prefix), parsed).evaluate(TIME, error_type="processing-failed")
    assert evaluated == expected


@given(st.text().filter(lambda text: "!{" not in text and len(text) <= MAX_EVALUATED))
def test_text_without_expressions_is_kept_as_it_is(text: str) -> None:
    prefix = Prefix(text)
    assert prefix.evaluate(TIME) == text
    assert not prefix.has_expressions


@given(st.text(alphabet="ab/=-'!{}:", max_size=40))
def test_whatever_is_given_is_read_or_refused_as_a_prefix(text: str) -> None:
    with contextlib.suppress(PrefixError):
        assert "!{" not in Prefix(text).evaluate(TIME, {})
