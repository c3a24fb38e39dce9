"""Whether a factory's alarms are OK."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

#: Alarms of the lake judge periods of five minutes, three of them at most; a new lane's are in ALARM for a few.
SETTLED_SECONDS = 900.0
_AT_ONCE = 100  # DescribeAlarms takes no more names
_NAMED = 3

#: An alarm's state, and since when it has it.
State = tuple[str, datetime]


def states_of(cloudwatch: Any, names: Sequence[str]) -> dict[str, State]:
    """The states of alarms by their names; of one that is not there, none."""
    found: dict[str, State] = {}
    for start in range(0, len(names), _AT_ONCE):
        answer = cloudwatch.describe_alarms(AlarmNames=names[start : start + _AT_ONCE], MaxRecords=_AT_ONCE)
        for alarm in answer["MetricAlarms"]:
            found[alarm["AlarmName"]] = (alarm["StateValue"], alarm["StateUpdatedTimestamp"])
    return found


def not_ok(names: Sequence[str], states: Mapping[str, State]) -> list[str]:
    """Alarms that are not OK, each with its state; those that fire first."""
    found = {name: states[name][0] if name in states else "is not there" for name in names}
    wrong = sorted((state != "ALARM", name, state) for name, state in found.items() if state != "OK")
    return [f"{name} ({state})" for _, name, state in wrong]


def is_settled(names: Sequence[str], states: Mapping[str, State], now: datetime, seconds: float) -> bool:
    """Whether waiting changes nothing: an alarm is not there, or has fired for as long as would be waited."""
    before = now - timedelta(seconds=seconds)
    return any(name not in states for name in names) or any(
        state == "ALARM" and since <= before for state, since in states.values()
    )


def spoken(wrong: Sequence[str]) -> str:
    """The first of alarms that are not OK, and how many more there are."""
    more = f" and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
    return f"not OK: {', '.join(wrong[:_NAMED])}{more}"
