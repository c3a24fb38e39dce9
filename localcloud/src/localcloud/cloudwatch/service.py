"""CloudWatch's operations that the local cloud answers itself: metrics, and the making of alarms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from localcloud.cloudwatch import queries
from localcloud.cloudwatch.emf import UNITS
from localcloud.cloudwatch.expressions import Value
from localcloud.cloudwatch.insights import Insight
from localcloud.cloudwatch.metrics import MINUTE, MetricId, Metrics, Stat, check_statistic
from localcloud.cloudwatch.queries import Query
from localcloud.cloudwatch.wire import ApiError

PAST_SECONDS: Final = 14 * 24 * 3600
FUTURE_SECONDS: Final = 2 * 3600
MOST_DATAPOINTS: Final = 1_440
"""In one answer of GetMetricStatistics."""
PAGE: Final = 500
"""Metrics in one answer of ListMetrics."""

Answer = dict[str, Any]


class Service:
    """The operations on metrics; the clock gives epoch seconds."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float]) -> None:
        self.metrics = metrics
        self._clock = clock

    def put_metric_data(self, arguments: Mapping[str, Any]) -> Answer:
        """PutMetricData: all of a request, or nothing of it."""
        namespace = str(arguments.get("Namespace", ""))
        if not namespace or namespace.startswith("AWS/"):
            raise ApiError(
                "InvalidParameterValue", f"Namespace must not be empty and must not begin with AWS/, got {namespace!r}"
            )
        if arguments.get("EntityMetricData"):
            raise ApiError("InvalidParameterValue", "EntityMetricData is not known here")
        data = [self._datum(namespace, datum) for datum in arguments.get("MetricData") or []]
        for metric, timestamp, stat, unit in data:
            self.metrics.add(metric, timestamp, stat, unit)
        return {}

    def list_metrics(self, arguments: Mapping[str, Any]) -> Answer:
        """ListMetrics, in order of namespace and name."""
        for name in ("IncludeLinkedAccounts", "OwningAccount", "RecentlyActive"):
            if arguments.get(name):
                raise ApiError("InvalidParameterValue", f"{name} is not known here")
        found = sorted(
            (one for one in self.metrics.ids() if _is_listed(one, arguments)),
            key=lambda one: (one.namespace, one.name, one.dimensions),
        )
        start = int(arguments.get("NextToken") or 0)
        described = [
            {"Namespace": one.namespace, "MetricName": one.name, "Dimensions": _dimensions(one)}
            for one in found[start : start + PAGE]
        ]
        more = str(start + PAGE) if len(found) > start + PAGE else None
        return {"Metrics": described, "NextToken": more}

    def get_metric_statistics(self, arguments: Mapping[str, Any]) -> Answer:
        """GetMetricStatistics; the data points are in no order on AWS, in time's here."""
        period = int(arguments["Period"])
        refuse(queries.check_period, period)
        statistics = list(arguments.get("Statistics") or [])
        for statistic in statistics:
            refuse(check_statistic, statistic)
        if not statistics or arguments.get("ExtendedStatistics"):
            raise ApiError("InvalidParameterCombination", "Statistics must be given, and no ExtendedStatistics here")
        dimensions = {one["Name"]: one["Value"] for one in arguments.get("Dimensions") or []}
        metric = MetricId.of(arguments["Namespace"], arguments["MetricName"], dimensions)
        slots = _slots(arguments, period)
        if len(slots) > MOST_DATAPOINTS:
            raise ApiError(
                "InvalidParameterCombination", f"more than {MOST_DATAPOINTS} datapoints requested: {len(slots)}"
            )
        points = []
        for unit in sorted({arguments["Unit"]} if arguments.get("Unit") else self.metrics.units(metric)):
            windows = self.metrics.windows(metric, slots, period, unit)
            points += [
                {"Timestamp": at, "Unit": unit, **{name: window.statistic(name) for name in statistics}}
                for at, window in zip(slots, windows, strict=True)
                if window is not None
            ]
        return {"Label": metric.name, "Datapoints": points}

    def get_metric_data(self, arguments: Mapping[str, Any]) -> Answer:
        """GetMetricData, all in one page."""
        wanted: Sequence[Query] = refuse(queries.read, arguments["MetricDataQueries"])
        selects = [one.id for one in wanted if isinstance(one.stat, Insight)]
        if len(selects) > 1:  # API reference, "GetMetricData"; so it is with a widget, which this draws
            raise ApiError(
                "ValidationError",
                f"MetricDataQueries must have at most one Metrics Insights query, got {', '.join(selects)}",
            )
        periods = {one.stat.period for one in wanted if one.stat is not None}
        if any(one.expression is not None for one in wanted) and len(periods) != 1:
            raise ApiError("ValidationError", f"expressions here need metrics of one period, got {sorted(periods)}")
        results = []
        for period in sorted(periods):
            slots = _slots(arguments, period)
            group = [one for one in wanted if one.stat is None or one.stat.period == period]
            values = refuse(queries.evaluate, group, self.metrics, slots)
            order = slots if arguments.get("ScanBy") == "TimestampAscending" else slots[::-1]
            results += [
                {
                    "Id": one.id,
                    "Label": one.label or _label(one),
                    "StatusCode": "Complete",
                    **_points(one, values[one.id], slots, order),
                }
                for one in group
                if one.returned
            ]
        return {"MetricDataResults": results, "Messages": []}

    def _datum(self, namespace: str, datum: Mapping[str, Any]) -> tuple[MetricId, float, Stat, str]:
        dimensions = {one["Name"]: one["Value"] for one in datum.get("Dimensions") or []}
        metric = MetricId.of(namespace, datum["MetricName"], dimensions)
        unit = datum.get("Unit", "None")
        if unit not in UNITS:
            raise ApiError("InvalidParameterValue", f"Unit must be one of CloudWatch's, got {unit!r}")
        now = self._clock()
        given = datum.get("Timestamp")
        timestamp = given.timestamp() if isinstance(given, datetime) else now
        if not now - PAST_SECONDS <= timestamp <= now + FUTURE_SECONDS:
            raise ApiError(
                "InvalidParameterValue",
                f"Timestamp must be within two weeks before and two hours after now, got {given}",
            )
        if datum.get("StorageResolution", 60) != 60:
            raise ApiError(
                "InvalidParameterValue", f"StorageResolution must be 60 here, got {datum['StorageResolution']}"
            )
        if datum.get("Value") is None or datum.get("Values") or datum.get("StatisticValues"):
            raise ApiError("InvalidParameterCombination", "a datum must have a Value here, and nothing else for it")
        return metric, timestamp, Stat.of(float(datum["Value"])), unit


def refuse(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function gives; what it finds wrong with a request becomes an ApiError."""
    try:
        return function(*arguments)
    except (KeyError, TypeError) as error:
        raise ApiError("ValidationError", f"the request lacks something: {error}") from error
    except ValueError as error:
        raise ApiError("ValidationError", str(error)) from error


def _slots(arguments: Mapping[str, Any], period: int) -> list[int]:
    """The starts of the periods from StartTime, rounded down to a minute, to EndTime, which is exclusive."""
    start, end = arguments["StartTime"].timestamp(), arguments["EndTime"].timestamp()
    if start >= end:
        raise ApiError("InvalidParameterValue", "StartTime must be before EndTime")
    return list(range(int(start // MINUTE * MINUTE), math.ceil(end), period))


def _points(query: Query, value: Value, slots: Sequence[int], order: Sequence[int]) -> dict[str, list[Any]]:
    if isinstance(value, float):
        raise ApiError("ValidationError", f"{query.id} must give a time series, not a number")
    points = {at: point for at, point in zip(slots, value, strict=True) if point is not None}
    known = [at for at in order if at in points]
    return {"Timestamps": [datetime.fromtimestamp(at, UTC) for at in known], "Values": [points[at] for at in known]}


def _label(query: Query) -> str:
    return query.stat.metric.name if isinstance(query.stat, queries.MetricStat) else query.id


def _is_listed(metric: MetricId, arguments: Mapping[str, Any]) -> bool:
    own = dict(metric.dimensions)
    return (
        arguments.get("Namespace") in {None, metric.namespace}
        and arguments.get("MetricName") in {None, metric.name}
        and all(
            one["Name"] in own and one.get("Value") in {None, own[one["Name"]]}
            for one in arguments.get("Dimensions") or []
        )
    )


def _dimensions(metric: MetricId) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in metric.dimensions]
