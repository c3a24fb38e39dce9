"""What the account and its region have, and what their quotas leave: asked of AWS before the first apply."""

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from factory_lake.doctor.environment import Environment
from factory_lake.doctor.gathering import Deadline, code_of, gather, within
from factory_lake.doctor.model import Known, Unknown
from factory_lake.gateway.identities import LANES
from factory_lake.sizing import quotas

_TERRAFORM_SECONDS = 20
_PAGES = 20
LAKES_PATH = "/factory-lake/lakes/"
BUCKETS = (*LANES, "clips")


@dataclass(frozen=True)
class Room:
    """A quota.

    Attributes:
        used: How much of it is in use.
        limit: The account's, or AWS's default.
        source: Where the limit comes from, in words.
    """

    used: float
    limit: float
    source: str


@dataclass(frozen=True)
class Account:
    """What is there.

    Attributes:
        account: ID of the account that the credentials are of.
        region: The region in use.
        terraform: Version of the Terraform on the PATH.
        rooms: Quotas by their name in `needs`.
        buckets: Of each bucket of the lake: `free`, `own` or `taken`.
        streams: Names of the lake's data streams and delivery streams that are there.
        lakes: Names of the lakes that the account and region have.
        state: Of the state's bucket: `versioned`, `unversioned`, `missing`, or empty where it is none.
    """

    account: str
    region: str
    terraform: Known[str]
    rooms: Mapping[str, Known[Room]]
    buckets: Mapping[str, Known[str]]
    streams: Known[tuple[str, ...]]
    lakes: Known[tuple[str, ...]]
    state: Known[str]


def look(clients: Any, environment: Environment, deadline: Deadline) -> Account:
    """Ask everything side by side, within a time.

    Raises:
        AwsError: No region is set, or AWS gives no answer in time.
        botocore.exceptions.BotoCoreError: There are no credentials, or no answer.
        botocore.exceptions.ClientError: The credentials are not good.
    """
    sts = clients.client("sts")
    account = str(within(deadline, "AWS STS's answer", sts.get_caller_identity)["Account"])
    names = [f"{environment.name}-{environment.suffix or account}-{bucket}" for bucket in BUCKETS]
    s3 = clients.client("s3")
    questions: dict[str, Callable[[], Any]] = {
        "terraform": _terraform,
        "streams": lambda: _streams(clients, environment),
        "lakes": lambda: _lakes(clients.client("ssm")),
        "state": lambda: _state(s3, environment.backend),
        **{f"room {name}": partial(ask, clients) for name, ask in _ROOMS.items()},
        **{f"bucket {name}": partial(_bucket, s3, name) for name in names},
    }
    found = gather(questions, deadline)
    return Account(
        account=account,
        region=clients.region or "",
        terraform=found["terraform"],
        rooms={name: found[f"room {name}"] for name in _ROOMS},
        buckets={name: found[f"bucket {name}"] for name in names},
        streams=found["streams"],
        lakes=found["lakes"],
        state=found["state"],
    )


def _terraform() -> Known[str]:
    try:
        done = subprocess.run(
            ["terraform", "version", "-json"], capture_output=True, text=True, check=True, timeout=_TERRAFORM_SECONDS
        )
        return str(json.loads(done.stdout)["terraform_version"])
    except FileNotFoundError:
        return Unknown("terraform is not on the PATH")
    except (subprocess.SubprocessError, ValueError, KeyError) as error:
        return Unknown(f"`terraform version` does not work ({type(error).__name__})")


def _streams(clients: Any, environment: Environment) -> tuple[str, ...]:
    prefix = f"{environment.name}-"
    data = _paged(clients.client("kinesis"), "list_streams", "StreamNames")
    delivery = _delivery_streams(clients.client("firehose"))
    return tuple(sorted({name for name in [*data, *delivery] if str(name).startswith(prefix)}))


def _lakes(ssm: Any) -> tuple[str, ...]:
    found = ssm.get_parameters_by_path(Path=LAKES_PATH)["Parameters"]
    return tuple(sorted(str(one["Name"]).rpartition("/")[2] for one in found))


def _bucket(s3: Any, name: str) -> str:
    try:
        s3.head_bucket(Bucket=name)
    except ClientError as error:
        if code_of(error) in ("404", "NoSuchBucket", "NotFound"):
            return "free"
        if code_of(error) in ("403", "AccessDenied", "Forbidden"):
            return "taken"
        raise
    return "own"


def _state(s3: Any, bucket: Known[str]) -> Known[str]:
    if isinstance(bucket, Unknown) or not bucket:
        return bucket
    if _bucket(s3, bucket) != "own":
        return "missing"
    return "versioned" if s3.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled" else "unversioned"


def _paged(client: Any, operation: str, key: str, **arguments: Any) -> list[Any]:
    found: list[Any] = []
    for number, page in enumerate(client.get_paginator(operation).paginate(**arguments), start=1):
        found += page[key]
        if number == _PAGES:
            break
    return found


def _delivery_streams(firehose: Any) -> list[str]:
    found: list[str] = []
    more: dict[str, str] = {}
    for _ in range(_PAGES):
        page = firehose.list_delivery_streams(Limit=100, **more)
        found += page["DeliveryStreamNames"]
        if not page["HasMoreDeliveryStreams"]:
            break
        more = {"ExclusiveStartDeliveryStreamName": found[-1]}
    return found


def _executions(clients: Any) -> Room:
    limits = clients.client("lambda").get_account_settings()["AccountLimit"]
    quota = float(limits["ConcurrentExecutions"])
    return Room(quota - float(limits["UnreservedConcurrentExecutions"]), quota, "Lambda GetAccountSettings")


def _on_demand(clients: Any) -> Room:
    limits = clients.client("kinesis").describe_limits()
    return Room(
        float(limits["OnDemandStreamCount"]), float(limits["OnDemandStreamCountLimit"]), "Kinesis DescribeLimits"
    )


def _shards(clients: Any) -> Room:
    limits = clients.client("kinesis").describe_limits()
    return Room(float(limits["OpenShardCount"]), float(limits["ShardLimit"]), "Kinesis DescribeLimits")


def _roles(clients: Any) -> Room:
    summary = clients.client("iam").get_account_summary()["SummaryMap"]
    limit = float(summary.get("RolesQuota", quotas.ROLES))
    return Room(float(summary.get("Roles", 0)), limit, "IAM GetAccountSummary")


def _listed(service: str, operation: str, key: str, quota_service: str, words: str, default: float) -> Any:
    """A quota of which AWS tells no use: what exists is counted."""

    def room(clients: Any) -> Room:
        client = clients.client(service)
        used = _delivery_streams(client) if service == "firehose" else _paged(client, operation, key)
        return _limited(clients, len(used), quota_service, words, default)

    return room


def _limited(clients: Any, used: float, service: str, words: str, default: float) -> Room:
    """The account's own quota by its name, or AWS's default where Service Quotas does not tell."""
    try:
        every = _paged(clients.client("service-quotas"), "list_service_quotas", "Quotas", ServiceCode=service)
    except ClientError:
        every = []
    for quota in every:
        if words.lower() in str(quota.get("QuotaName", "")).lower():
            return Room(used, float(quota["Value"]), f"Service Quotas, {quota['QuotaName']}")
    return Room(used, default, "AWS's default")


_ROOMS: Mapping[str, Callable[[Any], Room]] = {
    "executions": _executions,
    "on-demand streams": _on_demand,
    "shards": _shards,
    "delivery streams": _listed("firehose", "", "", "firehose", "delivery streams", quotas.DELIVERY_STREAMS),
    "topic rules": _listed(
        "iot", "list_topic_rules", "rules", "iotcore", "maximum number of rules", quotas.TOPIC_RULES
    ),
    "alarms": lambda clients: _limited(
        clients,
        sum(
            any(" FROM " in str(metric.get("Expression", "")) for metric in one.get("Metrics", []))
            for one in _paged(clients.client("cloudwatch"), "describe_alarms", "MetricAlarms")
        ),
        "monitoring",
        "metrics insights alarms",
        quotas.INSIGHT_ALARMS,
    ),
    "video streams": _listed(
        "kinesisvideo", "list_streams", "StreamInfoList", "kinesisvideo", "number of streams", quotas.VIDEO_STREAMS
    ),
    "schedule rules": _listed("events", "list_rules", "Rules", "events", "number of rules", quotas.SCHEDULE_RULES),
    "roles": _roles,
}
