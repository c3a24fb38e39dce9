"""A redrive of a range reads each shard from a moment on, given in whole seconds."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from factory_lake.conformance import data_streams
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe


def _run(context: Context) -> None:
    kinesis, name = context.client("kinesis"), context.shared(data_streams.data_stream)

    def put(data: bytes) -> float:
        number = kinesis.put_record(StreamName=name, Data=data, PartitionKey="time")["SequenceNumber"]
        (arrived,) = context.until(
            lambda: [
                one["ApproximateArrivalTimestamp"].timestamp()
                for one in data_streams.records(context, name)
                if one["SequenceNumber"] == number
            ],
            60,
            "the record",
        )
        return float(arrived)

    before = put(b"kinesis_from_time before")
    # AWS's clock and this one need not agree, so the distance is one that is greater than a second in any case.
    context.until(lambda: time.time() > before + 2.5 or None, 30, "two seconds to pass")
    after = put(b"kinesis_from_time after")
    moment = datetime.fromtimestamp(int(after), UTC)
    found = {one["Data"] for one in data_streams.records(context, name, moment)}
    if b"kinesis_from_time after" not in found:
        raise Differs("a record is not read from the whole second of its arrival on")
    if b"kinesis_from_time before" in found:
        raise Differs("a record is read from a moment on that is more than a second behind its arrival")


PROBE = Probe(
    name="kinesis_from_time",
    belief="An iterator of AT_TIMESTAMP reads the records that arrived at that moment or later, and no others.",
    relied_on=("factory_lake/redrive/datastream.py",),
    source="Amazon Kinesis Data Streams API reference, GetShardIterator",
    usd=0.004,
    run=_run,
)
