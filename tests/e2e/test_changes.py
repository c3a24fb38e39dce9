"""Changes of a lake that runs, in this order: the last one leaves it with other factories."""

from __future__ import annotations

import json
from collections.abc import Callable

from harness.lake import LocalLake
from tests.e2e.plant import Factory, all_keys, rows, sample


def test_a_delivery_stream_is_replaced_without_a_message_skipped(
    lake: LocalLake, factory: Callable[[str], Factory]
) -> None:
    """Measurements go by the procedure; configuration does not wait, and shows what it is for."""
    nancy = factory("nancy")
    firehose = lake.cloud.client("firehose")
    streams = lake.outputs["delivery_streams"]["nancy"]

    # Pause: the gateway's last message is acknowledged. Drain: everything read is delivered.
    nancy.send([sample() for _ in range(5)])
    nancy.deliver()
    nancy.send([_update(number) for number in range(3)], "configuration")
    for name in streams.values():
        firehose.delete_delivery_stream(DeliveryStreamName=name)
    assert not set(streams.values()) & set(firehose.list_delivery_streams()["DeliveryStreamNames"])
    nancy.send([_update(number) for number in range(3, 6)], "configuration")

    changes = lake.changing()

    assert set(changes) == {
        (f'module.lake.module.factory_pipeline["nancy"].aws_kinesis_firehose_delivery_stream.lane["{lane}"]', "create")
        for lane in streams
    }
    nancy.send([sample() for _ in range(5)])
    nancy.send([_update(6)], "configuration")
    nancy.deliver()
    measurements, configuration = nancy.counts(), nancy.counts("configuration")
    assert (measurements.sent, measurements.delivered, measurements.lost) == (10, 10, 0)
    assert (configuration.sent, configuration.delivered, configuration.lost) == (7, 1, 6)


def _update(number: int) -> bytes:
    return json.dumps({"recipe": number}).encode()


def test_an_on_demand_stream_becomes_one_shard_in_two_applies_without_a_message_lost(
    lake: LocalLake, factory: Callable[[str], Factory]
) -> None:
    """Each step leaves messages in shards that it closes."""
    genoa = factory("genoa")
    before = genoa.counts().sent if any(genoa.journals.iterdir()) else 0
    stream = 'module.lake.module.factory_pipeline["genoa"].aws_kinesis_stream.unprotected["measurements"]'
    for settings in ({"shards": 2}, {}):
        genoa.send([sample() for _ in range(20)])
        applied = lake.variables["factories"]
        wanted = {**applied["genoa"], "lanes": {"measurements": {"stream": settings}}}
        assert set(lake.changing({**applied, "genoa": wanted})) == {(stream, "update")}
    genoa.send([sample() for _ in range(20)])
    genoa.deliver()

    counts = genoa.counts()
    assert (counts.sent - before, counts.delivered - before, counts.lost, counts.duplicated) == (60, 60, 0, 0)
    name = lake.outputs["data_streams"]["genoa"]["measurements"]
    summary = lake.cloud.client("kinesis").describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert (summary["StreamModeDetails"]["StreamMode"], summary["OpenShardCount"]) == ("PROVISIONED", 1)


def test_a_factory_added_and_one_removed_leave_the_others_untouched(
    lake: LocalLake, factory: Callable[[str], Factory]
) -> None:
    lyon = factory("lyon")
    lyon.send([sample(tagName="kept")])
    lyon.deliver()
    kept = "SELECT count(*) FROM measurements WHERE factory = 'lyon' AND tag_name = 'kept'"
    assert rows(lake, kept) == [(1,)]
    objects = sorted(all_keys(lake, "measurements", "factory=lyon/"))
    applied = lake.variables["factories"]
    wanted = {name: settings for name, settings in applied.items() if name != "lyon"}
    wanted["gdansk"] = {"gateways": ["dock"]}

    touched = {change.address for change in lake.changing(wanted, retired_factories=["lyon"])}

    for name in applied.keys() - {"lyon"}:
        assert not [address for address in touched if f'["{name}"]' in address]
    assert [address for address in touched if '["gdansk"]' in address]
    assert [address for address in touched if '["lyon"]' in address]
    assert sorted(all_keys(lake, "measurements", "factory=lyon/")) == objects
    assert rows(lake, kept) == [(1,)]
    left = lake.outputs["left_behind"]["lyon"]["data"]
    assert [prefix for prefix in left if _objects_below(lake, prefix)] == [
        f"s3://{lake.outputs['buckets']['measurements']}/factory=lyon/"
    ]
    gdansk = factory("gdansk")
    gdansk.send([sample()])
    gdansk.deliver()
    assert gdansk.reconcile().discrepancies == ()
    assert "lyon" not in lake.outputs["data_streams"]
    nancy = factory("nancy")
    before = nancy.counts().delivered if any(nancy.journals.iterdir()) else 0
    nancy.send([sample()])
    nancy.deliver()
    assert nancy.counts().delivered == before + 1


def _objects_below(lake: LocalLake, uri: str) -> int:
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    return int(lake.cloud.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)["KeyCount"])
