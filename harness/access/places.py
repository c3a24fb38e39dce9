"""What can be reached in an applied lake, seen from one of its roles.

A place is a kind of resource in one of four scopes:

* `own`: what belongs to the role's own lane (or, for clip_fetch, to its own cameras, and for those of connections, to
  its own factory's);
* `factory`: the same kind of thing elsewhere in the same factory;
* `foreign`: the same of another factory;
* `shared`: what belongs to no factory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from factory_lake.gateway.identities import LANES, Lane, Source
from harness.access.clients import Clients
from harness.access.principals import CLIP_FETCH, CONNECTIONS_ROLES, Principal, rule_of
from localcloud import LocalCloud

SCOPES = ("own", "factory", "foreign", "shared")
NAME = "access-probe"
"""What a call that is allowed may leave behind bears this name."""

Target: TypeAlias = Mapping[str, Any]
"""Values for the placeholders of a probe's arguments."""
Places: TypeAlias = dict[str, dict[str, list[Target]]]
"""Kind of resource, then scope, to the targets there."""


@dataclass(frozen=True)
class LakeUnderTest:
    """An applied lake.

    Attributes:
        outputs: The environment's outputs.
        cloud: The cloud that it is applied to.
        gateways: By factory, the ID of one of its gateways.
        keys: Customer-managed keys, by the name that `kms_keys` has for them.
        root: Clients of the account's root, to find out and to clean up.
    """

    outputs: Mapping[str, Any]
    cloud: LocalCloud
    gateways: Mapping[str, str]
    keys: Mapping[str, str]
    root: Clients

    def arn(self, service: str, resource: str) -> str:
        """An ARN in the lake's account and region."""
        return f"arn:aws:{service}:{self.cloud.region}:{self.cloud.account_id}:{resource}"


def places(lake: LakeUnderTest, principal: Principal, foreign: str) -> Places:
    """Every place, by kind of resource and scope, as a role sees it."""
    found: Places = {}
    for kind, of_lane in _OF_LANE.items():
        found[kind] = _scoped(principal, foreign, lambda factory, lane, of=of_lane: of(lake, factory, lane))  # type: ignore[misc]
    for kind, of_video in _OF_VIDEO.items():
        mine = "own" if principal.kind == CLIP_FETCH else "factory"
        found[kind] = {mine: [of_video(lake, principal.factory)], "foreign": [of_video(lake, foreign)]}
    for kind, of_connections in _OF_CONNECTIONS.items():
        mine = "own" if principal.kind in CONNECTIONS_ROLES else "factory"
        found[kind] = {mine: [of_connections(lake, principal.factory)], "foreign": [of_connections(lake, foreign)]}
    # A factory whose ID begins with this one's ID: what a prefix without its last slash would let in.
    look_alike = f"{principal.factory}-2"
    found["data"]["foreign"].append(_data(lake, look_alike, principal.lane or "measurements"))
    found["clips"]["foreign"].append(_clips(lake, look_alike))
    found["connections"]["foreign"].append(_connections(lake, look_alike))
    found["rows of clips"]["foreign"].append(_rows_of_clips(lake, look_alike))
    return found | _shared(lake, principal)


def _scoped(principal: Principal, foreign: str, at: Callable[[str, Lane], Target]) -> dict[str, list[Target]]:
    mine = [principal.lane] if principal.lane else []
    others = [lane for lane in LANES if lane != principal.lane]
    return {
        "own": [at(principal.factory, lane) for lane in mine],
        "factory": [at(principal.factory, lane) for lane in others],
        "foreign": [at(foreign, lane) for lane in mine or others],
    }


def _data_stream(lake: LakeUnderTest, factory: str, lane: Lane) -> Target:
    name = lake.outputs["data_streams"][factory][lane]
    kinesis = lake.root.of("kinesis")
    shard = kinesis.list_shards(StreamName=name)["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="LATEST")
    return {"stream": name, "shard": shard, "iterator": iterator["ShardIterator"]}


def _data(lake: LakeUnderTest, factory: str, lane: Lane) -> Target:
    return _in_bucket(lake, lane, f"factory={factory}/")


def _errors(lake: LakeUnderTest, factory: str, lane: Lane) -> Target:
    return _in_bucket(lake, lane, f"errors/factory={factory}/{lane}/")


def _rule_errors(lake: LakeUnderTest, factory: str, lane: Lane) -> Target:
    return _in_bucket(lake, lane, f"errors/factory={factory}/{lane}/iot-rule/")


def _connections(lake: LakeUnderTest, factory: str) -> Target:
    return _in_bucket(lake, "configuration", f"connections/factory={factory}/")


def _clips(lake: LakeUnderTest, factory: str) -> Target:
    return _in_bucket(lake, "clips", f"factory={factory}/")


def _rows_of_clips(lake: LakeUnderTest, factory: str) -> Target:
    return _in_bucket(lake, "clips", f"index/factory={factory}/")


def _in_bucket(lake: LakeUnderTest, bucket: str, prefix: str) -> Target:
    return {"bucket": lake.outputs["buckets"][bucket], "prefix": prefix, "key": f"{prefix}{NAME}"}


def _video_stream(lake: LakeUnderTest, factory: str) -> Target:
    name = next(iter(lake.outputs["video"][factory]["streams"].values()))
    described = lake.root.of("kinesisvideo").describe_stream(StreamName=name)
    return {"video": name, "video_arn": described["StreamInfo"]["StreamARN"]}


def _key(lake: LakeUnderTest, arn: str) -> Target:
    made = lake.root.of("kms").generate_data_key(KeyId=arn, KeySpec="AES_256")
    return {"kms_key": arn, "ciphertext": made["CiphertextBlob"]}


def _log(group: str, stream: str) -> Target:
    return {"group": group, "stream": stream}


def _thing(lake: LakeUnderTest, factory: str, lane: Lane) -> Target:
    source = Source(factory, lake.gateways[factory], lane)
    return {"thing": source.client_id, "topic": source.topic}


def _role(arn: str) -> Target:
    return {"role": arn.rpartition("/")[2], "role_arn": arn}


_OF_LANE: dict[str, Callable[[LakeUnderTest, str, Lane], Target]] = {
    "data stream": _data_stream,
    "delivery stream": lambda lake, factory, lane: {
        "delivery_stream": lake.outputs["delivery_streams"][factory][lane]
    },
    "transform function": lambda lake, factory, lane: {"function": lake.outputs["transform_functions"][factory][lane]},
    "topic rule": lambda lake, factory, lane: {"rule": rule_of(lake.root.of("iot"), factory, lane)},
    "gateway": _thing,
    "data": _data,
    "errors": _errors,
    "rule errors": _rule_errors,
    "delivery log": lambda lake, factory, lane: _log(
        f"/aws/kinesisfirehose/{lake.outputs['delivery_streams'][factory][lane]}", "delivery"
    ),
    "transform log": lambda lake, factory, lane: _log(
        f"/aws/lambda/{lake.outputs['transform_functions'][factory][lane]}", NAME
    ),
    **{
        f"{kind} role": lambda lake, factory, lane, kind=kind: _role(  # type: ignore[misc]
            lake.outputs["roles"][factory][lane][kind]
        )
        for kind in ("rule", "delivery", "transform")
    },
}

_OF_CONNECTIONS: dict[str, Callable[[LakeUnderTest, str], Target]] = {
    "connections": _connections,
    "connection errors": lambda lake, factory: _in_bucket(
        lake, "configuration", f"errors/factory={factory}/connections/"
    ),
    "connection rule errors": lambda lake, factory: _in_bucket(
        lake, "configuration", f"errors/factory={factory}/connections/iot-rule/"
    ),
    "connections stream": lambda lake, factory: {
        "delivery_stream": lake.outputs["connections"][factory]["delivery_stream"]
    },
    "connections topic rule": lambda lake, factory: {
        "rule": min(lake.outputs["connections"][factory]["rules"].values())
    },
    "connections log": lambda lake, factory: _log(
        f"/aws/kinesisfirehose/{lake.outputs['connections'][factory]['delivery_stream']}", "delivery"
    ),
    **{
        f"{kind} role": lambda lake, factory, kind=kind: _role(  # type: ignore[misc]
            lake.outputs["connections"][factory]["roles"][kind.split()[1]]
        )
        for kind in CONNECTIONS_ROLES
    },
}

_OF_VIDEO: dict[str, Callable[[LakeUnderTest, str], Target]] = {
    "video stream": _video_stream,
    "clip function": lambda lake, factory: {"function": lake.outputs["video"][factory]["clip_function"]},
    "clip schedule": lambda lake, factory: {"schedule": lake.outputs["video"][factory]["schedule_rules"][0]},
    "clip log": lambda lake, factory: _log(f"/aws/lambda/{lake.outputs['video'][factory]['clip_function']}", NAME),
    "clips": _clips,
    "rows of clips": _rows_of_clips,
    "clip_fetch role": lambda lake, factory: _role(lake.outputs["video"][factory]["role"]),
}


def _shared(lake: LakeUnderTest, principal: Principal) -> Places:
    """What belongs to no factory; of the buckets, `own` is the one that the role writes to."""
    names = lake.outputs["buckets"]
    mine = principal.lane or ("configuration" if principal.kind in CONNECTIONS_ROLES else "clips")
    database = lake.outputs["athena"]["database"]
    roots: dict[str, Target] = {name: {"bucket": bucket, "key": NAME} for name, bucket in names.items()}
    buckets: dict[str, list[Target]] = {
        "own": [roots[mine]],
        "shared": [target for name, target in roots.items() if name != mine],
    }
    tables: Places = {
        f"table {table}": {
            "shared": [{"database": database, "table": table, "arn": lake.arn("glue", f"table/{database}/{table}")}]
        }
        for table in (*LANES, "connections", "clips")
    }
    return {
        "bucket": buckets,
        "query results": {"shared": [_in_bucket(lake, "measurements", "athena-results/")]},
        **tables,
        "database": {"shared": [{"database": database}]},
        "workgroup": {"shared": [{"workgroup": lake.outputs["athena"]["workgroup"], "database": database}]},
        "KMS key": {
            "shared": [
                {**_key(lake, arn), "own_role": principal.role_arn} for arn in dict.fromkeys(lake.keys.values())
            ]
        },
        "its own role": {"own": [_role(principal.role_arn)]},
        "account": {"shared": [{"own_role": principal.role_arn}]},
    }
