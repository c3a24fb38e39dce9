"""Metrics in log events: the embedded metric format.

CloudWatch user guide, "Specification: Embedded metric format". On Lambda, a JSON line on standard output is
enough: Lambda's plain log format writes it as it is, and so does its JSON log format, which leaves lines
alone that are JSON already (Lambda developer guide, "Using Lambda advanced logging controls"). A document
that breaks the specification gives no metric at all here and is counted, with the reason.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from localcloud.cloudwatch.metrics import MetricId, Stat
from localcloud.cloudwatch.wire import model

MOST_METRICS: Final = 100
MOST_VALUES: Final = 100
MOST_DIMENSIONS: Final = 30
UNITS: Final = frozenset(model().shape_for("StandardUnit").metadata["enum"])


class EmfError(ValueError):
    """A document that breaks the specification."""


@dataclass(frozen=True)
class Datum:
    """One data point of one metric; `timestamp` in epoch seconds."""

    metric: MetricId
    timestamp: float
    stat: Stat
    unit: str


def read(message: str) -> list[Datum] | None:
    """The metrics in a log event; None if it is no document of this format.

    Raises:
        EmfError: it is one, but not a valid one.
    """
    if not message.startswith("{") or '"_aws"' not in message:
        return None
    try:
        document = json.loads(message)
    except ValueError:
        return None
    metadata = document.get("_aws") if isinstance(document, dict) else None
    if not isinstance(metadata, dict) or "CloudWatchMetrics" not in metadata:
        return None
    timestamp = metadata.get("Timestamp")
    if isinstance(timestamp, bool) or not isinstance(timestamp, int):
        raise EmfError(f"_aws.Timestamp must be an integer of milliseconds, got {timestamp!r}")
    directives = _list(metadata["CloudWatchMetrics"], "_aws.CloudWatchMetrics")
    return [datum for one in directives for datum in _directive(one, document, timestamp / 1000)]


def _directive(directive: Any, document: Mapping[str, Any], timestamp: float) -> Iterator[Datum]:
    if not isinstance(directive, dict):
        raise EmfError("a metric directive must be an object")
    namespace = directive.get("Namespace")
    if not isinstance(namespace, str) or not 1 <= len(namespace) <= 255:
        raise EmfError(f"Namespace must be a text of 1..255 characters, got {namespace!r}")
    definitions = _list(directive.get("Metrics"), "Metrics")
    if len(definitions) > MOST_METRICS:
        raise EmfError(f"Metrics must have at most {MOST_METRICS} members, got {len(definitions)}")
    sets = [_dimensions(one, document) for one in _list(directive.get("Dimensions"), "Dimensions")]
    if not sets:
        raise EmfError("Dimensions must have at least one member")
    for definition in definitions:
        name, unit, stat = _metric(definition, document)
        for dimensions in sets:
            yield Datum(MetricId.of(namespace, name, dimensions), timestamp, stat, unit)


def _dimensions(keys: Any, document: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key in _list(keys, "a dimension set"):
        value = document.get(key) if isinstance(key, str) else None
        if not isinstance(value, str) or not value:
            raise EmfError(f"the dimension {key!r} must name a member that is a text, got {value!r}")
        found[key] = value
    if len(found) > MOST_DIMENSIONS:
        raise EmfError(f"a dimension set must have at most {MOST_DIMENSIONS} members, got {len(found)}")
    return found


def _metric(definition: Any, document: Mapping[str, Any]) -> tuple[str, str, Stat]:
    name = definition.get("Name") if isinstance(definition, dict) else None
    if not isinstance(name, str) or not 1 <= len(name) <= 255:
        raise EmfError(f"Name must be a text of 1..255 characters, got {name!r}")
    unit = definition.get("Unit", "None")
    if unit not in UNITS:
        raise EmfError(f"the unit of {name} is not one of CloudWatch's: {unit!r}")
    resolution = definition.get("StorageResolution", 60)
    if resolution != 60:
        raise EmfError(f"the StorageResolution of {name} must be 60 here, got {resolution!r}")
    if name not in document:
        raise EmfError(f"the metric {name} has no member of its name")
    target = document[name]
    values = target if isinstance(target, list) else [target]
    if not 1 <= len(values) <= MOST_VALUES:
        raise EmfError(f"the metric {name} must have 1..{MOST_VALUES} values, got {len(values)}")
    stat = Stat()
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise EmfError(f"the value of {name} must be a number, got {value!r}")
        stat.add(Stat.of(float(value)))
    return name, unit, stat


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise EmfError(f"{what} must be an array, got {value!r}")
    return value
