"""Which data points an alarm looks at, and which alarms are refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from localcloud.cloudwatch.alarms import define, evaluate, record
from localcloud.cloudwatch.metrics import MetricId, Metrics, Stat
from localcloud.cloudwatch.missing import State

NOON = 1_800_000_000 // 86_400 * 86_400 + 43_200
METRIC = MetricId.of("Test", "Waiting", {"Queue": "measurements"})
MINUTE = 60
NO_METRIC: dict[str, Any] = dict.fromkeys(("Namespace", "MetricName", "Dimensions", "Statistic", "Period"))


def alarm(**changes: Any) -> dict[str, Any]:
    arguments = {
        "AlarmName": "waiting",
        "Namespace": METRIC.namespace,
        "MetricName": METRIC.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in METRIC.dimensions],
        "Statistic": "Sum",
        "Period": 5 * MINUTE,
        "EvaluationPeriods": 1,
        "Threshold": 10,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        **changes,
    }
    return {name: value for name, value in arguments.items() if value is not None}


def state(at: float, metrics: Metrics, **changes: Any) -> State:
    return evaluate(record(alarm(**changes), "arn", None, at), metrics, at).state


def points(*minutes: int, value: float = 6.0, metric: MetricId = METRIC) -> Metrics:
    """A data point at each of these minutes after noon."""
    metrics = Metrics()
    for minute in minutes:
        metrics.add(metric, NOON + minute * MINUTE, Stat.of(value))
    return metrics


def test_a_long_period_slides_by_a_minute_and_ends_with_a_whole_one() -> None:
    """Two points four minutes apart are one period's sum only while a window holds both."""
    metrics = points(0, 4)
    found = {minute: state(NOON + minute * MINUTE, metrics) for minute in range(4, 8)}
    assert found == {4: State.OK, 5: State.ALARM, 6: State.OK, 7: State.OK}
    assert state(NOON + 5 * MINUTE - 1, metrics) is State.OK  # its fifth minute has not ended


def test_other_dimensions_are_another_metric() -> None:
    other = MetricId.of("Test", "Waiting", {"Queue": "configuration"})
    assert state(NOON + MINUTE, points(0, value=11, metric=other)) is State.OK
    assert state(NOON + MINUTE, points(0, value=11)) is State.ALARM


def test_two_of_three_periods_need_not_be_neighbours() -> None:
    wanted = {"EvaluationPeriods": 3, "DatapointsToAlarm": 2, "Period": MINUTE, "Threshold": 5}
    assert state(NOON + 3 * MINUTE, points(0, 2), **wanted) is State.ALARM
    assert state(NOON + 3 * MINUTE, points(2), **wanted) is State.OK


def test_an_alarm_over_more_than_a_day_looks_up_to_the_full_hour() -> None:
    wanted = {"Period": 6 * 3600, "EvaluationPeriods": 5, "DatapointsToAlarm": 1, "Threshold": 5}
    assert state(NOON + 59 * MINUTE, points(30), **wanted) is State.OK
    assert state(NOON + 60 * MINUTE, points(30), **wanted) is State.ALARM


def test_an_expression_is_watched_as_a_metric_is() -> None:
    metrics = points(0, value=3.0)
    metrics.add(MetricId("Test", "All"), NOON, Stat.of(4.0))
    stats = [
        {
            "Id": name,
            "ReturnData": False,
            "MetricStat": {
                "Metric": {"Namespace": "Test", "MetricName": metric, "Dimensions": dimensions},
                "Period": MINUTE,
                "Stat": "Sum",
            },
        }
        for name, metric, dimensions in (("all", "All", []), ("some", METRIC.name, alarm()["Dimensions"]))
    ]
    share = {"Id": "share", "Expression": "IF(all >= 4, some / all, 0)"}
    wanted = {**NO_METRIC, "Metrics": [share, *stats]}
    assert state(NOON + MINUTE, metrics, **wanted, Threshold=0.7) is State.ALARM
    assert state(NOON + MINUTE, metrics, **wanted, Threshold=0.75) is State.OK


def test_a_query_adds_up_the_metrics_with_exactly_its_dimensions() -> None:
    metrics = Metrics()
    for dimensions, value in (
        ({"RuleName": "r", "ActionType": "Kinesis"}, 2.0),
        ({"RuleName": "r", "ActionType": "S3"}, 3.0),
        ({"RuleName": "q", "ActionType": "S3"}, 100.0),
        ({"RuleName": "r"}, 100.0),
    ):
        metrics.add(MetricId.of("AWS/IoT", "Failure", dimensions), NOON, Stat.of(value))
    query = "SELECT SUM(Failure) FROM SCHEMA(\"AWS/IoT\", ActionType, RuleName) WHERE RuleName = 'r'"
    wanted = {**NO_METRIC, "Metrics": [{"Id": "q", "Expression": query, "Period": MINUTE}]}
    assert state(NOON + MINUTE, metrics, **wanted, Threshold=4.9) is State.ALARM
    assert state(NOON + MINUTE, metrics, **wanted, Threshold=5) is State.OK


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Threshold": None}, "Threshold is missing"),
        ({"Period": 90}, "got 90"),
        ({"Period": 30}, "must be a multiple of 60 here, got 30"),
        ({"EvaluationPeriods": 0}, "got 0 of 0"),
        ({"DatapointsToAlarm": 2}, "got 2 of 1"),
        ({"Period": 600, "EvaluationPeriods": 145}, "at most 86400 seconds, got 87000"),
        ({"Statistic": "Median"}, "got 'Median'"),
        ({"Statistic": None}, "must have a Statistic here"),
        ({"ExtendedStatistic": "p99"}, "ExtendedStatistic is not known here"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "got GreaterThanUpperThreshold"),
        ({"TreatMissingData": "fine"}, "fine"),
        ({"Metrics": [{"Id": "m"}]}, "must not have MetricName"),
        ({"ThresholdMetricId": "m"}, "ThresholdMetricId is not known here"),
        ({"AlarmActions": ["arn:aws:automate:eu-central-1:ec2:stop"]}, "must be SNS topics here"),
    ],
)
def test_what_aws_refuses_or_is_not_known_here_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        record(alarm(**changes), "arn", None, NOON)


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        ([{"Id": "a", "Expression": "1"}, {"Id": "b", "Expression": "a"}], "must refer to metrics here, got a"),
        ([{"Id": "a", "Expression": "c + b"}], "must refer to metrics here, got b, c"),
        ([{"Id": "A", "Expression": "1"}], "got 'A'"),
        ([{"Id": "a", "Expression": 'SELECT SUM(x) FROM SCHEMA("n") GROUP BY y', "Period": 60}], "not of the form"),
        ([{"Id": "a", "Expression": "1 + 1"}], "1..10 metrics here, got 0"),
    ],
)
def test_expressions_that_lead_nowhere_are_refused(metrics: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        define(alarm(**NO_METRIC, Metrics=metrics))


def test_old_data_points_are_forgotten() -> None:
    metrics = points(0, 1)
    metrics.forget(NOON + 15 * 86_400 + MINUTE)
    assert [stat and stat.total for stat in metrics.windows(METRIC, [NOON, NOON + MINUTE], MINUTE)] == [None, 6.0]
    metrics.forget(NOON + 15 * 86_400 + 2 * MINUTE)
    assert metrics.ids() == []
