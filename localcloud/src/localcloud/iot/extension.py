"""IoT Core: the rules engine, and the broker's rules about connections.

Replaced in ``ministack.services.iot``:

* ``put_topic_rule`` stored SQL and actions that it could not run, and a rule with them did nothing, silently.
  Now such a rule is refused when it is created.
* ``_evaluate_topic_rules``, and ``broker_publish`` for Basic Ingest, knew none of the actions in ``actions``, ran
  the others without a role, and parsed the payload of a bare ``SELECT *``, which must pass as it came. A message of
  Basic Ingest whose rule is disabled or does not exist was gone without a trace.

``POST /_localcloud/iot/behaviour`` says whether an error document names the topic of Basic Ingest as it was
received (``error_topic``: ``received``) or as the rule sees it (``seen``), which the documents leave open. It says as
well whether presence events come once, twice, or each behind its client's next one (``presence``: ``once``,
``repeat``, ``overtake``). ``POST /_localcloud/iot/silence`` makes a client silent for some seconds longer than it is,
``POST /_localcloud/iot/connects/age`` the CONNECTs of all clients some seconds older.

What the broker let pass is listed in ``broker``, what it said of connections in ``presence``.
"""

from __future__ import annotations

from typing import Any, Final

from ministack.services import iot

from localcloud import faults
from localcloud.control import PREFIX, Answer, route
from localcloud.iot import basic_ingest, broker, broker_metrics, connection_state, presence, websocket
from localcloud.iot.rules import Losses, check_rule, load_rule, lose_unknown, measure_match, now_ms, run_rule
from localcloud.iot.sql import Message, SqlError
from localcloud.loopback import Loopback

_ERROR_TOPICS: Final = ("received", "seen")
_BEHAVIOURS: Final = {"error_topic": _ERROR_TOPICS, "presence": presence.MANNERS}


def install(app: Any) -> None:
    """Put the rules engine and the broker's rules into MiniStack."""
    engine = _Engine(app)
    iot.put_topic_rule = engine.put_topic_rule
    iot._evaluate_topic_rules = engine.evaluate_topic_rules
    iot.broker_publish = engine.publish
    events, keep_alive, connects = presence.Events(), presence.KeepAlive(), broker.Connects()
    presence.name_refusals()
    refusals = broker.install(app, keep_alive, connects)
    broker_metrics.install(refusals)
    connection_state.install()
    websocket.install()

    @route("GET", f"{PREFIX}iot")
    async def describe(_: dict[str, Any]) -> Answer:
        losses = engine.losses
        return 200, {"lost": losses.count, "latest": [vars(loss) for loss in losses.latest], "refused": dict(refusals)}

    @route("POST", f"{PREFIX}iot-disconnect")
    async def disconnect(_: dict[str, Any]) -> Answer:
        return 200, {"disconnected": broker.drop_connections()}

    @route("POST", f"{PREFIX}iot/behaviour")
    async def behave(wanted: dict[str, Any]) -> Answer:
        if not wanted or set(wanted) - set(_BEHAVIOURS):
            return 400, {"message": f"behaviour must have of {', '.join(_BEHAVIOURS)}, got {wanted!r}"}
        for name, value in wanted.items():
            if value not in _BEHAVIOURS[name]:
                return 400, {"message": f"{name} must be one of {', '.join(_BEHAVIOURS[name])}, got {value!r}"}
        engine.error_topic = wanted.get("error_topic", engine.error_topic)
        if "presence" in wanted:
            await events.behave(wanted["presence"])
        return 200, wanted

    @route("POST", f"{PREFIX}iot/connects/age")
    async def age_connects(wanted: dict[str, Any]) -> Answer:
        connects.age(float(wanted["seconds"]))
        return 200, {}

    @route("POST", f"{PREFIX}iot/silence")
    async def age(wanted: dict[str, Any]) -> Answer:
        return 200, {"connections": keep_alive.age(wanted["client_id"], float(wanted["seconds"]))}


class _Engine:
    """Replaces the functions of MiniStack that store rules and run them."""

    def __init__(self, app: Any) -> None:
        self.losses = Losses()
        self.error_topic = _ERROR_TOPICS[0]
        self._api = Loopback(faults.layer(app.app))
        self._store, self._publish = iot.put_topic_rule, iot.broker_publish

    def put_topic_rule(self, name: str, payload: dict[str, Any], *, created_at: float | None = None) -> Any:
        try:
            check_rule(payload)
        except SqlError as error:
            raise iot.RuleSqlError(str(error)) from error
        except ValueError as error:
            # MiniStack answers this one with InvalidRequestException, as AWS does for a bad action.
            raise iot.RuleRoleError(str(error)) from error
        return self._store(name, payload, created_at=created_at)

    async def evaluate_topic_rules(
        self, account_id: str, region: str, topic: str, payload: bytes, client_id: str | None = None
    ) -> None:
        message = _message(topic, payload, client_id)
        for stored in iot._rules_for_account(account_id, region):
            if iot._subscription_matches(load_rule(stored).statement.topic_filter, topic):
                measure_match(stored)
                if not stored.get("ruleDisabled"):
                    await self._run(stored, message)

    async def publish(
        self,
        account_id: str,
        region: str,
        topic: str,
        payload: bytes,
        qos: int = 0,
        retain: bool = False,
        properties: bytes = b"",
        client_id: str | None = None,
        principal: str | None = None,
    ) -> None:
        address = basic_ingest.parse(topic)
        if address is None:
            await self._publish(account_id, region, topic, payload, qos, retain, properties, client_id, principal)
            return
        stored = iot._topic_rules.get_scoped(account_id, region, address.rule)
        with iot._rule_message_scope(principal):
            prefix = address.prefix if self.error_topic == "received" else ""
            message = _message(address.topic, payload, client_id, prefix)
            if stored is None or stored.get("ruleDisabled"):
                lose_unknown(address.rule, message, self.losses)
            else:
                await self._run(stored, message)

    async def _run(self, stored: dict[str, Any], message: Message) -> None:
        await run_rule(load_rule(stored), message, iot._publish_source_ip.get(), self._api, self.losses)


def _message(topic: str, payload: bytes, client_id: str | None, prefix: str = "") -> Message:
    return Message(topic, payload, client_id, now_ms(), iot._rule_message_identity.get()[1], prefix)
