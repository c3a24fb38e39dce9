"""The envelope of a message travels in the partition key: when it arrived, and from which gateway."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from factory_lake.conformance import data_streams
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

#: 256 characters, some of several bytes.
_KEY = ("1772600000000/\u0142\u00f3d\u017a-1/" + "0123456789" * 26)[:256]


def _run(context: Context) -> None:
    kinesis, name = context.client("kinesis"), context.shared(data_streams.data_stream)
    put = kinesis.put_record(StreamName=name, Data=b"kinesis_keys", PartitionKey=_KEY)

    def found() -> list[Any]:
        return [one for one in data_streams.records(context, name) if one["SequenceNumber"] == put["SequenceNumber"]]

    (record,) = context.until(found, 60, "the record")
    if record["PartitionKey"] != _KEY or record["Data"] != b"kinesis_keys":
        raise Differs(f"a key of {len(_KEY)} characters is read as {record['PartitionKey']!r}")
    try:
        kinesis.put_record(StreamName=name, Data=b"", PartitionKey="x" * 257)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise Differs(f"a key of 257 characters is refused with {error.response['Error']['Code']}") from error
    else:
        raise Differs("a key of 257 characters is taken")


PROBE = Probe(
    name="kinesis_keys",
    belief="A partition key of 256 characters, not all ASCII, is read as it was put; one of 257 is refused.",
    relied_on=("modules/factory_pipeline/topic_rules.tf", "lambda_src/transform/envelope.py"),
    source="Amazon Kinesis Data Streams API reference, PutRecord",
    usd=0.004,
    run=_run,
)
