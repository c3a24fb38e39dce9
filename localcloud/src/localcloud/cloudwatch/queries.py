"""Metric data queries: metrics, and expressions over them, as GetMetricData and alarms have them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from localcloud.cloudwatch import insights
from localcloud.cloudwatch.expressions import Expression, ExpressionError, Series, Value, parse
from localcloud.cloudwatch.metrics import MINUTE, MetricId, Metrics, check_statistic

_ID: Final = re.compile(r"[a-z][A-Za-z0-9_]*")


@dataclass(frozen=True)
class MetricStat:
    """A statistic of a metric over periods."""

    metric: MetricId
    period: int
    statistic: str
    unit: str | None = None

    def series(self, metrics: Metrics, slots: Sequence[int]) -> Series:
        """The statistic in each slot."""
        windows = metrics.windows(self.metric, slots, self.period, self.unit)
        return [None if window is None else window.statistic(self.statistic) for window in windows]


@dataclass(frozen=True)
class Query:
    """One query: a metric's statistic, a Metrics Insights query, or an expression over others."""

    id: str
    label: str | None
    returned: bool
    stat: MetricStat | insights.Insight | None
    expression: Expression | None


def read(queries: Sequence[Mapping[str, Any]]) -> list[Query]:
    """Read the queries of one request, as the API has them.

    Raises:
        ValueError: one of them is wrong, or something of it is not known here.
    """
    found = [_query(one) for one in queries]
    ids = [one.id for one in found]
    if len(set(ids)) != len(ids):
        raise ValueError(f"the IDs of metric data queries must differ, got {', '.join(ids)}")
    known = {one.id for one in found if one.stat is not None}
    for one in found:
        if one.expression is not None and (missing := one.expression.names - known):
            raise ExpressionError(
                f"the expression {one.id} must refer to metrics here, got {', '.join(sorted(missing))}"
            )
    return found


def evaluate(queries: Sequence[Query], metrics: Metrics, slots: Sequence[int]) -> Mapping[str, Value]:
    """The values of all queries over slots that begin at `slots` and last their period.

    Raises:
        ExpressionError: an expression has no value.
    """
    series = {one.id: one.stat.series(metrics, slots) for one in queries if one.stat is not None}
    expressions = {one.id: one.expression for one in queries if one.expression is not None}
    return {**series, **{name: expression.evaluate(series) for name, expression in expressions.items()}}


def stat_of(arguments: Mapping[str, Any], statistic: str, period: int) -> MetricStat:
    """The statistic that `Namespace`, `MetricName` and `Dimensions` name.

    Raises:
        ValueError: the period or the statistic is not one.
    """
    check_period(period)
    check_statistic(statistic)
    dimensions = {one["Name"]: one["Value"] for one in arguments.get("Dimensions") or []}
    metric = MetricId.of(arguments["Namespace"], arguments["MetricName"], dimensions)
    return MetricStat(metric, period, statistic, arguments.get("Unit"))


def check_period(period: int) -> None:
    """Check a period (PutMetricAlarm, GetMetricData).

    Raises:
        ValueError: it is not one, or one of data points of high resolution.
    """
    if period <= 0 or period % MINUTE:
        raise ValueError(f"Period must be a multiple of {MINUTE} here, got {period}")


def _query(one: Mapping[str, Any]) -> Query:
    name = str(one.get("Id", ""))
    if not _ID.fullmatch(name):
        raise ValueError(f"the ID of a metric data query must match {_ID.pattern}, got {name!r}")
    stat, text = one.get("MetricStat"), one.get("Expression")
    if (stat is None) == (text is None):
        raise ValueError(f"the metric data query {name} must have one of MetricStat and Expression")
    if one.get("AccountId"):
        raise ValueError(f"the metric data query {name} has an AccountId, which is not known here")
    returned = bool(one.get("ReturnData", True))
    if stat is None and insights.is_query(str(text)):
        period = int(one.get("Period") or 0)
        check_period(period)
        return Query(name, one.get("Label"), returned, insights.parse(str(text), period), None)
    if stat is None:
        return Query(name, one.get("Label"), returned, None, parse(str(text)))
    metric = {**stat["Metric"], "Unit": stat.get("Unit")}
    return Query(name, one.get("Label"), returned, stat_of(metric, stat["Stat"], int(stat["Period"])), None)
