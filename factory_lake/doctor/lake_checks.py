"""Whether a lake can be applied: each check takes the plan and the account, and gives findings. Pure."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from factory_lake.doctor.account import Account, Room
from factory_lake.doctor.environment import Environment
from factory_lake.doctor.model import CANNOT_TELL, CAUSE, OK, Finding, Known, Unknown, listed
from factory_lake.gateway.identities import LANES
from factory_lake.sizing import modules, quotas

PAGE = "docs/deploy.md"
_STATES = f"{PAGE}#once-per-account-a-bucket-for-the-states"
_APPLY = f"{PAGE}#first-apply"
_NAMES: Mapping[str, str] = {
    "executions": "Lambda: executions that are reserved",
    "on-demand streams": "Kinesis: on-demand data streams",
    "shards": "Kinesis: provisioned shards",
    "delivery streams": "Firehose: delivery streams",
    "topic rules": "IoT Core: topic rules",
    "alarms": "CloudWatch: Metrics Insights alarms",
    "video streams": "Kinesis Video Streams: streams",
    "schedule rules": "EventBridge: rules of the default bus",
    "roles": "IAM: roles",
}


def diagnose(environment: Environment, account: Account) -> tuple[Finding, ...]:
    """All findings, in the order in which they are to be mended."""
    return (
        terraform(environment, account),
        credentials(environment, account),
        state(account),
        packages(environment),
        requests(environment),
        lakes(environment, account),
        names(account),
        *quota_findings(environment, account),
    )


def terraform(environment: Environment, account: Account) -> Finding:
    """Whether the Terraform on the PATH is new enough."""
    if isinstance(account.terraform, Unknown):
        return _finding("terraform", CAUSE, _sentence(account.terraform.reason), _APPLY)
    wanted = re.fullmatch(r">= *([\d.]+)", environment.terraform)
    if wanted and _version(account.terraform) < _version(wanted[1]):
        text = f"Terraform must be {environment.terraform}, got {account.terraform}."
        return _finding("terraform", CAUSE, text, _APPLY)
    return _finding("terraform", OK, f"Terraform is {account.terraform}.", _APPLY)


def credentials(environment: Environment, account: Account) -> Finding:
    """Whether the credentials are those of the lake's account, in its region."""
    if environment.account and environment.account != account.account:
        text = f"The credentials are of account {account.account}, and account_id is {environment.account}."
        return _finding("credentials", CAUSE, text, _APPLY)
    return _finding(
        "credentials", OK, f"The credentials are of account {account.account}, region {account.region}.", _APPLY
    )


def state(account: Account) -> Finding:
    """Whether the bucket of the state is there, and keeps versions."""
    known = account.state
    if isinstance(known, Unknown):
        return _finding("state", CANNOT_TELL, f"The bucket of the state is unknown: {known.reason}.", _STATES)
    if known == "missing":
        return _finding("state", CAUSE, "The bucket of the state is not there, or is another account's.", _STATES)
    if known == "unversioned":
        return _finding("state", CAUSE, "The bucket of the state keeps no versions.", _STATES)
    text = "The bucket of the state is there, and keeps versions." if known else "The state is kept in a file."
    return _finding("state", OK, text, _STATES)


def packages(environment: Environment) -> Finding:
    """Whether the functions' packages are there, with the digests of their release."""
    for name, problem in environment.packages.items():
        if problem:
            text = f"The package {name} {problem}; `make package` builds it."
            return _finding("packages", CAUSE, text, _APPLY, [f"{environment.packages_dir}/{name}"])
    return _finding("packages", OK, "The packages of the functions are there.", _APPLY)


def requests(environment: Environment) -> Finding:
    """Whether each identity has a request, and each request an identity."""
    mend = "docs/gateways.md#put-a-gateway-into-service"
    for one in environment.requests:
        if one.problem:
            text = f"A request of {one.client_id} {one.problem}."
            return _finding("requests", CAUSE, text, mend, [one.file])
    if isinstance(environment.factories, Unknown):
        return _finding("requests", CANNOT_TELL, _sentence(environment.factories.reason), mend)
    wanted = set(environment.client_ids)
    there = {one.client_id for one in environment.requests}
    if missing := sorted(wanted - there):
        text = f"{len(missing)} of {len(wanted)} client IDs have no certificate signing request."
        return _finding("requests", CAUSE, text, mend, [f"{environment.csr_dir}/{one}/*.pem" for one in missing])
    if strangers := sorted(there - wanted):
        text = f"Requests are of no gateway of the plan: {listed(strangers)}."
        return _finding("requests", CAUSE, text, mend, [f"{environment.csr_dir}/{one}" for one in strangers])
    return _finding("requests", OK, f"Each of the {len(wanted)} client IDs has a request.", mend)


def lakes(environment: Environment, account: Account) -> Finding:
    """Whether the account and region hold no other lake."""
    mend = f"{PAGE}#one-lake-an-account-and-region"
    if isinstance(account.lakes, Unknown):
        return _finding("lakes", CANNOT_TELL, _sentence(account.lakes.reason), mend)
    if others := [one for one in account.lakes if one != environment.name]:
        text = f"One account and region hold one lake, and {listed(others)} is there already."
        return _finding("lakes", CAUSE, text, mend)
    return _finding("lakes", OK, "The account and region hold no other lake.", mend)


def names(account: Account) -> Finding:
    """Whether the names of buckets and streams are free."""
    mend = "docs/changes.md#when-a-creation-fails-half-way"
    taken = [name for name, state in account.buckets.items() if state == "taken"]
    if taken:
        text = f"Another account has the bucket {taken[0]}: give the lake a `suffix`."
        return _finding("names", CAUSE, text, mend, taken)
    own = [name for name, state in account.buckets.items() if state == "own"]
    own += [] if isinstance(account.streams, Unknown) else account.streams
    if own:
        text = f"{own[0]} is there already: the lake was applied before, or an apply failed half-way."
        return _finding("names", CAUSE, text, mend, own)
    unknown = [one for one in (*account.buckets.values(), account.streams) if isinstance(one, Unknown)]
    if unknown:
        return _finding("names", CANNOT_TELL, _sentence(unknown[0].reason), mend)
    return _finding("names", OK, "The names of buckets and streams are free.", mend)


def quota_findings(environment: Environment, account: Account) -> Iterator[Finding]:
    """Whether each quota has room for the plan."""
    mend = "docs/capacity.md#the-account"
    if isinstance(environment.factories, Unknown):
        yield _finding("quotas", CANNOT_TELL, _sentence(environment.factories.reason), mend)
        return
    for name, need in needs(environment.factories).items():
        yield _quota(name, need, account.rooms.get(name, Unknown(f"{name} were not asked for")), mend)


def _quota(name: str, need: float, room: Known[Room], mend: str) -> Finding:
    check = f"quota of {name}"
    if isinstance(room, Unknown):
        return _finding(check, CANNOT_TELL, f"{_NAMES[name]}: {room.reason}.", mend)
    # Lambda keeps some executions that no function may reserve.
    kept = quotas.UNRESERVED if name == "executions" and need else 0
    text = f"{_NAMES[name]}: {need:g} needed, {room.used:g} of {room.limit:g} in use."
    if room.used + need + kept > room.limit:
        return _finding(check, CAUSE, f"{text} Have the quota raised (Service Quotas).", mend, [room.source])
    return _finding(check, OK, text, mend, [room.source])


def needs(factories: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """What the plan asks of each quota, as the modules make it; a test compares it with a plan."""
    total = dict.fromkeys(_NAMES, 0.0)
    for settings in factories.values():
        lanes = settings.get("lanes") or {}
        cameras = settings.get("cameras") or {}
        disabled = ((settings.get("alarms") or {}).get("messages") or {}).get("disabled") or []
        for lane in LANES:
            own = lanes.get(lane) or {}
            stream = own.get("stream") or {}
            total["on-demand streams" if stream.get("on_demand") else "shards"] += (
                1 if stream.get("on_demand") else float(stream.get("shards") or 1)
            )
            total["executions"] += float((own.get("transform") or {}).get("reserved_concurrency") or 0)
        total["delivery streams"] += len(LANES)
        total["topic rules"] += modules.LANE_RULES
        insights = {"rule-failed", "rule-quarantined", "rule-lost"} - set(disabled)
        total["alarms"] += len(LANES) * len(insights)
        total["roles"] += modules.LANES_ROLES + (modules.ARCHIVER_ROLES if cameras else 0)
        if (settings.get("connections") or {}).get("enabled", True):
            total["delivery streams"] += modules.CONNECTIONS_STREAMS
            total["topic rules"] += modules.GATEWAY_RULES * len(settings.get("gateways") or ())
            total["roles"] += modules.CONNECTIONS_ROLES
        if cameras:
            video = settings.get("video") or {}
            total["video streams"] += len(cameras)
            total["executions"] += float(video.get("reserved_concurrency") or 0)
            total["schedule rules"] += math.ceil(max(1, int(video.get("shards") or 1)) / modules.TARGETS_PER_RULE)
    return total


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}."


def _finding(check: str, verdict: Any, text: str, mend: str, evidence: Any = ()) -> Finding:
    return Finding(check, verdict, text, tuple(evidence), mend)
