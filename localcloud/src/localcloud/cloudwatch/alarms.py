"""Metric alarms: what PutMetricAlarm takes, and what an evaluation makes of it.

CloudWatch API reference, "PutMetricAlarm"; user guide, "Alarm evaluation": an alarm is evaluated every
minute over windows that end with that minute, whatever its period; one whose evaluation periods make more than a
day, every hour, up to the full hour. Periods under a minute are refused.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from localcloud.cloudwatch import queries
from localcloud.cloudwatch.expressions import ExpressionError, Series
from localcloud.cloudwatch.metrics import MINUTE, Metrics
from localcloud.cloudwatch.missing import EXTRA_POINTS, State, TreatMissing, judge
from localcloud.cloudwatch.queries import Query

HOUR: Final = 3600
DAY: Final = 86_400
LONGEST: Final = 7 * DAY
MOST_METRICS: Final = 10
MOST_ACTIONS: Final = 5
_ACTIONS: Final = ("OKActions", "AlarmActions", "InsufficientDataActions")
_SINGLE: Final = ("MetricName", "Namespace", "Dimensions", "Period", "Statistic", "Unit")
_UNKNOWN: Final = (
    "ExtendedStatistic",
    "ThresholdMetricId",
    "EvaluationWindow",
    "WarmUpConfiguration",
    "EvaluationCriteria",
    "EvaluationInterval",
)
_COMPARISONS: Final[Mapping[str, tuple[Callable[[float, float], bool], str]]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


@dataclass(frozen=True)
class Definition:
    """An alarm as it is evaluated.

    Attributes:
        watched: the ID of the query whose time series it watches.
        period: seconds of a data point.
        periods: how many data points are judged.
        to_alarm: how many of them must breach.
        comparison: how a breaching value stands to the threshold, as the API names it.
    """

    queries: Sequence[Query]
    watched: str
    period: int
    periods: int
    to_alarm: int
    threshold: float
    comparison: str
    treat: TreatMissing

    def slots(self, at: float) -> list[int]:
        """Starts of the evaluation range's data points at a moment, the newest last."""
        step = HOUR if self.period * self.periods > DAY else MINUTE
        end = int(at // step * step)
        return [end - back * self.period for back in range(self.periods + EXTRA_POINTS, 0, -1)]

    def breaches(self, value: float) -> bool:
        """Whether a value is beyond the threshold."""
        return _COMPARISONS[self.comparison][0](value, self.threshold)


@dataclass(frozen=True)
class Outcome:
    """What an evaluation found: the state that follows, and why."""

    state: State
    reason: str


def define(arguments: Mapping[str, Any]) -> Definition:
    """Read an alarm from PutMetricAlarm's arguments, or from what DescribeAlarms gives.

    Raises:
        ValueError: AWS refuses it, or the local cloud does not evaluate its like. The message says which.
    """
    for name in _UNKNOWN:
        if arguments.get(name) is not None:
            raise ValueError(f"{name} is not known here")
    if arguments.get("EvaluateLowSampleCountPercentile") not in {None, "evaluate"}:
        raise ValueError("EvaluateLowSampleCountPercentile must be evaluate here")
    comparison = str(arguments.get("ComparisonOperator"))
    if comparison not in _COMPARISONS:
        raise ValueError(f"ComparisonOperator must be one of {', '.join(_COMPARISONS)} here, got {comparison}")
    if arguments.get("Threshold") is None:
        raise ValueError("Threshold is missing")
    found, watched, period = _watched(arguments)
    periods = int(arguments.get("EvaluationPeriods") or 0)
    to_alarm = int(arguments.get("DatapointsToAlarm") or periods)
    if periods < 1 or not 1 <= to_alarm <= periods:
        raise ValueError(f"DatapointsToAlarm must be 1..EvaluationPeriods, got {to_alarm} of {periods}")
    most = DAY if period < HOUR else LONGEST
    if period * periods > most:
        raise ValueError(f"Period times EvaluationPeriods must be at most {most} seconds, got {period * periods}")
    treat = TreatMissing(arguments.get("TreatMissingData") or TreatMissing.MISSING)
    return Definition(found, watched, period, periods, to_alarm, float(arguments["Threshold"]), comparison, treat)


def record(arguments: Mapping[str, Any], arn: str, before: Mapping[str, Any] | None, now: float) -> dict[str, Any]:
    """The alarm as DescribeAlarms gives it, times in epoch seconds; the state of the one ``before`` goes on.

    Raises:
        ValueError: it is refused.
    """
    define(arguments)
    for kind in _ACTIONS:
        _check_actions(kind, arguments.get(kind) or [])
    state = before or {
        "StateValue": str(State.INSUFFICIENT_DATA),
        "StateReason": "Unchecked: Initial alarm creation",
        "StateUpdatedTimestamp": now,
        "StateTransitionedTimestamp": now,
    }
    kept = ("StateValue", "StateReason", "StateUpdatedTimestamp", "StateTransitionedTimestamp")
    given = {name: value for name, value in arguments.items() if name != "Tags" and value is not None}
    return {
        "ActionsEnabled": True,
        **{kind: [] for kind in _ACTIONS},
        **({} if "Metrics" in given else {"Dimensions": []}),
        **given,
        "AlarmArn": arn,
        "AlarmConfigurationUpdatedTimestamp": now,
        **{name: state[name] for name in kept if name in state},
    }


def evaluate(alarm: Mapping[str, Any], metrics: Metrics, at: float) -> Outcome:
    """What an alarm's state is at a moment (epoch seconds).

    Raises:
        ExpressionError: its expression has no value.
    """
    definition = define(alarm)
    slots = definition.slots(at)
    values = queries.evaluate(definition.queries, metrics, slots)
    series = values[definition.watched]
    if isinstance(series, float):
        raise ExpressionError(f"{definition.watched} must give a time series, not a number")
    points = [None if value is None else definition.breaches(value) for value in series]
    current = State(alarm["StateValue"])
    state = judge(points, definition.periods, definition.to_alarm, definition.treat, current)
    return Outcome(state, _reason(definition, slots, series, state))


def _watched(arguments: Mapping[str, Any]) -> tuple[list[Query], str, int]:
    """The alarm's queries, the ID of the watched one, and the period of all."""
    if not arguments.get("Metrics"):
        if not arguments.get("MetricName") or not arguments.get("Namespace"):
            raise ValueError("an alarm must have MetricName and Namespace, or Metrics")
        if not arguments.get("Statistic"):
            raise ValueError("an alarm of one metric must have a Statistic here")
        stat = queries.stat_of(arguments, arguments["Statistic"], int(arguments.get("Period") or 0))
        return [Query("m1", None, True, stat, None)], "m1", stat.period
    if set_too := [name for name in _SINGLE if arguments.get(name)]:
        raise ValueError(f"an alarm with Metrics must not have {', '.join(set_too)}")
    found = queries.read(arguments["Metrics"])
    returned = [one.id for one in found if one.returned]
    if len(returned) != 1:
        raise ValueError(f"exactly one of an alarm's Metrics must have ReturnData, got {returned}")
    stats = [one.stat for one in found if one.stat is not None]
    if not 1 <= len(stats) <= MOST_METRICS:
        raise ValueError(f"an alarm must have 1..{MOST_METRICS} metrics here, got {len(stats)}")
    periods = {stat.period for stat in stats}
    if len(periods) != 1:
        raise ValueError(f"the metrics of an alarm must have the same period, got {sorted(periods)}")
    return found, returned[0], periods.pop()


def _check_actions(kind: str, actions: Sequence[str]) -> None:
    if len(actions) > MOST_ACTIONS:
        raise ValueError(f"{kind} must have at most {MOST_ACTIONS} members, got {len(actions)}")
    for action in actions:
        if action.split(":")[:3] != ["arn", "aws", "sns"]:
            raise ValueError(f"{kind} must be SNS topics here, got {action}")


def _reason(definition: Definition, slots: Sequence[int], series: Series, state: State) -> str:
    known = [(at, value) for at, value in zip(slots, series, strict=True) if value is not None]
    judged = known[-definition.periods :]
    missing = definition.periods - len(judged)
    if state is State.INSUFFICIENT_DATA:
        return f"Insufficient Data: {missing} of {definition.periods} datapoints were unknown."
    treated = ""
    if missing and definition.treat in {TreatMissing.BREACHING, TreatMissing.NOT_BREACHING}:
        kind = definition.treat[0].upper() + definition.treat[1:]
        treated = f"{missing} missing datapoints were treated as [{kind}]"
    if not judged:
        return f"Threshold Crossed: no datapoints were received for {missing} periods and {treated}."
    breaching = sum(definition.breaches(value) for _, value in judged)
    shown = ", ".join(f"{value} ({datetime.fromtimestamp(at, UTC):%d/%m/%y %H:%M:%S})" for at, value in judged)
    relation = _COMPARISONS[definition.comparison][1]
    found = f"{breaching} of the last {len(judged)} datapoints [{shown}] were {relation} the threshold"
    found += f" ({definition.threshold})"
    minimum = f"minimum {definition.to_alarm} for ALARM"
    return f"Threshold Crossed: {'; '.join(filter(None, (found, treated)))} ({minimum})."
