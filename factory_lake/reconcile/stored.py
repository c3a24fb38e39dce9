"""The lake's objects, read back: Parquet rows, configuration lines and error objects of every kind.

Keys say whose an object is: `factory=<id>/year=YYYY/month=MM/day=DD/...` in a lane's bucket for the tables,
`errors/factory=<id>/<lane>/<error type>/...` for everything that did not get there. In the bucket of configuration
lie the gateways' connections as well, which are no messages: `connections/factory=<id>/...`, and `connections` in the
place of the lane where they could not be delivered.

pyarrow is imported where a Parquet object is read: many commands use this module and read none.
"""

import base64
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from factory_lake.errors import FactoryLakeError
from factory_lake.gateway.batches import samples_of
from factory_lake.gateway.documents import skip_blanks
from factory_lake.gateway.identities import Lane, parse_lane
from factory_lake.reconcile.expectation import Content, Line, Row, attributes_content, double_content
from factory_lake.reconcile.lossless_json import NotTakenError, Number, Object, canonical, parse

Place = Literal["table", "rejected", "error action"]

_TABLE_KEY = re.compile(r"factory=([^/]+)/year=(\d{4})/month=(\d{2})/day=(\d{2})/[^/]+")
_ERROR_KEY = re.compile(r"errors/factory=([^/]+)/([^/]+)/([^/]+)/.+")
# With the prefix of Basic Ingest or without: AWS does not say which an error document has.
TOPIC = re.compile(r"(?:\$aws/rules/[^/]+/)?factories/[^/]+/([^/]+)/[^/]+")
_ROW = tuple(part.name for part in fields(Row))
ERROR_ACTION = "iot-rule"
ORIGINAL = "processing-failed"
CONNECTIONS = "connections"


class StoredError(FactoryLakeError):
    """An object of the lake is not what its key says."""


@dataclass(frozen=True)
class Found:
    """One message, or one sample of a batch, as it was found in the lake."""

    place: Place
    where: str  # bucket, key and position in the object
    factory: str
    lane: Lane
    gateway: str | None = None
    content: Content | None = None  # a table's row, or the row that could not be converted
    payload: bytes | None = None  # the original bytes, in an error object that has them
    day: tuple[int, int, int] | None = None  # the partition, `(year, month, day)`
    received_ms: int | None = None
    reason: str | None = None  # the error that an error object names
    number: int = 0  # of its row, line or document in the object, from 0

    @property
    def sha256(self) -> str | None:
        """The SHA-256 of the original bytes, in hex."""
        return None if self.payload is None else hashlib.sha256(self.payload).hexdigest()


def read_object(bucket: str, lane: Lane, key: str, body: bytes) -> list[Found]:
    """Read one object.

    Returns:
        What it holds; nothing for keys that are neither a lane's table's nor a message's error's.

    Raises:
        StoredError: When it is not what its key says.
    """
    where = f"s3://{bucket}/{key}"
    table, error = _TABLE_KEY.fullmatch(key), _ERROR_KEY.fullmatch(key)
    try:
        if table:
            day = (int(table[2]), int(table[3]), int(table[4]))
            read = _parquet_rows if lane == "measurements" else _configuration_lines
            return list(read(where, table[1], day, body))
        if error and error[2] == CONNECTIONS:
            return []
        if error and error[3] == ERROR_ACTION:
            return _by_sample(_error_action(where, error[1], parse_lane(error[2]), body))
        if error:
            return list(_failures(where, error[1], parse_lane(error[2]), error[3], body))
    except (ValueError, KeyError, TypeError, NotTakenError) as problem:
        raise StoredError(where, f"cannot be read: {problem}") from problem
    return []


def _parquet_rows(where: str, factory: str, day: tuple[int, int, int], body: bytes) -> Iterator[Found]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(body))
        for name in ("ts", "received_at"):
            at = table.schema.get_field_index(name)
            milliseconds = table.column(at).cast(pa.timestamp("ms")).cast(pa.int64())
            table = table.set_column(at, name, milliseconds)
        rows = table.to_pylist()
    except pa.ArrowException as problem:
        raise ValueError(str(problem)) from problem
    for number, row in enumerate(rows):
        gateway, received_ms = row.pop("gateway"), row.pop("received_at")
        value, attributes = row["value"], row["attributes"]
        row["value"] = None if value is None else double_content(value)
        row["attributes"] = None if attributes is None else _attributes(attributes)
        yield Found(
            "table",
            f"{where}#{number}",
            factory,
            "measurements",
            gateway=gateway,
            # A lake may have columns of its own, which no message of the rules decides.
            content=Row(**{name: row[name] for name in _ROW}),
            day=day,
            received_ms=received_ms,
            number=number,
        )


def _attributes(text: str) -> str:
    try:
        attributes = parse(text)
    except NotTakenError:
        # Not what any message can be expected to give, and still something to compare.
        return f"not JSON: {text}"
    return attributes_content(attributes) if isinstance(attributes, Object) else f"not an object: {text}"


def _configuration_lines(where: str, factory: str, day: tuple[int, int, int], body: bytes) -> Iterator[Found]:
    lines = body.decode("utf-8").split("\n")
    if lines.pop() != "":
        raise ValueError("the last line has no end")
    for number, line in enumerate(lines):
        content, gateway, received_ms = content_of(line, "configuration")
        yield Found(
            "table",
            f"{where}#{number}",
            factory,
            "configuration",
            gateway=gateway,
            content=content,
            day=day,
            received_ms=received_ms,
            number=number,
        )


def without_envelope(line: str) -> tuple[Object, str | None, int | None]:
    """Take `_received_at` and `_gateway` off the end of a line's object."""
    whole = parse(line)
    if not isinstance(whole, Object):
        raise NotTakenError("not an object")
    members = list(whole.members)
    gateway = received_ms = None
    if members and members[-1][0] == "_gateway":
        gateway = members.pop()[1]
    if members and members[-1][0] == "_received_at" and isinstance(members[-1][1], Number):
        received_ms = int(members.pop()[1].text)
    return Object(tuple(members)), gateway, received_ms


def error_code(document: Mapping[str, Any]) -> str:
    """Why Firehose filed a record under `errors/`.

    The key is `errorCode` where the transform or the partition failed. Where the format conversion did, the
    guide says `ErrorCode` ("Handling errors for data format conversion"); objects seen have `lastErrorCode`.
    """
    return str(document.get("errorCode") or document.get("lastErrorCode") or document.get("ErrorCode"))


def _failures(where: str, factory: str, lane: Lane, kind: str, body: bytes) -> Iterator[Found]:
    for number, record in enumerate(json_objects(body.decode("utf-8"))):
        payload = base64.b64decode(record["rawData"], validate=True)
        reason = f"{kind}: {error_code(record)}"
        arrived_ms = record.get("arrivalTimestamp")
        failed = Found(
            "rejected",
            f"{where}#{number}",
            factory,
            lane,
            payload=payload,
            received_ms=arrived_ms,
            reason=reason,
            number=number,
        )
        # What failed behind the transform function is what it made of the record, or the record.
        rows = [] if kind == ORIGINAL else _transformed(failed)
        yield from rows or _by_sample(failed)


def _by_sample(found: Found) -> list[Found]:
    """A batch stands for each of its samples."""
    samples = samples_of(found.payload or b"") if found.lane == "measurements" else []
    if len(samples) <= 1:
        return [replace(found, payload=samples[0]) if samples else found]
    before = f"{found.where}{'.' if '#' in found.where else '#'}"
    return [replace(found, where=f"{before}{place}", payload=sample) for place, sample in enumerate(samples, start=1)]


def content_of(line: str, lane: Lane) -> tuple[Content, str | None, int | None]:
    """The row that a line of the transform stands for, its gateway and its arrival (epoch ms)."""
    message, gateway, received_ms = without_envelope(line)
    return Line(canonical(message)) if lane == "configuration" else row_of_line(message), gateway, received_ms


def _transformed(found: Found) -> list[Found]:
    """The rows whose lines a record became, one for each sample of a batch; none where it holds no such lines."""
    try:
        lines = (found.payload or b"").decode("utf-8").removesuffix("\n").split("\n")
        rows = [content_of(line, found.lane) for line in lines]
    except (UnicodeDecodeError, NotTakenError):
        return []
    if any(received_ms is None for _, _, received_ms in rows):
        return []
    wheres = [f"{found.where}.{place}" for place in range(1, len(rows) + 1)] if len(rows) > 1 else [found.where]
    return [
        replace(found, where=where, payload=None, content=content, gateway=gateway, received_ms=received_ms)
        for where, (content, gateway, received_ms) in zip(wheres, rows, strict=True)
    ]


def row_of_line(line: Object) -> Row:
    """The row that a line for the Parquet table stands for."""
    value, attributes, ts = line.get("value"), line.get("attributes"), line.get("timestamp")
    if isinstance(value, Number):
        value = double_content(float(value.text))
    elif isinstance(value, bool):
        value = double_content(value)
    return Row(
        device_id=line.get("deviceID"),
        device_name=line.get("deviceName"),
        register_id=line.get("registerId"),
        tag_name=line.get("tagName"),
        datatype=line.get("datatype"),
        description=line.get("description"),
        ts=int(ts.text) if isinstance(ts, Number) else 0,
        success=line.get("success"),
        value=value,
        value_text=line.get("value_text"),
        attributes=None if attributes is None else _attributes(attributes),
    )


def _error_action(where: str, factory: str, lane: Lane, body: bytes) -> Found:
    document = json.loads(body)
    topic = TOPIC.fullmatch(document["topic"])
    failures: list[Any] = document.get("failures", [])
    return Found(
        "error action",
        where,
        factory,
        lane,
        gateway=topic[1] if topic else None,
        payload=base64.b64decode(document["base64OriginalPayload"], validate=True),
        reason="; ".join(f"{failure.get('failedAction')}: {failure.get('errorMessage')}" for failure in failures),
    )


def json_objects(text: str) -> Iterator[dict[str, Any]]:
    """JSON objects that follow each other, on lines of their own or not."""
    decoder = json.JSONDecoder()
    at = 0
    while (at := skip_blanks(text, at)) < len(text):
        record, at = decoder.raw_decode(text, at)
        yield record
