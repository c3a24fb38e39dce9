"""Samples are put back in calls of 500 records, whose answer tells of each by its place."""

from __future__ import annotations

from botocore.exceptions import ClientError

from factory_lake.conformance import data_streams
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_MOST = 500


def _run(context: Context) -> None:
    kinesis, name = context.client("kinesis"), context.shared(data_streams.data_stream)
    entries = [{"Data": f"kinesis_batch {at}".encode(), "PartitionKey": f"batch/{at}"} for at in range(_MOST + 1)]
    try:
        kinesis.put_records(StreamName=name, Records=entries)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise Differs(f"{_MOST + 1} records are refused with {error.response['Error']['Code']}") from error
    else:
        raise Differs(f"a call with {_MOST + 1} records is taken")
    answer = kinesis.put_records(StreamName=name, Records=entries[:_MOST])
    if len(answer["Records"]) != _MOST:
        raise Differs(f"the answer to {_MOST} records tells of {len(answer['Records'])}")
    failed = [one for one in answer["Records"] if one.get("ErrorCode")]
    if answer["FailedRecordCount"] != len(failed):
        raise Differs(f"FailedRecordCount is {answer['FailedRecordCount']} where {len(failed)} have an ErrorCode")
    wanted = {
        one["SequenceNumber"]: entry["Data"]
        for one, entry in zip(answer["Records"], entries, strict=False)
        if "SequenceNumber" in one
    }

    def found() -> dict[str, bytes] | None:
        read = {one["SequenceNumber"]: one["Data"] for one in data_streams.records(context, name)}
        return read if wanted.keys() <= read.keys() else None

    read = context.until(found, 60, "the records")
    moved = [number for number in wanted if read[number] != wanted[number]]
    if moved:
        raise Differs(f"{len(moved)} of the answer's places are those of other records")


PROBE = Probe(
    name="kinesis_batch",
    belief="PutRecords takes 500 records and no more; its answer tells of each at the record's own place.",
    relied_on=("lambda_src/transform/put_back.py", "factory_lake/redrive/sender.py"),
    source="Amazon Kinesis Data Streams API reference, PutRecords",
    usd=0.004,
    run=_run,
)
