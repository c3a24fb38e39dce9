"""Set-ups of Firehose: delivery streams as the modules make them, which serve all probes that send something.

Three of them read one data stream, through one function that does what each record says (`commanded`):

    rows    dynamic partitioning and Parquet, as the measurements lane
    lines   dynamic partitioning, as the configuration lane
    large   as `lines`; what goes wrong with a whole batch goes wrong here

A probe's data lie below `delivered/<stream>/kind=<probe>/`. `direct` takes records that are put into it, as the
connections' delivery does.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from factory_lake.conformance import setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs
from factory_lake.conformance.streams import BucketReader
from factory_lake.conformance.topic_rules import first_of, is_active
from factory_lake.reconcile.stored import json_objects

Stream = Literal["rows", "lines", "large"]

#: The least that AWS takes: buffers of 60 s with dynamic partitioning, which may take 1.5 times as long.
BUFFER_SECONDS = 60
BUFFER_MB = 64
#: The function's batches, so that a probe waits for one buffer alone.
_BATCH_SECONDS = 5
#: Within this time a record is delivered: batch, function with its retries, buffer and some more.
DELIVERY_SECONDS = 420.0
#: What was sent before a record that is delivered is delivered as well by then, or never will be.
GRACE_SECONDS = 30.0
#: Of the table that rows are converted by. Keys of JSON are lower-cased before they are looked up, as mappings are.
COLUMNS: Mapping[str, str] = {
    "device_id": "string",
    "name": "string",
    "ts": "timestamp",
    "value": "double",
    "number": "bigint",
    "success": "boolean",
}
MAPPINGS: Mapping[str, str] = {"device_id": "deviceid", "ts": "timestamp"}


ErrorLine = tuple[str, dict[str, Any]]
"""The key of an error object and one of its lines."""


@dataclass(frozen=True)
class Fate:
    """What became of a record: rows, error lines, both or nothing."""

    record: bytes
    rows: list[dict[str, Any]]
    errors: list[ErrorLine]


@dataclass
class Delivery:
    """The three delivery streams behind one data stream."""

    context: Context
    source: str
    role: str
    function: str
    _objects: BucketReader = field(init=False)

    def __post_init__(self) -> None:
        self._objects = BucketReader(self.context, self.context.shared(setups.bucket))

    def send(self, stream: Stream, of: str | None, data: bytes = b"", *, key: str = "key", **wanted: Any) -> bytes:
        """Send a record that becomes this data, in the partition of the probe; the record.

        Args:
            stream: What it is for.
            of: The probe's name; without one it has no partition.
            data: What the function makes of it.
            key: Its partition key.
            wanted: What else the function is told; see `commanded`.
        """
        record = json.dumps(
            {
                "to": stream_name(self.context, stream),
                "result": "Ok",
                **({"kind": of} if of else {}),
                "data": base64.b64encode(data).decode(),
                **wanted,
            }
        ).encode()
        self.put(record, key)
        return record

    def put(self, record: bytes, key: str = "key") -> None:
        """Put a record as it is into the data stream."""
        self.context.client("kinesis").put_record(StreamName=self.source, Data=record, PartitionKey=key)

    def objects(self, stream: Stream, of: str) -> dict[str, bytes]:
        """What has been delivered of a probe's records: keys and bodies."""
        return self._objects.objects(f"delivered/{stream}/kind={of}/")

    def rows(self, of: str) -> list[dict[str, Any]]:
        """The rows that have been delivered of a probe's records."""
        return self._objects.rows(f"delivered/rows/kind={of}/")

    def errors(self, stream: Stream, *marks: bytes) -> list[ErrorLine]:
        """Keys and lines of error objects whose raw data contain one of these marks."""
        return [
            (key, line)
            for key, line in error_lines(self._objects, f"errors/{stream}/")
            if any(mark in raw_data(line) for mark in marks)
        ]

    def filed(self, types: Sequence[str], *marks: bytes) -> list[ErrorLine]:
        """Keys and lines of `rows`' errors of these types, and of all whose raw data contain one of these marks."""
        found = self.errors("rows", *marks)
        known = {key for key, _ in found}
        for kind in types:
            found += [one for one in error_lines(self._objects, f"errors/rows/{kind}/") if one[0] not in known]
        return found

    def delivered_rows(self, of: str, count: int = 1) -> list[dict[str, Any]]:
        """A probe's rows, when there are so many.

        Raises:
            CouldNotTell: There are not.
        """
        return self.context.until(
            lambda: found if len(found := self.rows(of)) >= count else None, DELIVERY_SECONDS, f"{count} rows of {of}"
        )

    def fate(self, of: str, data: bytes = b"", **wanted: Any) -> Fate:
        """What becomes of a record of `rows`.

        Two records after it, of which the one is delivered and the other fails, show that nothing of it is still
        under way.

        Args:
            of: The probe's name.
            data: What the function makes of the record.
            wanted: What else the function is told.

        Raises:
            CouldNotTell: The records after it do not arrive either.
        """
        record = self.send("rows", of, data, **wanted)
        after, bad = f"{of}-after", f"bad after {of}".encode()
        self.send("rows", after, b'{"name":"after"}\n')
        last = self.send("rows", f"{of}-bad", bad)
        self.delivered_rows(after)
        self.context.until(lambda: self.errors("rows", bad, last), DELIVERY_SECONDS, "an error line of a bad record")

        def found() -> list[Fate]:
            fate = Fate(record, self.rows(of), self.errors("rows", record, *([data] if data else [])))
            return [fate] if fate.rows or fate.errors else []

        if wanted.get("result") == "Dropped":
            return next(iter(found()), Fate(record, [], []))
        return first_of(self.context, found, GRACE_SECONDS) or Fate(record, [], [])


def raw_data(line: Mapping[str, Any]) -> bytes:
    """The bytes that an error line has of a record."""
    return base64.b64decode(str(line.get("rawData", "")))


def error_lines(objects: BucketReader, prefix: str) -> Iterator[ErrorLine]:
    """Keys and lines of error objects."""
    for key, body in objects.objects(prefix).items():
        yield from ((key, line) for line in json_objects(body.decode()))


def stream_name(context: Context, stream: str) -> str:
    """The name of one of the delivery streams."""
    return context.name(f"delivery-{stream}")


def delivery(context: Context) -> Delivery:
    """The three delivery streams, when they deliver from."""
    kinesis = context.client("kinesis")
    source = context.made("data_stream", context.name("delivery"))
    kinesis.create_stream(StreamName=source, ShardCount=1, Tags=context.tags)
    code = Path(__file__).with_name("commanded.py").read_text(encoding="utf-8")
    _, function = setups.make_function(context, "commanded", code)
    context.until(lambda: is_active(context, source), 180, "the data stream to be ACTIVE")
    role = _role(context, "delivery-role", source, function)
    table = context.shared(make_table)
    streams: tuple[Stream, ...] = ("rows", "lines", "large")
    for stream in streams:
        conversion = {"DataFormatConversionConfiguration": converted(table, role)} if stream == "rows" else {}
        make_delivery_stream(context, stream, {**destination(context, stream, role, function), **conversion}, source)
    wait_until_active(context, *streams)
    made = Delivery(context, source, role, function)
    for stream in streams:
        context.until(partial(_delivers, made, stream), DELIVERY_SECONDS, f"{stream} to deliver")
    return made


def _delivers(made: Delivery, stream: Stream) -> bool:
    """Whether a record goes all the way: a new role may not do so for its first seconds."""
    of = "warm-up"
    made.send(stream, of, b'{"name":"warm-up"}\n')
    return first_of(made.context, lambda: list(made.objects(stream, of)), 2.0 * BUFFER_SECONDS) is not None


def destination(context: Context, stream: str, role: str, function: str, **changed: Any) -> dict[str, Any]:
    """An S3 destination with dynamic partitioning, as the lanes have it."""
    return {
        "RoleARN": role,
        "BucketARN": f"arn:{context.partition}:s3:::{context.shared(setups.bucket)}",
        "Prefix": f"delivered/{stream}/kind=!{{partitionKeyFromLambda:kind}}/",
        "ErrorOutputPrefix": f"errors/{stream}/!{{firehose:error-output-type}}/!{{timestamp:yyyy/MM/dd}}/",
        "BufferingHints": {"SizeInMBs": BUFFER_MB, "IntervalInSeconds": BUFFER_SECONDS},
        "CompressionFormat": "UNCOMPRESSED",
        "DynamicPartitioningConfiguration": {"Enabled": True, "RetryOptions": {"DurationInSeconds": 60}},
        "ProcessingConfiguration": {
            "Enabled": True,
            "Processors": [
                {
                    "Type": "Lambda",
                    "Parameters": [
                        {"ParameterName": name, "ParameterValue": value}
                        for name, value in {
                            "LambdaArn": f"{function}:$LATEST",
                            "BufferSizeInMBs": "1",
                            "BufferIntervalInSeconds": str(_BATCH_SECONDS),
                        }.items()
                    ],
                }
            ],
        },
        **changed,
    }


def converted(table: tuple[str, str], role: str) -> dict[str, Any]:
    """A conversion to Parquet, as the modules have it."""
    return {
        "Enabled": True,
        "SchemaConfiguration": {"RoleARN": role, "DatabaseName": table[0], "TableName": table[1]},
        "InputFormatConfiguration": {
            "Deserializer": {"OpenXJsonSerDe": {"CaseInsensitive": True, "ColumnToJsonKeyMappings": dict(MAPPINGS)}}
        },
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"Compression": "SNAPPY"}}},
    }


def make_table(context: Context) -> tuple[str, str]:
    """The table that rows are converted by: its database and its name."""
    database = context.shared(setups.database)
    context.client("glue").create_table(
        DatabaseName=database,
        TableInput={
            "Name": "rows",
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "parquet"},
            "StorageDescriptor": {
                "Columns": [{"Name": name, "Type": kind} for name, kind in COLUMNS.items()],
                "Location": f"s3://{context.shared(setups.bucket)}/delivered/rows/",
                "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                "SerdeInfo": {
                    "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                    "Parameters": {"serialization.format": "1"},
                },
            },
        },
    )
    return database, "rows"


def make_delivery_stream(context: Context, stream: str, s3: Mapping[str, Any], source: str | None = None) -> None:
    """Make a delivery stream, of a data stream or of what is put into it, once its role is seen."""
    name = context.made("delivery_stream", stream_name(context, stream))
    role = s3["RoleARN"]
    reads = {"KinesisStreamARN": context.arn("kinesis", f"stream/{source}"), "RoleARN": role}
    source_or_direct: dict[str, Any] = (
        {"DeliveryStreamType": "KinesisStreamAsSource", "KinesisStreamSourceConfiguration": reads}
        if source
        else {
            "DeliveryStreamType": "DirectPut",
            "DeliveryStreamEncryptionConfigurationInput": {"KeyType": "AWS_OWNED_CMK"},
        }
    )
    setups.with_role(
        context,
        lambda: context.client("firehose").create_delivery_stream(
            DeliveryStreamName=name,
            **source_or_direct,
            ExtendedS3DestinationConfiguration=dict(s3),
            Tags=context.tag_list,
        ),
        "Firehose to see its role",
    )


def wait_until_active(context: Context, *streams: str) -> None:
    """Return when delivery streams can be used.

    Raises:
        CouldNotTell: They cannot.
    """
    firehose = context.client("firehose")
    for stream in streams:

        def ready(stream: str = stream) -> bool:
            described = firehose.describe_delivery_stream(DeliveryStreamName=stream_name(context, stream))
            return str(described["DeliveryStreamDescription"]["DeliveryStreamStatus"]) == "ACTIVE"

        context.until(ready, 240, f"the delivery stream {stream} to be ACTIVE")


def _role(context: Context, of: str, source: str | None = None, function: str | None = None) -> str:
    """A role with what the modules grant (modules/factory_pipeline/delivery.tf)."""
    bucket = f"arn:{context.partition}:s3:::{context.shared(setups.bucket)}"
    database, table = context.shared(make_table)
    statements: list[dict[str, Any]] = [
        {
            "Action": ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
            "Resource": [f"{bucket}/delivered/*", f"{bucket}/errors/*"],
        },
        {"Action": ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads", "s3:ListBucket"], "Resource": bucket},
        {
            "Action": ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"],
            "Resource": [
                context.arn("glue", resource)
                for resource in ("catalog", f"database/{database}", f"table/{database}/{table}")
            ],
        },
    ]
    if source:
        reads = ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"]
        statements.append({"Action": reads, "Resource": context.arn("kinesis", f"stream/{source}")})
    if function:
        calls = ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"]
        statements.append({"Action": calls, "Resource": [function, f"{function}:*"]})
    streams = context.arn("firehose", f"deliverystream/{stream_name(context, '*')}")
    return setups.make_role(
        context,
        of,
        "firehose.amazonaws.com",
        *statements,
        condition={"StringEquals": {"aws:SourceAccount": context.account}, "ArnLike": {"aws:SourceArn": streams}},
    )


@dataclass
class Direct:
    """A delivery stream that takes records itself and writes Parquet by the day of their arrival."""

    context: Context
    name: str
    _objects: BucketReader = field(init=False)

    def __post_init__(self) -> None:
        self._objects = BucketReader(self.context, self.context.shared(setups.bucket))

    def put(self, record: bytes) -> None:
        """Put a record."""
        self.context.client("firehose").put_record(DeliveryStreamName=self.name, Record={"Data": record})

    def rows(self, device: str) -> list[tuple[str, dict[str, Any]]]:
        """Keys and rows that have been delivered of a device."""
        return [
            (key, row)
            for key in self._objects.objects("delivered/direct/")
            for row in self._objects.rows(key)
            if row["device_id"] == device
        ]


def direct(context: Context) -> Direct:
    """It, when it is ACTIVE."""
    role = _role(context, "direct-role")
    s3 = {
        "RoleARN": role,
        "BucketARN": f"arn:{context.partition}:s3:::{context.shared(setups.bucket)}",
        "Prefix": "delivered/direct/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/",
        "ErrorOutputPrefix": "errors/direct/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/",
        "BufferingHints": {"SizeInMBs": BUFFER_MB, "IntervalInSeconds": BUFFER_SECONDS},
        "CompressionFormat": "UNCOMPRESSED",
        "DataFormatConversionConfiguration": converted(context.shared(make_table), role),
    }
    make_delivery_stream(context, "direct", s3)
    wait_until_active(context, "direct")
    return Direct(context, stream_name(context, "direct"))


def is_refused(context: Context, of: str, **changed: Any) -> None:
    """Try that Firehose does not make a delivery stream that differs from a good one in this alone.

    Raises:
        Differs: It does.
    """
    made: Delivery = context.shared(delivery)
    name = context.made("delivery_stream", stream_name(context, of))
    reads = {"KinesisStreamARN": context.arn("kinesis", f"stream/{made.source}"), "RoleARN": made.role}
    try:
        context.client("firehose").create_delivery_stream(
            DeliveryStreamName=name,
            DeliveryStreamType="KinesisStreamAsSource",
            KinesisStreamSourceConfiguration=reads,
            ExtendedS3DestinationConfiguration={
                key: value
                for key, value in destination(context, of, made.role, made.function, **changed).items()
                if value is not None
            },
        )
    except context.client("firehose").exceptions.InvalidArgumentException:
        return
    raise Differs("Firehose made the delivery stream")


def check_error_key(key: str, stream: Stream, *types: str) -> None:
    """Try where an error object lies.

    Raises:
        Differs: Elsewhere than below the error prefix, the type and the day.
    """
    place = re.compile(rf"errors/{stream}/([^/]+)/\d{{4}}/\d\d/\d\d/[^/]+")
    found = place.fullmatch(key)
    if found is None or found[1] not in types:
        raise Differs(f"the error object lies in {key.rpartition('/')[0]!r}")
