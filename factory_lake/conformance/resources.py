"""Each kind of resource that probes make: how it is deleted, and how those of the kit are found in an account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.x509.oid import NameOID

#: What the name of everything that the kit makes begins with; the run's ID follows.
PREFIX: Final = "factory-lake-conformance-"
#: The tag of what takes tags; its value is the run's ID.
TAG: Final = "factory-lake-conformance"

#: A resource is gone, or nearly: services answer so to a deletion that was made before.
_GONE: Final = frozenset(
    {
        "404",
        "EntityNotFoundException",
        "NoSuchBucket",
        "NoSuchEntity",
        "NotFoundException",
        "ResourceNotFound",
        "ResourceNotFoundException",
    }
)
_LEAVING: Final = frozenset({"DELETING", "DELETED"})
# A certificate has no name: those that were signed within this time are searched for the subject of a run's.
_CERTIFICATE_AGE: Final = timedelta(days=7)


class Reach(Protocol):
    """What makes clients of one account and region."""

    region: str

    def client(self, service: str) -> Any:
        """A boto3 client."""


@dataclass(frozen=True)
class Kind:
    """A kind of resource.

    Attributes:
        delete: Deletes one by its identifier, with what it holds.
        find: The identifiers of those whose names begin with a prefix. Those that are being deleted are not there.
    """

    delete: Callable[[Reach, str], None]
    find: Callable[[Reach, str], Iterable[str]]


def underscored(name: str) -> str:
    """A name where a hyphen cannot be."""
    return name.replace("-", "_")


def role_path(region: str) -> str:
    """The path of the roles of one region's runs: roles have no region of their own."""
    return f"/{TAG}/{region}/"


def delete(reach: Reach, kind: str, identifier: str) -> None:
    """Delete a resource; one that is not there is deleted.

    Raises:
        ClientError: When it cannot be deleted (yet).
    """
    try:
        KINDS[kind].delete(reach, identifier)
    except ClientError as error:
        details = error.response["Error"]
        # Athena has one code for everything that is wrong with a request.
        if details["Code"] not in _GONE and "not found" not in details.get("Message", ""):
            raise


def find(reach: Reach, kinds: Iterable[str], prefix: str) -> Iterator[tuple[str, str]]:
    """What is in the account, kind and identifier, in an order in which it can be deleted."""
    wanted = set(kinds)
    for kind, known in KINDS.items():
        if kind in wanted:
            yield from ((kind, identifier) for identifier in known.find(reach, prefix))


def _pages(client: Any, operation: str, member: str, **arguments: Any) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page.get(member) or ()


def _beginning(names: Iterable[str], prefix: str) -> list[str]:
    return [name for name in names if name.startswith(prefix)]


# --- IoT ---------------------------------------------------------------------------------------------------------


def _delete_iot_rule(reach: Reach, name: str) -> None:
    iot = reach.client("iot")
    try:
        iot.delete_topic_rule(ruleName=name)
    except iot.exceptions.UnauthorizedException:
        # IoT says so of a rule that does not exist as well.
        if name in _find_iot_rules(reach, name):
            raise


def _find_iot_rules(reach: Reach, prefix: str) -> list[str]:
    rules = _pages(reach.client("iot"), "list_topic_rules", "rules")
    return _beginning((rule["ruleName"] for rule in rules), underscored(prefix))


def _delete_iot_certificate(reach: Reach, subject: str) -> None:
    iot = reach.client("iot")
    for found, identifier, arn in _certificates(reach, subject):
        if found == subject:
            for policy in iot.list_attached_policies(target=arn)["policies"]:
                iot.detach_policy(policyName=policy["policyName"], target=arn)
            iot.update_certificate(certificateId=identifier, newStatus="INACTIVE")
            iot.delete_certificate(certificateId=identifier, forceDelete=True)


def _find_iot_certificates(reach: Reach, prefix: str) -> list[str]:
    return sorted({subject for subject, _, _ in _certificates(reach, prefix)})


def _certificates(reach: Reach, prefix: str) -> Iterator[tuple[str, str, str]]:
    """Subject, ID and ARN of the certificates whose common name begins so; newest first, the old ones left out."""
    iot = reach.client("iot")
    for one in _pages(iot, "list_certificates", "certificates", ascendingOrder=False):
        if datetime.now(UTC) - one["creationDate"] > _CERTIFICATE_AGE:
            return
        try:
            described = iot.describe_certificate(certificateId=one["certificateId"])["certificateDescription"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                continue
            raise
        names = x509.load_pem_x509_certificate(described["certificatePem"].encode()).subject
        common = [str(name.value) for name in names.get_attributes_for_oid(NameOID.COMMON_NAME)]
        if common and common[0].startswith(prefix):
            yield common[0], one["certificateId"], one["certificateArn"]


def _delete_iot_policy(reach: Reach, name: str) -> None:
    iot = reach.client("iot")
    for target in iot.list_targets_for_policy(policyName=name)["targets"]:
        iot.detach_policy(policyName=name, target=target)
    for version in iot.list_policy_versions(policyName=name)["policyVersions"]:
        if not version["isDefaultVersion"]:
            iot.delete_policy_version(policyName=name, policyVersionId=version["versionId"])
    iot.delete_policy(policyName=name)


def _find_iot_policies(reach: Reach, prefix: str) -> list[str]:
    policies = _pages(reach.client("iot"), "list_policies", "policies")
    return _beginning((policy["policyName"] for policy in policies), prefix)


# --- Streams -----------------------------------------------------------------------------------------------------


def _delete_delivery_stream(reach: Reach, name: str) -> None:
    reach.client("firehose").delete_delivery_stream(DeliveryStreamName=name, AllowForceDelete=True)


def _find_delivery_streams(reach: Reach, prefix: str) -> Iterator[str]:
    firehose = reach.client("firehose")
    start: dict[str, str] = {}
    while True:
        page = firehose.list_delivery_streams(Limit=100, **start)
        names = page["DeliveryStreamNames"]
        for name in _beginning(names, prefix):
            try:
                described = firehose.describe_delivery_stream(DeliveryStreamName=name)
            except ClientError as error:
                if error.response["Error"]["Code"] in _GONE:
                    continue
                raise
            if described["DeliveryStreamDescription"]["DeliveryStreamStatus"] not in _LEAVING:
                yield name
        if not page["HasMoreDeliveryStreams"] or not names:
            return
        start = {"ExclusiveStartDeliveryStreamName": names[-1]}


def _delete_data_stream(reach: Reach, name: str) -> None:
    reach.client("kinesis").delete_stream(StreamName=name, EnforceConsumerDeletion=True)


def _find_data_streams(reach: Reach, prefix: str) -> Iterator[str]:
    kinesis = reach.client("kinesis")
    for name in _beginning(_pages(kinesis, "list_streams", "StreamNames"), prefix):
        try:
            summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                continue
            raise
        if summary["StreamStatus"] not in _LEAVING:
            yield name


def _delete_video_stream(reach: Reach, name: str) -> None:
    video = reach.client("kinesisvideo")
    video.delete_stream(StreamARN=video.describe_stream(StreamName=name)["StreamInfo"]["StreamARN"])


def _find_video_streams(reach: Reach, prefix: str) -> list[str]:
    condition = {"ComparisonOperator": "BEGINS_WITH", "ComparisonValue": prefix}
    found = _pages(reach.client("kinesisvideo"), "list_streams", "StreamInfoList", StreamNameCondition=condition)
    return [one["StreamName"] for one in found if one["Status"] not in _LEAVING]


# --- Functions, schedules, metrics --------------------------------------------------------------------------------


def _delete_event_rule(reach: Reach, name: str) -> None:
    events = reach.client("events")
    targets = [target["Id"] for target in events.list_targets_by_rule(Rule=name)["Targets"]]
    if targets:
        events.remove_targets(Rule=name, Ids=targets)
    events.delete_rule(Name=name)


def _find_event_rules(reach: Reach, prefix: str) -> list[str]:
    return [rule["Name"] for rule in _pages(reach.client("events"), "list_rules", "Rules", NamePrefix=prefix)]


def _delete_function(reach: Reach, name: str) -> None:
    reach.client("lambda").delete_function(FunctionName=name)


def _find_functions(reach: Reach, prefix: str) -> list[str]:
    functions = _pages(reach.client("lambda"), "list_functions", "Functions")
    return _beginning((function["FunctionName"] for function in functions), prefix)


def _delete_alarm(reach: Reach, name: str) -> None:
    reach.client("cloudwatch").delete_alarms(AlarmNames=[name])


def _find_alarms(reach: Reach, prefix: str) -> list[str]:
    alarms = _pages(reach.client("cloudwatch"), "describe_alarms", "MetricAlarms", AlarmNamePrefix=prefix)
    return [alarm["AlarmName"] for alarm in alarms]


#: Where services put the log groups that the kit makes, or that they make for it.
_LOG_FOLDERS: Final = ("", "/", "/aws/lambda/", "/aws/kinesisfirehose/")


def _delete_log_group(reach: Reach, name: str) -> None:
    reach.client("logs").delete_log_group(logGroupName=name)


def _find_log_groups(reach: Reach, prefix: str) -> Iterator[str]:
    logs = reach.client("logs")
    for folder in _LOG_FOLDERS:
        groups = _pages(logs, "describe_log_groups", "logGroups", logGroupNamePrefix=f"{folder}{prefix}")
        yield from (group["logGroupName"] for group in groups)


# --- Catalog, queries, objects, roles -----------------------------------------------------------------------------


def _delete_database(reach: Reach, name: str) -> None:
    reach.client("glue").delete_database(Name=name)  # its tables go with it


def _find_databases(reach: Reach, prefix: str) -> list[str]:
    databases = _pages(reach.client("glue"), "get_databases", "DatabaseList")
    return _beginning((database["Name"] for database in databases), underscored(prefix))


def _delete_workgroup(reach: Reach, name: str) -> None:
    reach.client("athena").delete_work_group(WorkGroup=name, RecursiveDeleteOption=True)


def _find_workgroups(reach: Reach, prefix: str) -> list[str]:
    # boto3 has no paginator for it.
    athena, found = reach.client("athena"), list[str]()
    token: dict[str, str] = {}
    while True:
        page = athena.list_work_groups(MaxResults=50, **token)
        found += [group["Name"] for group in page["WorkGroups"]]
        if not page.get("NextToken"):
            return _beginning(found, prefix)
        token = {"NextToken": page["NextToken"]}


def _delete_bucket(reach: Reach, name: str) -> None:
    s3 = reach.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        versions = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if versions:
            objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in versions]
            s3.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})
    s3.delete_bucket(Bucket=name)


def _find_buckets(reach: Reach, prefix: str) -> list[str]:
    buckets = _pages(reach.client("s3"), "list_buckets", "Buckets", Prefix=prefix, BucketRegion=reach.region)
    return _beginning((bucket["Name"] for bucket in buckets), prefix)


def _delete_role(reach: Reach, name: str) -> None:
    iam = reach.client("iam")
    for policy in _pages(iam, "list_role_policies", "PolicyNames", RoleName=name):
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in _pages(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name):
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=name)


def _find_roles(reach: Reach, prefix: str) -> list[str]:
    roles = _pages(reach.client("iam"), "list_roles", "Roles", PathPrefix=role_path(reach.region))
    return _beginning((role["RoleName"] for role in roles), prefix)


#: In an order in which they can be deleted: what writes goes before what it writes into, and roles go last.
KINDS: Final[Mapping[str, Kind]] = {
    "iot_rule": Kind(_delete_iot_rule, _find_iot_rules),
    "iot_certificate": Kind(_delete_iot_certificate, _find_iot_certificates),
    "iot_policy": Kind(_delete_iot_policy, _find_iot_policies),
    "event_rule": Kind(_delete_event_rule, _find_event_rules),
    "delivery_stream": Kind(_delete_delivery_stream, _find_delivery_streams),
    "data_stream": Kind(_delete_data_stream, _find_data_streams),
    "video_stream": Kind(_delete_video_stream, _find_video_streams),
    "function": Kind(_delete_function, _find_functions),
    "alarm": Kind(_delete_alarm, _find_alarms),
    "log_group": Kind(_delete_log_group, _find_log_groups),
    "workgroup": Kind(_delete_workgroup, _find_workgroups),
    "database": Kind(_delete_database, _find_databases),
    "bucket": Kind(_delete_bucket, _find_buckets),
    "role": Kind(_delete_role, _find_roles),
}
