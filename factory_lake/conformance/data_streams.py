"""A data stream that probes share."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from factory_lake.conformance.context import Context

# A shard is read five times a second, and several probes read this one.
_BUSY = ("ProvisionedThroughputExceededException",)


def data_stream(context: Context) -> str:
    """One data stream for all probes that need no other; each tells its records by their data. Its name."""
    return make_data_stream(context, "records")


def make_data_stream(context: Context, of: str) -> str:
    """A provisioned data stream with one shard, ACTIVE. Its name."""
    name = context.made("data_stream", context.name(of))
    kinesis = context.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1, Tags=context.tags)
    context.until(
        lambda: (
            kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"
        ),
        180,
        "the data stream to be ACTIVE",
    )
    return name


def records(context: Context, name: str, moment: datetime | None = None) -> list[Any]:
    """What a data stream holds now, shard after shard, from a moment on or from the beginning."""
    kinesis, found = context.client("kinesis"), list[Any]()
    start: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
    if moment is not None:
        start = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": moment}
    for shard in kinesis.list_shards(StreamName=name)["Shards"]:
        iterator = kinesis.get_shard_iterator(StreamName=name, ShardId=shard["ShardId"], **start)["ShardIterator"]
        while iterator:
            answer = context.eventually(partial(kinesis.get_records, ShardIterator=iterator), _BUSY, 60, "a read")
            found += answer["Records"]
            iterator = answer.get("NextShardIterator") if answer.get("MillisBehindLatest") else None
    return found
