"""What must be denied is tried and denied; what must work is tried beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e.plant import Factory, sample
from tests.localcloud.iot.devices import Device, connection
from tools.demo.messages import connections
from tools.gateway.identities import Source
from tools.lake import LocalLake

OWN, FOREIGN = "krakow", "lyon"


@pytest.fixture
def device(lake: LocalLake, tmp_path: Path) -> Device:
    """The measurements identity of krakow's first gateway."""
    identity = connections(lake).identity(Source(OWN, "line-1", "measurements"))
    certificate = tmp_path / "certificate.pem"
    certificate.write_text(identity.certificate)
    return Device("", "", certificate, identity.key_file)


def test_a_gateway_connects_and_publishes_as_itself(
    lake: LocalLake, factory: Callable[[str], Factory], device: Device
) -> None:
    # Onto a topic that no rule reads would prove less, so the message is written in the journal first.
    factory(OWN).send([sample()])
    with connection(lake.cloud, device, "krakow-line-1-measurements") as mine:
        assert mine.accepted.is_set()


@pytest.mark.parametrize(
    "client_id",
    ["krakow-line-1-configuration", "krakow-line-2-measurements", "lyon-press-shop-measurements", "x"],
)
def test_a_foreign_client_id_is_refused_at_connect(lake: LocalLake, device: Device, client_id: str) -> None:
    with connection(lake.cloud, device, client_id) as foreign:
        assert not foreign.accepted.is_set()


@pytest.mark.parametrize(
    "topic",
    [
        "factories/krakow/line-1/configuration",
        "factories/krakow/line-2/measurements",
        "factories/lyon/press-shop/measurements",
        "factories/krakow/line-1/measurements/more",
    ],
)
def test_a_foreign_topic_is_refused_at_publish(lake: LocalLake, device: Device, topic: str) -> None:
    with connection(lake.cloud, device, "krakow-line-1-measurements") as mine:
        assert mine.accepted.is_set()
        assert not mine.publish(topic, sample())


def test_the_delivery_role_writes_below_its_own_factory_alone(
    lake: LocalLake, factory: Callable[[str], Factory]
) -> None:
    s3 = lake.cloud.client("s3", factory(OWN).role("delivery"))
    bucket = lake.outputs["buckets"]["measurements"]
    for prefix in (f"factory={OWN}/probe", f"errors/factory={OWN}/measurements/probe"):
        s3.put_object(Bucket=bucket, Key=prefix, Body=b"")
        lake.cloud.client("s3").delete_object(Bucket=bucket, Key=prefix)
    for key in (f"factory={FOREIGN}/x", f"errors/factory={FOREIGN}/measurements/x", "athena-results/x", "x"):
        _denied(s3.put_object, Bucket=bucket, Key=key, Body=b"")
    for other in ("configuration", "clips"):
        _denied(s3.put_object, Bucket=lake.outputs["buckets"][other], Key=f"factory={OWN}/x", Body=b"")
    _denied(s3.delete_object, Bucket=bucket, Key=f"factory={OWN}/x")


def test_the_delivery_role_reads_and_invokes_its_own_lane_alone(
    lake: LocalLake, factory: Callable[[str], Factory]
) -> None:
    role = factory(OWN).role("delivery")
    kinesis, functions = lake.cloud.client("kinesis", role), lake.cloud.client("lambda", role)
    streams, transforms = lake.outputs["data_streams"], lake.outputs["transform_functions"]

    assert kinesis.list_shards(StreamName=streams[OWN]["measurements"])["Shards"]
    _denied(kinesis.list_shards, StreamName=streams[FOREIGN]["measurements"])
    _denied(kinesis.list_shards, StreamName=streams[OWN]["configuration"])
    _denied(kinesis.put_record, StreamName=streams[OWN]["measurements"], Data=b"x", PartitionKey="x")
    _denied(functions.invoke, FunctionName=transforms[FOREIGN]["measurements"], Payload=b"{}")
    _denied(functions.invoke, FunctionName=transforms[OWN]["configuration"], Payload=b"{}")


def test_the_rule_role_reaches_its_own_stream_and_errors_alone(
    lake: LocalLake, factory: Callable[[str], Factory]
) -> None:
    role = factory(OWN).role("rule")
    s3, kinesis = lake.cloud.client("s3", role), lake.cloud.client("kinesis", role)
    bucket, streams = lake.outputs["buckets"]["measurements"], lake.outputs["data_streams"]
    own = f"errors/factory={OWN}/measurements/iot-rule/probe"

    s3.put_object(Bucket=bucket, Key=own, Body=b"")
    lake.cloud.client("s3").delete_object(Bucket=bucket, Key=own)
    for key in (f"errors/factory={FOREIGN}/measurements/iot-rule/x", f"factory={OWN}/x"):
        _denied(s3.put_object, Bucket=bucket, Key=key, Body=b"")
    for stream in (streams[FOREIGN]["measurements"], streams[OWN]["configuration"]):
        _denied(kinesis.put_record, StreamName=stream, Data=b"x", PartitionKey="x")
    _denied(kinesis.list_shards, StreamName=streams[OWN]["measurements"])


def test_the_transform_role_reaches_no_data(lake: LocalLake, factory: Callable[[str], Factory]) -> None:
    role = factory(OWN).role("transform")
    s3, kinesis = lake.cloud.client("s3", role), lake.cloud.client("kinesis", role)

    _denied(s3.list_objects_v2, Bucket=lake.outputs["buckets"]["measurements"])
    _denied(s3.put_object, Bucket=lake.outputs["buckets"]["measurements"], Key=f"factory={OWN}/x", Body=b"")
    _denied(kinesis.list_shards, StreamName=lake.outputs["data_streams"][OWN]["measurements"])


def test_no_service_gets_a_role_for_a_foreign_resource(lake: LocalLake) -> None:
    wanted = {
        "role_arn": lake.outputs["roles"][OWN]["measurements"]["delivery"],
        "service": "firehose.amazonaws.com",
        "source_arn": f"arn:aws:firehose:{lake.cloud.region}:999999999999:deliverystream/other",
    }
    with pytest.raises(Exception, match="not authorized to perform: sts:AssumeRole"):
        lake.cloud.control("POST", "service-credentials", wanted)


def _denied(call: Callable[..., Any], **arguments: object) -> None:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException"), arguments
