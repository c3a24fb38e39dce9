"""A gateway's messages stay in order where it matters: which settings were in force when."""

from __future__ import annotations

from factory_lake.conformance import data_streams
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_RECORDS = 20


def _run(context: Context) -> None:
    kinesis, name = context.client("kinesis"), context.shared(data_streams.data_stream)
    numbers, shards = list[str](), set[str]()
    for at in range(_RECORDS):
        put = kinesis.put_record(StreamName=name, Data=f"kinesis_order {at}".encode(), PartitionKey="order")
        numbers.append(put["SequenceNumber"])
        shards.add(put["ShardId"])
    if len(shards) != 1:
        raise Differs(f"records of one partition key are in {len(shards)} shards")
    if [*map(int, numbers)] != sorted({*map(int, numbers)}):
        raise Differs("sequence numbers of records that were put one after the other do not grow")

    def found() -> list[str] | None:
        read = [
            one["SequenceNumber"] for one in data_streams.records(context, name) if one["SequenceNumber"] in numbers
        ]
        return read if len(read) >= _RECORDS else None

    read = context.until(found, 60, "the records")
    if read != numbers:
        raise Differs("records of one partition key are read in another order than they were put")


PROBE = Probe(
    name="kinesis_order",
    belief="Records of one partition key, put one after the other, have growing sequence numbers and are read so.",
    relied_on=("lambda_src/transform/put_back.py", "factory_lake/redrive/datastream.py"),
    source="Amazon Kinesis Data Streams developer guide, Sequence number",
    usd=0.004,
    run=_run,
)
