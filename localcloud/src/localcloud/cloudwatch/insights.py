"""Metrics Insights: the queries that add up metrics whose dimensions are not known one by one.

CloudWatch user guide, "Metrics Insights query components and syntax". Known here is
``SELECT f(metric) FROM SCHEMA("namespace", dimension, ...) WHERE dimension = 'value' AND ...``, which gives
one time series; GROUP BY, ORDER BY, LIMIT, other comparisons and tags are refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from localcloud.cloudwatch.metrics import MetricId, Metrics, Stat

_NAME: Final = r"(?:\"[^\"]+\"|[A-Za-z_][\w.]*)"
_QUERY: Final = re.compile(
    rf"\s*SELECT\s+(?P<function>AVG|COUNT|MAX|MIN|SUM)\s*\(\s*(?P<metric>{_NAME})\s*\)"
    rf"\s+FROM\s+SCHEMA\s*\(\s*(?P<schema>{_NAME}(?:\s*,\s*{_NAME})*)\s*\)"
    r"(?:\s+WHERE\s+(?P<where>.+?))?\s*",
    re.IGNORECASE | re.DOTALL,
)
_EQUAL: Final = re.compile(rf"\s*(?P<name>{_NAME})\s*=\s*'(?P<value>[^']*)'\s*")
_STATISTICS: Final = {"AVG": "Average", "COUNT": "SampleCount", "MAX": "Maximum", "MIN": "Minimum", "SUM": "Sum"}


@dataclass(frozen=True)
class Insight:
    """A query: a statistic over all metrics of a namespace and name that have exactly these dimensions."""

    statistic: str
    name: str
    namespace: str
    dimensions: frozenset[str]
    where: tuple[tuple[str, str], ...]
    period: int

    def series(self, metrics: Metrics, slots: Sequence[int]) -> list[float | None]:
        """The statistic in each slot, None where no metric has a data point."""
        found = [metrics.windows(metric, slots, self.period) for metric in metrics.ids() if self._selects(metric)]
        series: list[float | None] = []
        for at in range(len(slots)):
            whole = Stat()
            for windows in found:
                if (window := windows[at]) is not None:
                    whole.add(window)
            series.append(whole.statistic(self.statistic))
        return series

    def _selects(self, metric: MetricId) -> bool:
        dimensions = dict(metric.dimensions)
        return (
            (metric.namespace, metric.name) == (self.namespace, self.name)
            and dimensions.keys() == self.dimensions
            and all(dimensions.get(name) == value for name, value in self.where)
        )


def is_query(text: str) -> bool:
    """Whether an expression is a query and no metric math."""
    return text.lstrip()[:6].upper() == "SELECT"


def parse(text: str, period: int) -> Insight:
    """Read a query over periods of so many seconds.

    Raises:
        ValueError: it is none, or not one that is known here.
    """
    found = _QUERY.fullmatch(text)
    if found is None:
        raise ValueError(f"the Metrics Insights query is not of the form that is known here: {text!r}")
    namespace, *dimensions = (_plain(name) for name in re.findall(_NAME, found["schema"]))
    where = []
    for part in re.split(r"\s+AND\s+", found["where"], flags=re.IGNORECASE) if found["where"] else []:
        condition = _EQUAL.fullmatch(part)
        if condition is None or _plain(condition["name"]) not in dimensions:
            raise ValueError(f"the condition {part!r} must be a dimension of the SCHEMA = 'value' here")
        where.append((_plain(condition["name"]), condition["value"]))
    statistic = _STATISTICS[found["function"].upper()]
    return Insight(statistic, _plain(found["metric"]), namespace, frozenset(dimensions), tuple(where), period)


def _plain(name: str) -> str:
    return name.strip('"')
