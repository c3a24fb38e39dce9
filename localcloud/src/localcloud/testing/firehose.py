"""An AWS in memory, as small as a delivery needs it, whose calls can be made to fail.

It answers with what botocore would hand over and raises what botocore would raise, so that `Delivery` runs as
it is. A request that botocore's model does not have fails the test.
"""

from __future__ import annotations

import base64
import copy
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from localcloud.firehose.records import Receipt, Record
from localcloud.testing.strict import StrictClient

ROLE = "arn:aws:iam::123456789012:role/delivery"
STREAM = "arn:aws:kinesis:eu-central-1:123456789012:stream/test-krakow-measurements"
FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:test-krakow-measurements-transform"
DELIVERY_STREAM = "arn:aws:firehose:eu-central-1:123456789012:deliverystream/test-krakow-measurements"
STARTED = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)
PREFIX = "station=krakow/year=!{partitionKeyFromLambda:year}/month=!{partitionKeyFromLambda:month}/"
ERRORS = "errors/station=krakow/measurements/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"


def description(**changes: Any) -> dict[str, Any]:
    """A delivery stream with dynamic partitioning and a transform; `changes` go into its S3 destination."""
    s3: dict[str, Any] = {
        "RoleARN": ROLE,
        "BucketARN": "arn:aws:s3:::test-measurements",
        "Prefix": PREFIX,
        "ErrorOutputPrefix": ERRORS,
        "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
        "CompressionFormat": "UNCOMPRESSED",
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        "DynamicPartitioningConfiguration": {"Enabled": True},
        "ProcessingConfiguration": processing(),
        **changes,
    }
    return {
        "DeliveryStreamName": "test-krakow-measurements",
        "DeliveryStreamARN": DELIVERY_STREAM,
        "DeliveryStreamStatus": "ACTIVE",
        "DeliveryStreamType": "KinesisStreamAsSource",
        "VersionId": "1",
        "Source": {
            "KinesisStreamSourceDescription": {
                "KinesisStreamARN": STREAM,
                "RoleARN": ROLE,
                "DeliveryStartTimestamp": STARTED,
            }
        },
        "Destinations": [{"DestinationId": "destinationId-000000000001", "ExtendedS3DestinationDescription": s3}],
        "HasMoreDestinations": False,
    }


def processing(**parameters: str) -> dict[str, Any]:
    """A ProcessingConfiguration with one Lambda processor."""
    given = {"LambdaArn": FUNCTION, **parameters}
    listed = [{"ParameterName": name, "ParameterValue": value} for name, value in given.items()]
    return {"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": listed}]}


def conversion(**openx: Any) -> dict[str, Any]:
    """A DataFormatConversionConfiguration from OpenX JSON to Parquet."""
    return {
        "Enabled": True,
        "SchemaConfiguration": {"RoleARN": ROLE, "DatabaseName": "test", "TableName": "measurements"},
        "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": openx}},
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
    }


def refusal(code: str, operation: str = "Operation", status: int = 400) -> ClientError:
    """What boto3 raises for an error answer."""
    error = {"Code": code, "Message": "fails on purpose"}
    response: Any = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)


@dataclass
class Clock:
    """Time that moves when a test moves it."""

    seconds: float = 0.0

    def __call__(self) -> float:
        """Seconds since the start."""
        return self.seconds

    def now(self) -> datetime:
        """The moment that it is."""
        return STARTED + timedelta(seconds=self.seconds)


@dataclass
class FakeShard:
    """A shard: its records, what it came from, and whether it is closed."""

    parents: tuple[str, ...] = ()
    records: list[dict[str, Any]] = field(default_factory=list)
    closed: bool = False


def month_of(data: bytes) -> dict[str, str]:
    """Partition keys of the default transform: the record's last character selects the month."""
    return {"year": "2026", "month": f"{data.strip()[-1] % 3 + 1:02d}"}


def pass_through(event: dict[str, Any]) -> Any:
    """A transform that changes nothing."""
    return {
        "records": [
            {
                "recordId": record["recordId"],
                "result": "Ok",
                "data": record["data"],
                "metadata": {"partitionKeys": month_of(base64.b64decode(record["data"]))},
            }
            for record in event["records"]
        ]
    }


class FakeAws:
    """One stream, one function, one bucket, one table."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.shards: dict[str, FakeShard] = {"shardId-000000000000": FakeShard()}
        self.objects: dict[str, bytes] = {}
        self.function: Callable[[dict[str, Any]], Any] = pass_through
        self.events: list[dict[str, Any]] = []
        self.columns: list[dict[str, str]] = [{"Name": "value", "Type": "double"}]
        self.calls: list[str] = []
        self.log: list[dict[str, Any]] = []
        self.failures: dict[str, list[Exception]] = {}
        self._sequence = 0

    def client(self, service: str, _role_arn: str) -> StrictClient:
        """A client of one of its services, which takes nothing that the service's model does not have."""
        return StrictClient(service, self)

    def fail(self, operation: str, *errors: Exception) -> None:
        """Let the next calls of an operation raise these, one each."""
        self.failures.setdefault(operation, []).extend(errors)

    def put(self, records: Iterable[bytes], shard_id: str = "shardId-000000000000") -> None:
        """Records into a shard, now."""
        for data in records:
            self._sequence += 1
            self.shards[shard_id].records.append(
                {
                    "SequenceNumber": f"{self._sequence:020d}",
                    "PartitionKey": f"key-{self._sequence}",
                    "ApproximateArrivalTimestamp": self.clock.now(),
                    "Data": data,
                }
            )

    def delivered(self) -> list[bytes]:
        """Lines of all delivered objects."""
        bodies = [body for key, body in self.objects.items() if not key.startswith("errors/")]
        return [line for body in bodies for line in body.splitlines()]

    def errors(self) -> list[dict[str, Any]]:
        """Documents of all error objects."""
        bodies = [body for key, body in self.objects.items() if key.startswith("errors/")]
        return [json.loads(line) for body in bodies for line in body.splitlines()]

    # The operations, by boto3's names

    def list_shards(self, **_: Any) -> dict[str, Any]:
        """Kinesis' ListShards."""
        self._called("list_shards")
        listed = []
        for shard_id, shard in self.shards.items():
            names = ("ParentShardId", "AdjacentParentShardId")
            listed.append(
                {
                    "ShardId": shard_id,
                    "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": str(2**128 - 1)},
                    "SequenceNumberRange": {"StartingSequenceNumber": "0"},
                    **dict(zip(names, shard.parents, strict=False)),
                }
            )
        return {"Shards": listed}

    def get_shard_iterator(self, **arguments: Any) -> dict[str, Any]:
        """Kinesis' GetShardIterator, for a moment or behind a record."""
        self._called("get_shard_iterator")
        records = self.shards[arguments["ShardId"]].records
        if arguments["ShardIteratorType"] == "AT_TIMESTAMP":
            position = sum(one["ApproximateArrivalTimestamp"] < arguments["Timestamp"] for one in records)
        else:
            position = sum(one["SequenceNumber"] <= arguments["StartingSequenceNumber"] for one in records)
        return {"ShardIterator": f"{arguments['ShardId']}/{position}"}

    def get_records(self, **arguments: Any) -> dict[str, Any]:
        """Kinesis' GetRecords; a closed shard has an end."""
        self._called("get_records")
        shard_id, position = arguments["ShardIterator"].split("/")
        shard = self.shards[shard_id]
        found = copy.copy(shard.records[int(position) : int(position) + arguments["Limit"]])
        end = int(position) + len(found)
        answer: dict[str, Any] = {"Records": found, "MillisBehindLatest": 1000 * (end < len(shard.records))}
        if not shard.closed or end < len(shard.records):
            answer["NextShardIterator"] = f"{shard_id}/{end}"
        return answer

    def invoke(self, **arguments: Any) -> dict[str, Any]:
        """Lambda's Invoke of `function`."""
        event = json.loads(arguments["Payload"])
        self.events.append(event)
        self._called("invoke")
        answer = self.function(event)
        if isinstance(answer, str):
            return {"FunctionError": answer, "Payload": io.BytesIO(b"{}")}
        payload = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return {"Payload": io.BytesIO(payload)}

    def put_object(self, **arguments: Any) -> dict[str, Any]:
        """S3's PutObject."""
        self._called("put_object")
        self.objects[arguments["Key"]] = arguments["Body"]
        return {}

    def put_log_events(self, **arguments: Any) -> dict[str, Any]:
        """CloudWatch Logs' PutLogEvents."""
        self._called("put_log_events")
        place = (arguments["logGroupName"], arguments["logStreamName"])
        self.log += [{"place": place, **json.loads(event["message"])} for event in arguments["logEvents"]]
        return {}

    def get_table_versions(self, **_: Any) -> dict[str, Any]:
        """Glue's GetTableVersions."""
        self._called("get_table_versions")
        table = {"Name": "measurements", "StorageDescriptor": {"Columns": self.columns}}
        return {"TableVersions": [{"Table": table, "VersionId": "1"}]}

    def _called(self, operation: str) -> None:
        self.calls.append(operation)
        if self.failures.get(operation):
            raise self.failures[operation].pop(0)


def record(number: int = 0, data: bytes = b"data") -> Record:
    """A record as the source has read it, by its number."""
    arrival = STARTED + timedelta(milliseconds=number)
    receipt = Receipt(f"{number}", arrival)
    return Record(f"id-{number}", "shardId-000000000000", f"{number}", "1/line-1/2", arrival, data, receipt)
