"""What the probes of CloudWatch share: metrics, alarms, and a function that prints, waits or fails as it is told.

Metrics cannot be deleted: those that probes put are in `NAMESPACE`, with the run in a dimension, and expire.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from factory_lake.conformance import setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import CouldNotTell, Differs

#: Of the metrics that probes put themselves.
NAMESPACE = "factory-lake-conformance"

# Metrics of services and logs come within some minutes; no guide says when at the latest.
_METRIC_SECONDS = 600.0
_LOOKBACK = timedelta(minutes=20)

_CODE = """
import json
import time


def handler(event, _context):
    print(json.dumps({"event": event}), flush=True)
    for line in event.get("lines", []):
        print(line, flush=True)
    time.sleep(event.get("seconds", 0))
    if event.get("fails"):
        raise RuntimeError("as it was told")
    return event
"""


@dataclass(frozen=True)
class Metric:
    """A metric, by everything that names it."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]

    def query(self, statistic: str, period: int = 60) -> dict[str, Any]:
        """It as MetricStat of a query."""
        return {
            "Metric": {
                "Namespace": self.namespace,
                "MetricName": self.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in self.dimensions.items()],
            },
            "Period": period,
            "Stat": statistic,
        }

    def __str__(self) -> str:
        """Name and dimensions, for a report."""
        return f"{self.namespace} {self.name} by {', '.join(self.dimensions)}"


def function(context: Context) -> tuple[str, str]:
    """A function for probes that do not count its calls. Its name and its ARN."""
    return make_function(context, "told")


def make_function(context: Context, of: str) -> tuple[str, str]:
    """A function that logs JSON, as those of the lake do. Its name and its ARN.

    It prints its event, then the event's `lines`, waits for its `seconds`, and fails where it `fails`.
    """
    logs = {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}
    return setups.make_function(context, of, _CODE, LoggingConfig=logs)


def invoke(context: Context, name: str, **event: Any) -> Any:
    """Invoke a function and give the answer."""
    payload = json.dumps(event).encode()
    return context.client("lambda").invoke(FunctionName=name, Payload=payload)


def sums(context: Context, metrics: Sequence[Metric], statistic: str = "Sum") -> list[float | None]:
    """What each metric comes to in the last minutes, by the sum of its periods; None without any data point."""
    queries = [
        {"Id": f"m{place}", "MetricStat": metric.query(statistic), "ReturnData": True}
        for place, metric in enumerate(metrics)
    ]
    found = series(context, queries)
    return [sum(found[f"m{place}"]) if found[f"m{place}"] else None for place in range(len(metrics))]


def series(context: Context, queries: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """The values of queries in the last minutes, by their IDs, the newest first."""
    now = context.now()
    # The end is exclusive, and a data point counts for its minute.
    pages = (
        context.client("cloudwatch")
        .get_paginator("get_metric_data")
        .paginate(MetricDataQueries=list(queries), StartTime=now - _LOOKBACK, EndTime=now + timedelta(minutes=2))
    )
    values: dict[str, list[float]] = {}
    for page in pages:
        for result in page["MetricDataResults"]:
            values.setdefault(result["Id"], []).extend(result["Values"])
    return values


def expect_metrics(context: Context, *wanted: tuple[Metric, Callable[[float], bool]]) -> None:
    """Let a probe differ unless each metric comes, and with such a sum.

    Raises:
        Differs: When one does not come within ten minutes, or says otherwise then.
    """
    metrics = [metric for metric, _ in wanted]

    def all_right() -> bool:
        return not _missing(wanted, sums(context, metrics))

    expect_within(context, all_right, _METRIC_SECONDS, lambda: "; ".join(_missing(wanted, sums(context, metrics))))


def expect_within(context: Context, condition: Callable[[], object], seconds: float, seen: Callable[[], str]) -> None:
    """Let a probe differ unless a condition comes true in time.

    Args:
        context: The run.
        condition: What must become true.
        seconds: Within this time.
        seen: What is there instead.

    Raises:
        Differs: When it did not come true in time.
        CouldNotTell: When the run has less time left than that.
    """
    began = time.monotonic()
    try:
        context.until(condition, seconds, "it")
    except CouldNotTell as error:
        waited = time.monotonic() - began
        if waited < seconds:
            raise CouldNotTell(f"the run ended before {seconds:.0f} s were over: {seen()}") from error
        raise Differs(f"after {seconds:.0f} s {seen()}") from error


def _missing(wanted: Sequence[tuple[Metric, Callable[[float], bool]]], found: Sequence[float | None]) -> list[str]:
    """Which metrics are not as wanted, in words."""
    said = []
    for (metric, fits), value in zip(wanted, found, strict=True):
        if value is None:
            said.append(f"{metric} has no data point")
        elif not fits(value):
            said.append(f"{metric} comes to {value:g}")
    return said


def put_alarm(context: Context, of: str, **settings: Any) -> str:
    """An alarm that tells nobody, as PutMetricAlarm takes it. Its name."""
    name = context.made("alarm", context.name(of))
    context.client("cloudwatch").put_metric_alarm(AlarmName=name, Tags=context.tag_list, **settings)
    return name


def states(context: Context, names: Sequence[str]) -> dict[str, str]:
    """The states of alarms."""
    answer = context.client("cloudwatch").describe_alarms(AlarmNames=list(names))
    return {alarm["AlarmName"]: alarm["StateValue"] for alarm in answer["MetricAlarms"]}
