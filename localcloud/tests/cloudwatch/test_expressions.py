"""Metric math by the examples and rules of "Using math expressions with CloudWatch metrics"."""

from __future__ import annotations

import pytest

from localcloud.cloudwatch.expressions import ExpressionError, Series, Value, parse

NA = None


def value(text: str, /, **metrics: Series) -> Value:
    return parse(text).evaluate(metrics)


@pytest.mark.parametrize(
    ("text", "expected"), [("a < b", [0, 0, 1, 0]), ("a >= 30", [1, 0, 0, 0]), ("a > 15 AND b > 15", [1, 0, 0, 0])]
)
def test_the_guides_comparisons(text: str, expected: Series) -> None:
    assert value(text, a=[30.0, 20.0, 0.0, 0.0], b=[20.0, NA, 20.0, NA]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("IF(a, b, c)", [30, 0, 20, NA, NA]),
        ("IF(a, 5, c)", [5, 5, 20, NA, NA]),
        ("IF(a, b, 5)", [30, 0, 5, 5, NA]),
        ("IF(a, b)", [30, 0, NA, NA, NA]),
        ("IF(1, c, b)", [0, 0, 20, NA, 20]),
        ("IF(0, c)", [NA, NA, NA, NA, NA]),
    ],
)
def test_the_guides_conditions(text: str, expected: Series) -> None:
    a: Series = [1.0, 1.0, 0.0, 0.0, NA]
    assert value(text, a=a, b=[30.0, NA, 0.0, 0.0, 30.0], c=[0.0, 0.0, 20.0, NA, 20.0]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b", [6, 2, 4, NA]),  # one that is missing beside the other counts as 0
        ("a / b", [0.5, NA, 0, NA]),  # a division by zero has no data point
        ("a * 2 - 1", [3, 3, NA, NA]),  # beside a number a missing one stays missing
        ("-a * 2", [-4, -4, NA, NA]),
        ("a + b * 2", [10, 2, 8, NA]),
        ("(a + b) * 2", [12, 4, 8, NA]),
        ("FILL(a, 0)", [2, 2, 0, 0]),
        ("FILL(a, b)", [2, 2, 4, NA]),
        ("IF(a >= 2 && b > 3, 1, 0)", [1, 0, 0, NA]),
    ],
)
def test_operators_and_functions(text: str, expected: Series) -> None:
    assert value(text, a=[2.0, 2.0, NA, NA], b=[4.0, NA, 4.0, NA]) == expected


@pytest.mark.parametrize(
    "text",
    [
        "SEARCH('{AWS/Kinesis,StreamName} IncomingRecords', 'Sum')",
        "ANOMALY_DETECTION_BAND(a)",
        "FILL(a, LINEAR)",
        "a +",
        "a b",
        "(a",
        "sum(a)",
        "IF(a)",
        "SUM(METRICS())",
        "MAX([a, b])",
        "a ^ 2",
        "FILL(a, REPEAT)",
        "a = 1",
        "a ? 1 : 0",
        "",
    ],
)
def test_what_is_wrong_or_not_known_is_refused_when_it_is_read(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


def test_a_number_is_no_time_series() -> None:
    with pytest.raises(ExpressionError, match="a time series is expected"):
        value("FILL(1, a)", a=[1.0])
