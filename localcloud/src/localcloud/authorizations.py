"""What callers were allowed to do: each action with its resource, as policies were evaluated for it.

A deployment's least policy can be made from that: record a run that may do everything, and read what it did.
"""

from __future__ import annotations

from typing import Any

from ministack.core import iam_evaluator

from localcloud.control import PREFIX, Answer, route

_recorded: dict[str, set[tuple[str, str]]] = {}


def install(_app: object) -> None:
    """Put the recorder in front of MiniStack's evaluator, behind what the patches of IAM check besides."""
    check = iam_evaluator.enforce

    def enforce(
        access_key: str,
        action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        denied = check(access_key, action, service, region, resource_arn=resource_arn, service_context=service_context)
        if denied is None and access_key in _recorded:
            _recorded[access_key].add((action, resource_arn))
        return denied

    iam_evaluator.enforce = enforce


@route("POST", f"{PREFIX}authorizations")
async def start(arguments: dict[str, Any]) -> Answer:
    """Record from now on what the caller with an access key is allowed to do."""
    _recorded[str(arguments["access_key_id"])] = set()
    return 200, {}


@route("DELETE", f"{PREFIX}authorizations")
async def stop(arguments: dict[str, Any]) -> Answer:
    """End a recording; answer with its actions and their resources, sorted."""
    recorded = _recorded.pop(str(arguments["access_key_id"]), None)
    if recorded is None:
        return 404, {"message": "nothing is recorded for this access key"}
    return 200, {"authorizations": sorted(recorded)}
