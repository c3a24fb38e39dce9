"""CloudWatch as it is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.cloudwatch import alarms
from localcloud.cloudwatch.alarms import Definition
from tests.conformance.breaks import Break, IsOn


def _an_alarm_looks_back_a_day(is_on: IsOn) -> None:
    define = alarms.define

    def defined(arguments: Mapping[str, Any]) -> Definition:
        definition = define(arguments)
        if is_on() and definition.period * definition.periods > alarms.DAY:
            raise ValueError(f"Period times EvaluationPeriods must be at most {alarms.DAY} seconds")
        return definition

    alarms.define = defined


BREAKS = [Break("cloudwatch_alarm_week", _an_alarm_looks_back_a_day)]
