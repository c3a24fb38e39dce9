"""IoT Core: the rules engine, and the broker's rules about connections.

Replaced in ``ministack.services.iot``:

* ``put_topic_rule`` stored SQL and actions that it could not run, and a rule with them did nothing, silently.
  Now such a rule is refused when it is created.
* ``_run_rule_actions`` and ``_evaluate_topic_rules`` knew neither the Kinesis nor the S3 action, ran the
  others without a role, and parsed the payload of a bare ``SELECT *``, which must pass as it came.

What the broker let pass is listed in ``broker``.
"""

from __future__ import annotations

from typing import Any

from ministack.services import iot

from localcloud import faults
from localcloud.control import PREFIX, Answer, route
from localcloud.iot import broker
from localcloud.iot.rules import Losses, check_rule, load_rule, measure_match, now_ms, run_rule
from localcloud.iot.sql import Message, SqlError
from localcloud.loopback import Loopback


def install(app: Any) -> None:
    """Put the rules engine and the broker's rules into MiniStack."""
    api = Loopback(faults.layer(app.app))
    losses = Losses()
    store = iot.put_topic_rule

    def put_topic_rule(name: str, payload: dict[str, Any], *, created_at: float | None = None) -> Any:
        try:
            check_rule(payload)
        except SqlError as error:
            raise iot.RuleSqlError(str(error)) from error
        except ValueError as error:
            # MiniStack answers this one with InvalidRequestException, as AWS does for a bad action.
            raise iot.RuleRoleError(str(error)) from error
        return store(name, payload, created_at=created_at)

    async def run_rule_actions(
        _account: str,
        _region: str,
        stored: dict[str, Any],
        payload: bytes,
        topic: str = "",
        client_id: str | None = None,
    ) -> None:
        if not stored or stored.get("ruleDisabled"):
            return
        message = Message(topic, payload, client_id, now_ms(), iot._rule_message_identity.get()[1])
        await run_rule(load_rule(stored), message, iot._publish_source_ip.get(), api, losses)

    async def evaluate_topic_rules(
        account: str, region: str, topic: str, payload: bytes, client_id: str | None = None
    ) -> None:
        for stored in iot._rules_for_account(account, region):
            if iot._subscription_matches(load_rule(stored).topic_filter, topic):
                measure_match(stored)
                await run_rule_actions(account, region, stored, payload, topic, client_id)

    iot.put_topic_rule = put_topic_rule
    iot._run_rule_actions = run_rule_actions
    iot._evaluate_topic_rules = evaluate_topic_rules
    refusals = broker.install(app)

    @route("GET", f"{PREFIX}iot")
    async def describe(_: dict[str, Any]) -> Answer:
        return 200, {"lost": losses.count, "latest": [vars(loss) for loss in losses.latest], "refused": dict(refusals)}

    @route("POST", f"{PREFIX}iot-disconnect")
    async def disconnect(_: dict[str, Any]) -> Answer:
        return 200, {"disconnected": broker.drop_connections()}
