"""Deliveries of Firehose that serve all probes which send something, and what has become of what they sent.

Three delivery streams read one data stream, through one function that does what each record says (`commanded`):

    rows    dynamic partitioning and Parquet, as the measurements lane
    lines   dynamic partitioning, as the configuration lane
    large   as `lines`; what goes wrong with a whole batch goes wrong here

A probe's data lie below `delivered/<stream>/kind=<probe>/`. A fourth, `direct`, takes records that are put into it, as
the connections' delivery does.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from factory_lake.conformance import setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.data_streams import make_data_stream
from factory_lake.conformance.delivery_streams import (
    BUFFER_MB,
    BUFFER_SECONDS,
    converted,
    destination,
    make_delivery_role,
    make_delivery_stream,
    make_table,
    stream_name,
    wait_until_active,
)
from factory_lake.conformance.probe import Differs
from factory_lake.conformance.streams import BucketReader
from factory_lake.reconcile.stored import json_objects

Stream = Literal["rows", "lines", "large"]
#: The key of an error object and one of its lines.
ErrorLine = tuple[str, dict[str, Any]]

#: Within this time a record is delivered: batch, function with its retries, buffer and some more.
DELIVERY_SECONDS = 420.0
#: What was sent before a record that is delivered is delivered as well by then, or never will be.
GRACE_SECONDS = 30.0
_WARM_UP = "warm-up"


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
            of_kind = error_lines(self._objects, f"errors/rows/{kind}/")
            # What failed before the roles took effect is nobody's.
            found += [one for one in of_kind if one[0] not in known and _WARM_UP.encode() not in raw_data(one[1])]
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
        return self.context.within(found, GRACE_SECONDS) or Fate(record, [], [])


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


def delivery(context: Context) -> Delivery:
    """The three delivery streams, when they deliver."""
    source = make_data_stream(context, "delivery")
    code = Path(__file__).with_name("commanded.py").read_text(encoding="utf-8")
    _, function = setups.make_function(context, "commanded", code)
    role = make_delivery_role(context, "delivery-role", source, function)
    table = context.shared(make_table)
    streams: tuple[Stream, ...] = ("rows", "lines", "large")
    for stream in streams:
        conversion = {"DataFormatConversionConfiguration": converted(table, role)} if stream == "rows" else {}
        make_delivery_stream(context, stream, {**destination(context, stream, role, function), **conversion}, source)
    wait_until_active(context, *streams)
    made = Delivery(context, source, role, function)
    context.until(lambda: _deliver(made, streams), DELIVERY_SECONDS, "the delivery streams to deliver")
    return made


def _deliver(made: Delivery, streams: Sequence[Stream]) -> bool:
    """Whether records go all the way: a new role may not let them for its first seconds."""
    for stream in streams:
        made.send(stream, _WARM_UP, f'{{"name":"{_WARM_UP}"}}\n'.encode())

    def arrived() -> list[bool]:
        return [True] if all(made.objects(stream, _WARM_UP) for stream in streams) else []

    return made.context.within(arrived, 2.0 * BUFFER_SECONDS) is not None


def direct(context: Context) -> Direct:
    """It, when it is ACTIVE."""
    role = make_delivery_role(context, "direct-role")
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


def raw_data(line: Mapping[str, Any]) -> bytes:
    """The bytes that an error line has of a record."""
    return base64.b64decode(str(line.get("rawData", "")))


def error_lines(objects: BucketReader, prefix: str) -> Iterator[ErrorLine]:
    """Keys and lines of error objects."""
    for key, body in objects.objects(prefix).items():
        yield from ((key, line) for line in json_objects(body.decode()))
