"""The rules engine: which rules a message meets, and what becomes of it in each."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from localcloud import metrics_bus
from localcloud.iot.actions import Action, ActionError, RuleIdentity, error_document, parse_action
from localcloud.iot.sql import VERSION, EvaluationError, Message, SqlError, Statement, parse_statement
from localcloud.loopback import Loopback

_log: Final = logging.getLogger("localcloud.iot.rules")
_LOSSES_KEPT: Final = 1000
_NAMESPACE: Final = "AWS/IoT"


@dataclass(frozen=True)
class Rule:
    """A topic rule, ready to run."""

    identity: RuleIdentity
    statement: Statement
    actions: tuple[Action, ...]
    error_action: Action | None


@dataclass(frozen=True)
class Loss:
    """A message that a rule lost. The payload is not kept, its hash identifies it."""

    rule: str
    topic: str
    client_id: str | None
    sha256: str
    reason: str


class Losses:
    """The messages that rules lost, counted; the latest are described."""

    def __init__(self) -> None:
        self.count = 0
        self.latest: deque[Loss] = deque(maxlen=_LOSSES_KEPT)

    def add(self, rule: RuleIdentity, message: Message, reason: str) -> None:
        """Count a lost message and log it, as IoT's own logging would."""
        digest = hashlib.sha256(message.payload).hexdigest()
        self.count += 1
        self.latest.append(Loss(rule.name, message.topic, message.client_id, digest, reason))
        _log.error("rule %s lost a message on %s (sha256 %s): %s", rule.name, message.topic, digest, reason)


def check_rule(payload: Mapping[str, Any]) -> None:
    """Check a TopicRulePayload.

    Raises:
        SqlError: its statement, or a template, is not supported.
        ValueError: something else of it is not.
    """
    if payload.get("awsIotSqlVersion") != VERSION:
        # Without a version AWS takes 2015-10-08, whose meaning differs.
        got = payload.get("awsIotSqlVersion")
        raise SqlError(f"awsIotSqlVersion must be {VERSION} here, got {got!r}")
    parse_statement(payload.get("sql") or "")
    for action in [*(payload.get("actions") or []), *_error_actions(payload)]:
        parse_action(action)


def load_rule(stored: Mapping[str, Any]) -> Rule:
    """The rule that MiniStack has stored under these members."""
    actions = json.dumps([stored.get("actions") or [], _error_actions(stored)], sort_keys=True)
    return _load(stored["ruleName"], stored["sql"], actions)


def measure_match(stored: Mapping[str, Any]) -> None:
    """Say that a message came on the topic of a rule that MiniStack has stored with these members."""
    metrics_bus.record(_NAMESPACE, "TopicMatch", 1, {"RuleName": str(stored["ruleName"])})


def lose_unknown(name: str, message: Message, losses: Losses) -> None:
    """Say that a message came by Basic Ingest for a rule that is disabled or not there."""
    metrics_bus.record(_NAMESPACE, "RuleNotFound", 1, {"RuleName": name})
    losses.add(RuleIdentity(name), message, "Basic Ingest: the rule is disabled or does not exist")


async def run_rule(rule: Rule, message: Message, source_ip: str, api: Loopback, losses: Losses) -> None:
    """Run a rule's actions on a message to their end.

    An action that fails goes to the error action at once: AWS documents no retries of rule actions. Without an error
    action, or when that fails too, the message is lost. So is one that the statement cannot be evaluated for: the
    error action is for actions that fail.
    """
    try:
        result = rule.statement.select(message.payload)
    except EvaluationError as error:
        losses.add(rule.identity, message, f"SQL: {error}")
        return
    failures: list[tuple[Action, ActionError]] = []
    for action in rule.actions:
        try:
            await action.run(result, message, rule.identity, api)
        except ActionError as error:
            failures.append((action, error))
            _measure(rule, "Failure", action)
        else:
            _measure(rule, "Success", action)
    if not failures:
        return
    reasons = "; ".join(str(error) for _, error in failures)
    if rule.error_action is None:
        losses.add(rule.identity, message, f"no error action: {reasons}")
        return
    _log.warning("rule %s: %s", rule.identity.name, reasons)
    document = error_document(rule.identity, message, source_ip, failures)
    try:
        await rule.error_action.run(document, message, rule.identity, api)
    except ActionError as error:
        _measure(rule, "ErrorActionFailure", rule.error_action)
        losses.add(rule.identity, message, f"error action failed: {error}; after: {reasons}")
    else:
        _measure(rule, "ErrorActionSuccess", rule.error_action)


def _measure(rule: Rule, name: str, action: Action) -> None:
    """Say what an action of a rule did, by RuleName and ActionType.

    AWS IoT Core developer guide, "AWS IoT metrics and dimensions". Which values ActionType takes it does not
    say: here the action's name, as Kinesis.
    """
    dimensions = {"RuleName": rule.identity.name, "ActionType": action.kind.removesuffix("Action")}
    metrics_bus.record(_NAMESPACE, name, 1, dimensions)


def now_ms() -> int:
    """The engine's clock."""
    return time.time_ns() // 1_000_000


def _error_actions(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [payload["errorAction"]] if payload.get("errorAction") else []


@lru_cache(maxsize=256)
def _load(name: str, sql: str, actions: str) -> Rule:
    own, on_error = json.loads(actions)
    return Rule(
        RuleIdentity(name),
        parse_statement(sql),
        tuple(parse_action(action) for action in own),
        parse_action(on_error[0]) if on_error else None,
    )
