"""Evaluates all alarms, records what changed, and notifies the topics that an alarm's actions name.

CloudWatch user guide, "Alarm actions": actions are invoked when the state changes, and only then. The notification's
members are those that CloudWatch's messages on SNS topics have ("Notifying users on alarm changes").
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from localcloud.cloudwatch import alarms
from localcloud.cloudwatch.alarms import Outcome
from localcloud.cloudwatch.metrics import Metrics
from localcloud.cloudwatch.missing import State
from localcloud.settings import ACCOUNT, REGION

_ACTIONS: Final = {
    State.ALARM: "AlarmActions",
    State.OK: "OKActions",
    State.INSUFFICIENT_DATA: "InsufficientDataActions",
}
_SERVICE: Final = "cloudwatch.amazonaws.com"
_log: Final = logging.getLogger("localcloud.cloudwatch")


class AlarmEvaluator:
    """The evaluation of the alarms that MiniStack's CloudWatch keeps; the clock gives epoch seconds."""

    def __init__(self, cloudwatch: Any, sns: Any, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._cloudwatch = cloudwatch
        self._sns = sns
        self._metrics = metrics
        self._clock = clock

    def evaluate(self, at: float) -> list[dict[str, str]]:
        """Evaluate every alarm at the end of the last data point (epoch seconds).

        Returns:
            What changed: `alarm`, `from`, `to`, `reason`.
        """
        changed = []
        for alarm in list(self._cloudwatch._alarms.values()):
            try:
                outcome = alarms.evaluate(alarm, self._metrics, at)
            except ValueError as error:
                alarm["EvaluationState"] = "EVALUATION_ERROR"
                _log.warning("alarm %s cannot be evaluated: %s", alarm["AlarmName"], error)
                continue
            alarm.pop("EvaluationState", None)
            before = alarm["StateValue"]
            if outcome.state == before:
                continue
            self._change(alarm, before, outcome)
            changed.append(
                {"alarm": alarm["AlarmName"], "from": before, "to": outcome.state, "reason": outcome.reason}
            )
        return changed

    def notify(self, alarm: Mapping[str, Any], before: str, after: str, reason: str) -> None:
        """Invoke the actions for a new state, if the alarm's actions are enabled."""
        if not alarm.get("ActionsEnabled", True):
            return
        message = json.dumps(notification(alarm, before, after, reason, self._clock()))
        subject = f'{after}: "{alarm["AlarmName"]}" in {REGION}'[:100]
        for action in alarm.get(_ACTIONS[State(after)]) or []:
            error = self._publish(action, alarm["AlarmArn"], subject, message)
            self._record_action(alarm, action, error)

    def _change(self, alarm: dict[str, Any], before: str, outcome: Outcome) -> None:
        now = self._clock()
        alarm["StateValue"] = str(outcome.state)
        alarm["StateReason"] = outcome.reason
        alarm["StateUpdatedTimestamp"] = alarm["StateTransitionedTimestamp"] = now
        self._cloudwatch._record_history(alarm["AlarmName"], before, str(outcome.state), outcome.reason)
        self.notify(alarm, before, outcome.state, outcome.reason)
        self._cloudwatch._evaluate_parent_alarms(alarm)

    def _publish(self, topic: str, alarm_arn: str, subject: str, message: str) -> str | None:
        """Publish as CloudWatch; why it could not, if so."""
        if self._sns._topic_by_arn_any_scope(topic) is None:
            return f"the topic {topic} does not exist"
        if not self._sns.topic_policy_allows(topic, _SERVICE, alarm_arn, ACCOUNT):
            return f"the policy of {topic} does not let {_SERVICE} publish for {alarm_arn}"
        self._sns._fanout(topic, self._sns.new_uuid(), message, subject)
        return None

    def _record_action(self, alarm: Mapping[str, Any], action: str, error: str | None) -> None:
        if error is not None:
            _log.warning("alarm %s: %s", alarm["AlarmName"], error)
        done = f"Failed to execute action {action}" if error else f"Successfully executed action {action}"
        data = {"actionState": "Failed" if error else "Succeeded", "notificationResource": action, "error": error}
        self._cloudwatch._history_entries().append(
            {
                "AlarmName": alarm["AlarmName"],
                "AlarmType": "CompositeAlarm" if "AlarmRule" in alarm else "MetricAlarm",
                "Timestamp": self._cloudwatch._ts_iso(self._clock()),
                "HistoryItemType": "Action",
                "HistorySummary": done,
                "HistoryData": json.dumps(data),
            }
        )


def notification(alarm: Mapping[str, Any], before: str, after: str, reason: str, now: float) -> dict[str, Any]:
    """The message that a topic gets."""
    moment = datetime.fromtimestamp(now, UTC)
    return {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription"),
        "AWSAccountId": ACCOUNT,
        "NewStateValue": str(after),
        "NewStateReason": reason,
        "StateChangeTime": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000",
        "Region": REGION,
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": str(before),
        **{actions: alarm.get(actions, []) for actions in sorted(_ACTIONS.values())},
        "Trigger": {"AlarmRule": alarm["AlarmRule"]} if "AlarmRule" in alarm else _trigger(alarm),
    }


def _trigger(alarm: Mapping[str, Any]) -> dict[str, Any]:
    judged = {
        "EvaluationPeriods": alarm["EvaluationPeriods"],
        "DatapointsToAlarm": alarm.get("DatapointsToAlarm"),
        "ComparisonOperator": alarm["ComparisonOperator"],
        "Threshold": alarm["Threshold"],
        "TreatMissingData": alarm.get("TreatMissingData", ""),
    }
    if "Metrics" in alarm:
        return {"Metrics": alarm["Metrics"], **judged}
    return {
        "MetricName": alarm["MetricName"],
        "Namespace": alarm["Namespace"],
        "StatisticType": "Statistic",
        "Statistic": alarm["Statistic"].upper(),
        "Unit": alarm.get("Unit"),
        "Dimensions": [{"value": one["Value"], "name": one["Name"]} for one in alarm.get("Dimensions", [])],
        "Period": alarm["Period"],
        **judged,
    }
