"""Clients whose presence events arrive by a rule, as the modules make one for each client ID."""

import json
from dataclasses import dataclass
from typing import Any

from factory_lake.conformance.context import Context
from factory_lake.conformance.identities import (
    EFFECT_SECONDS,
    Identity,
    allow_publish,
    broker,
    make_identity,
    pause,
    topic,
    wait_until_served,
)
from factory_lake.conformance.mqtt import connection
from factory_lake.conformance.probe import Differs
from factory_lake.conformance.topic_rules import GRACE_SECONDS, Rules, make_rule, rules, to_kinesis


@dataclass(frozen=True)
class Watched:
    """A client whose presence events arrive."""

    rules: Rules
    identity: Identity

    def connect(self, **asked: Any) -> Any:
        """Connect as this client, as `mqtt.connection` has it."""
        context = self.rules.context
        return connection(context.shared(broker), self.identity.certificate, self.identity.client_id, **asked)

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """The events that have arrived, of one kind or both; they may repeat and overtake each other."""
        records = self.rules.records(self.identity.client_id)
        found = [json.loads(record.data) for record in records]
        return [event for event in found if kind in ("", event.get("eventType"))]


def watched(context: Context, of: str) -> Watched:
    """A client with a rule for its presence events, as the modules make it, when events arrive."""
    base = context.shared(rules)
    identity = make_identity(context, of, allow_publish(context, topic(context, of)))
    made = Watched(base, identity)
    puts = {"Action": "kinesis:PutRecord", "Resource": context.arn("kinesis", f"stream/{base.stream}")}
    make_rule(
        context,
        context.underscored(of),
        of,
        f"'$aws/events/presence/+/{identity.client_id}'",
        [puts],
        to_kinesis(base.stream, "${timestamp()}/${topic(5)}/${newuuid()}"),
        "*, 'line-1' AS gateway, 'measurements' AS lane",
    )
    wait_until_served(context, identity)

    def arrives() -> bool:
        with made.connect():
            pause(context)
        return context.within(made.events, 5.0) is not None

    context.until(arrives, EFFECT_SECONDS, "presence events by the rule")
    return made


def expect_reason(made: Watched, reason: str) -> None:
    """Try that an event says why a connection ended.

    Raises:
        Differs: The client's events say other reasons.
        CouldNotTell: There is none.
    """

    def reasons() -> set[str]:
        found = {str(event.get("disconnectReason")) for event in made.events("disconnected")}
        # Of those connections the set-up ended some itself.
        return found - {"CLIENT_INITIATED_DISCONNECT"}

    context = made.rules.context
    context.until(reasons, EFFECT_SECONDS, f"an event with the reason {reason}")
    if context.within(lambda: [1] if reason in reasons() else [], GRACE_SECONDS) is None:
        raise Differs(f"the reason is {', '.join(sorted(reasons()))}")
