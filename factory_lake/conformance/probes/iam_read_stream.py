"""Who redrives a lane may read its data stream alone."""

from __future__ import annotations

from functools import partial

from factory_lake.conformance import data_streams, setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe


def _run(context: Context) -> None:
    name, kinesis = context.shared(data_streams.data_stream), context.client("kinesis")
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    shard = kinesis.list_shards(StreamName=name)["Shards"][0]["ShardId"]
    actions = ["kinesis:GetRecords", "kinesis:GetShardIterator"]
    _, credentials = setups.assumed(context, "reader", {"Action": actions, "Resource": arn})
    reader = context.client_as("kinesis", credentials)
    ask = partial(reader.get_shard_iterator, StreamName=name, ShardId=shard, ShardIteratorType="LATEST")
    iterator = setups.with_role(context, ask, "the new role's permissions to take effect")["ShardIterator"]
    read = partial(reader.get_records, StreamARN=arn, ShardIterator=iterator)
    context.eventually(read, ("ProvisionedThroughputExceededException",), 60, "a read")
    found = setups.refusal(partial(reader.put_record, StreamName=name, Data=b"", PartitionKey="a"))
    if found != "AccessDeniedException":
        raise Differs(f"a role that may read a stream puts a record: {found or 'allowed'}")


PROBE = Probe(
    name="iam_read_stream",
    belief="A role with GetRecords on one stream's ARN reads it by an iterator and the ARN, and puts nothing.",
    relied_on=("factory_lake/redrive/datastream.py", "factory_lake/redrive/permissions.py"),
    source="Amazon Kinesis Data Streams API reference, GetRecords",
    usd=0.004,
    run=_run,
)
