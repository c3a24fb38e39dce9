"""A first apply that fails between a creation and its next call, and the way on in docs/changes.md."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from factory_lake.gateway.csr import make_csr
from factory_lake.gateway.identities import LANES, Source
from harness.changes.table import PAGE
from harness.lake import Terraform, TerraformError
from harness.lake.roots import make_root
from harness.lake.terraform import REPOSITORY
from localcloud import LocalCloud
from tests.support.factories import NO_ALARMS

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(900)]

# The names that the page uses, so that its commands run word for word.
NAME, ACCOUNT, FACTORY, GATEWAY = "factory-lake-prod", "444455556666", "lyon", "press-shop"
BUCKET = 'module.lake.module.storage.aws_s3_bucket.lake["{}"]'
CAMERA = f'module.lake.module.video_archiver["{FACTORY}"].aws_kinesis_video_stream.camera["{{}}"]'
_PIPELINE = f'module.lake.module.factory_pipeline["{FACTORY}"]'
DATA_STREAM = f'{_PIPELINE}.aws_kinesis_stream.lane["{{}}"]'
DELIVERY = f'{_PIPELINE}.aws_kinesis_firehose_delivery_stream.lane["{{}}"]'
_PACKAGES = REPOSITORY / "modules" / "lake" / "tests" / "testdata" / "packages"
_PREVENTED = re.compile(r"Resource (\S+) has lifecycle.prevent_destroy")
# A call of the AWS CLI inside a command.
_CLI_CALL = re.compile(
    r"\$\(aws (kinesisvideo|firehose) describe-\S+ --\S+-name (\S+) +--query (\w+)\.(\w+) --output text\)"
)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    """An empty account."""
    with LocalCloud.start(tmp_path / "cloud") as started:
        yield started


@pytest.fixture
def root(cloud: LocalCloud, tmp_path: Path) -> Iterator[Terraform]:
    """A lake that keeps what it has, with one factory and without what only costs time here."""
    for lane in LANES:
        make_csr(Source(FACTORY, GATEWAY, lane).client_id, "first", tmp_path / "csr", tmp_path / "keys")
    inputs = {
        "name": NAME,
        "suffix": ACCOUNT,
        "csr_dir": str(tmp_path / "csr"),
        "packages_dir": str(_PACKAGES),
        "dashboards": False,
        "factories": {
            FACTORY: {
                "gateways": [GATEWAY],
                "cameras": {"press-1": {}, "press-2": {}},
                **NO_ALARMS,
            }
        },
    }
    folder = make_root(tmp_path / "root", {"lake": inputs})
    terraform = Terraform(folder, tmp_path / "terraform", cloud.environment())
    terraform.init()
    provider = terraform.start_provider()
    try:
        yield terraform.with_provider(provider)
    finally:
        provider.stop()


def test_what_was_made_half_way_is_kept_and_set_up_by_the_documented_commands(
    root: Terraform, cloud: LocalCloud
) -> None:
    """Each apply gets as far as what it fails at lets it; nothing that was made is made again."""
    # The answers to these creations were lost: the state does not know of them.
    cloud.client("s3").create_bucket(
        Bucket=f"{NAME}-{ACCOUNT}-clips", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    cloud.client("kinesis").create_stream(StreamName=f"{NAME}-{FACTORY}-configuration", ShardCount=1)
    cloud.client("kinesisvideo").create_stream(
        StreamName=f"{NAME}_{FACTORY}_press-2", DataRetentionInHours=24, MediaType="video/h264"
    )

    # Of these, the call after the creation is refused, as for a role that lacks a permission.
    message = _failed(
        lambda: root.apply({}),
        cloud,
        ("s3", "PutBucketTagging", f"{NAME}-{ACCOUNT}-measurements"),
        ("kinesisvideo", "DescribeStream", f"{NAME}_{FACTORY}_press-1"),
    )
    assert "BucketAlreadyOwnedByYou" in message
    assert "ResourceInUseException" in message
    made = _creation_times(cloud)
    _untaint(root, {BUCKET.format("measurements"), CAMERA.format("press-1")})
    _import(root, cloud, BUCKET.format("clips"))
    _import(root, cloud, CAMERA.format("press-2"))

    message = _failed(
        lambda: root.apply({}), cloud, ("kinesis", "IncreaseStreamRetentionPeriod", f"{NAME}-{FACTORY}-measurements")
    )
    assert "ResourceInUseException" in message
    _untaint(root, {DATA_STREAM.format("measurements")})
    _import(root, cloud, DATA_STREAM.format("configuration"))

    root.apply({})
    kinesis = cloud.client("kinesis")
    for lane in LANES:
        stream = kinesis.describe_stream_summary(StreamName=f"{NAME}-{FACTORY}-{lane}")
        summary = stream["StreamDescriptionSummary"]
        assert (summary["RetentionPeriodHours"], summary["EncryptionType"]) == (72, "KMS")
    assert _creation_times(cloud).items() >= made.items()

    # The provider marks no delivery stream: until it has seen it active, the state does not know of it.
    delivery_stream = f"{NAME}-{FACTORY}-measurements"
    cloud.client("firehose").delete_delivery_stream(DeliveryStreamName=delivery_stream)
    root.changes({})
    _failed(root.apply_planned, cloud, ("firehose", "DescribeDeliveryStream", delivery_stream))
    with pytest.raises(TerraformError, match="ResourceInUseException"):
        root.apply({})
    _import(root, cloud, DELIVERY.format("measurements"))
    root.apply({})
    assert root.changes({}) == []


def _failed(apply: Callable[[], None], cloud: LocalCloud, *calls: tuple[str, str, str]) -> str:
    """Apply while these calls (service, operation, resource) are refused; return the message."""
    for service, operation, resource in calls:
        error = "AccessDenied" if service == "s3" else "AccessDeniedException"
        cloud.faults.add(service=service, operation=operation, resource=resource, error=error, times=None)
    with pytest.raises(TerraformError) as failed:
        apply()
    cloud.faults.clear()
    message = str(failed.value)
    assert message.count("Injected fault") == len(calls), message
    return message


def _untaint(root: Terraform, prevented: set[str]) -> None:
    """A plan is refused for the sake of these addresses; the documented commands take their marks away."""
    assert _prevented(root) == prevented
    documented = {address for (address,) in _commands("untaint")}
    for address in prevented:
        assert address in documented
        root.run("untaint", address)


def _import(root: Terraform, cloud: LocalCloud, address: str) -> None:
    """Run the documented command that imports an address, with a client in place of the AWS CLI."""
    (identifier,) = [identifier for documented, identifier in _commands("import") if documented == address]
    if (call := _CLI_CALL.fullmatch(identifier)) is not None:
        service, name, member, arn = call.groups()
        client = cloud.client(service)
        answer = (
            client.describe_stream(StreamName=name)
            if service == "kinesisvideo"
            else client.describe_delivery_stream(DeliveryStreamName=name)
        )
        identifier = answer[member][arn]
    root.run("import", "-input=false", address, identifier)


def _creation_times(cloud: LocalCloud) -> dict[str, Any]:
    """When each bucket, data stream and video stream was made."""
    buckets = cloud.client("s3").list_buckets()["Buckets"]
    videos = cloud.client("kinesisvideo").list_streams()["StreamInfoList"]
    streams = cloud.client("kinesis").list_streams()["StreamSummaries"]
    return {
        **{bucket["Name"]: bucket["CreationDate"] for bucket in buckets},
        **{video["StreamName"]: video["CreationTime"] for video in videos},
        **{stream["StreamName"]: stream["StreamCreationTimestamp"] for stream in streams},
    }


def _prevented(root: Terraform) -> set[str]:
    """Addresses for whose sake a plan is refused."""
    found = [
        _PREVENTED.search(event["diagnostic"]["detail"])
        for event in root.plan_events()
        if event["type"] == "diagnostic" and event["diagnostic"]["severity"] == "error"
    ]
    return {match[1] for match in found if match is not None}


def _commands(action: str) -> list[list[str]]:
    """Arguments of the section's `terraform` commands of one kind."""
    text = PAGE.read_text(encoding="utf-8").split("\n## When a creation fails half-way\n")[1]
    lines = re.findall(rf"^ *terraform {action} (.+)$", text.split("\n## ")[0].replace("\\\n", " "), re.MULTILINE)
    return [shlex.split(line) for line in lines]
