"""The roles of an applied lake, and their sessions as the services get them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from factory_lake.gateway.identities import LANES, Lane
from localcloud import LocalCloud

CLIP_FETCH = "clip_fetch"
LANE_ROLES = {"rule": "iot", "delivery": "firehose", "transform": "lambda"}
"""Kinds of the roles that each lane has, and the service that takes each."""
CONNECTIONS_ROLES = {"connections rule": "iot", "connections delivery": "firehose"}
"""Kinds of the roles of a factory's connections, and the service that takes each."""
WITHOUT_LANE = (*CONNECTIONS_ROLES, CLIP_FETCH)
KINDS = (*LANE_ROLES, *WITHOUT_LANE)


@dataclass(frozen=True)
class Principal:
    """One role of a factory.

    Attributes:
        kind: `rule`, `delivery` or `transform` of a lane, `connections rule`, `connections delivery` or `clip_fetch`.
        factory: ID of its factory.
        lane: Its lane; the last three have none.
        role_arn: The role.
        service: The service that takes it, without `.amazonaws.com`.
        source_arn: The resource that the service acts for.
    """

    kind: str
    factory: str
    lane: Lane | None
    role_arn: str
    service: str
    source_arn: str

    @property
    def role_name(self) -> str:
        """The role's name."""
        return self.role_arn.rpartition("/")[2]

    def __str__(self) -> str:
        return f"{self.factory}'s {self.kind}" + (f" of {self.lane}" if self.lane else "")


def principals(outputs: Mapping[str, Any], cloud: LocalCloud, iot: Any, factory: str) -> list[Principal]:
    """Every role of a factory."""

    def source(service: str, resource: str) -> str:
        return f"arn:aws:{service}:{cloud.region}:{cloud.account_id}:{resource}"

    found = []
    for lane in LANES:
        acting_for = {
            "rule": f"rule/{rule_of(iot, factory, lane)}",
            "delivery": f"deliverystream/{outputs['delivery_streams'][factory][lane]}",
            "transform": f"function:{outputs['transform_functions'][factory][lane]}",
        }
        found += [
            Principal(
                kind, factory, lane, outputs["roles"][factory][lane][kind], service, source(service, acting_for[kind])
            )
            for kind, service in LANE_ROLES.items()
        ]
    kept = outputs["connections"][factory]
    acting_for = {
        "connections rule": f"rule/{min(kept['rules'].values())}",
        "connections delivery": f"deliverystream/{kept['delivery_stream']}",
    }
    found += [
        Principal(kind, factory, None, kept["roles"][kind.split()[1]], service, source(service, acting_for[kind]))
        for kind, service in CONNECTIONS_ROLES.items()
    ]
    video = outputs["video"][factory]
    function = source("lambda", f"function:{video['clip_function']}")
    return [*found, Principal(CLIP_FETCH, factory, None, video["role"], "lambda", function)]


def rule_of(iot: Any, factory: str, lane: Lane) -> str:
    """Name of the topic rule of a factory's lane."""
    topic = f"factories/{factory}/+/{lane}"
    rules = iot.list_topic_rules()["rules"]
    return next(str(rule["ruleName"]) for rule in rules if rule["topicPattern"] == topic)


def session(cloud: LocalCloud, principal: Principal) -> Mapping[str, str]:
    """Credentials of the role, by its trust policy, shaped as STS's `Credentials`.

    Raises:
        CallError: The role does not trust the service for this resource.
    """
    wanted = {
        "role_arn": principal.role_arn,
        "service": f"{principal.service}.amazonaws.com",
        "source_arn": principal.source_arn,
    }
    return cloud.control("POST", "service-credentials", wanted)
