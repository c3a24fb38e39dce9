"""A small lake of fixture rows for the named queries, on the day that ``now`` falls on.

Every row is there for a reason, which stands beside it. The tables are laid out as the catalog's are: schemas
from ``glue_schemas``, integer partition columns, folders with padded digits.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from clip_fetch import keys, planning
from clip_fetch import rows as clip_rows
from clip_fetch.model import Fragment, Stream
from clip_fetch.planning import Clip

ROOT = Path(__file__).resolve().parents[3]
QUERIES = ROOT / "modules" / "glue_catalog" / "queries"
VIEWS = ROOT / "modules" / "glue_catalog" / "views"
FACTORIES = ("krakow", "lyon")
#: Tables in which a row may come twice, so that they have a view without repeats.
TABLES = ("configuration", "connections", "measurements")
#: The day of a partition, as views.tf and the named queries write it.
DAY = "CAST(date_add('day', day - 1, date_add('month', 12 * (year - 1970) + month - 1, DATE '1970-01-01')) AS date)"
_DATE = {"name": "date", "type": "date"}
_IN_FORCE = [
    {"name": name, "type": kind}
    for name, kind in (
        *(("factory", "string"), ("gateway", "string"), ("valid_from", "timestamp"), ("valid_until", "timestamp")),
        *(("line", "string"), ("changed", "boolean")),
    )
]
_UNLESS_CANARY = {
    "measurements": "\nWHERE coalesce(\"tag_name\", '') NOT LIKE '\\_canary%' ESCAPE '\\'",
    "configuration": "\nWHERE coalesce(\"line\", '') NOT LIKE '{\"\\_canary\"%' ESCAPE '\\'",
}
_MOMENTS = [
    {"name": name, "type": kind}
    for name, kind in (
        *(("camera", "string"), ("clip_key", "string"), ("offset_ms", "bigint"), ("offset_seconds", "double")),
        *(("gap_key", "string"), ("gap_reason", "string")),
    )
]
LINE_PATTERN = r'(?s)^(.*?(?:"_received_at":([0-9]+)(?:,"_gateway":"([^"]*)")?\})?)$'


_SERDES = {
    "parquet": ("org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe", {"serialization.format": "1"}),
    "line": ("org.apache.hadoop.hive.serde2.RegexSerDe", {"input.regex": LINE_PATTERN}),
    "json": ("org.openx.data.jsonserde.JsonSerDe", {"serialization.format": "1"}),
}


def at(now: datetime, moment: str) -> datetime:
    """A moment written as days before now's day and a time, such as ``-3 06:00:00``."""
    days, clock = moment.split(" ")
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    hours, minutes, seconds = clock.split(":")
    return midnight + timedelta(
        days=int(days), hours=int(hours), minutes=int(minutes), milliseconds=round(float(seconds) * 1000)
    )


@dataclass(frozen=True)
class Sample:
    """A row of the measurements; moments as ``at`` reads them."""

    tag: str
    ts: str
    received: str
    value: float | None = None
    text: str | None = None
    success: bool = True
    factory: str = "krakow"
    gateway: str | None = "line-1"
    datatype: str = "float64"
    attributes: str | None = None

    def row(self, now: datetime) -> dict[str, Any]:
        """The row with the columns of the table."""
        return {
            "device_id": "d1",
            "device_name": "Press 1",
            "register_id": f"r-{self.tag}",
            "tag_name": self.tag,
            "datatype": self.datatype,
            "description": None,
            "ts": at(now, self.ts),
            "success": self.success,
            "value": self.value,
            "value_text": self.text,
            "attributes": self.attributes,
            "received_at": at(now, self.received),
            "gateway": self.gateway,
        }


_DELIVERED_TWICE = Sample("speed", "0 08:00:00", "0 08:00:01", 20.0)
_LATE = Sample("speed", "-3 06:00:00", "0 07:30:00", 5.0)
_BAD = Sample("speed", "0 09:20:00", "0 09:20:01", 1000.0, success=False)
_BIG = Sample("counter", "0 09:00:00", "0 09:00:02", 9007199254740992.0, "9007199254740993", datatype="int64")
_LYON = Sample("speed", "0 08:00:00", "0 08:00:01", 99.0, factory="lyon", gateway="press-shop")

SAMPLES = (
    # The last millisecond of a day stays on its day although it arrived on the next.
    Sample("speed", "-1 23:59:59.999", "0 00:00:00.999", 10.0),
    # Firehose delivered it twice: the copies are equal in everything.
    _DELIVERED_TWICE,
    _DELIVERED_TWICE,
    Sample("speed", "0 09:00:00", "0 09:00:01", 30.5),
    # The newest good one.
    Sample("speed", "0 09:15:00", "0 09:15:01", 29.5, attributes='{"unit":"mm/s"}'),
    # A bad one with a number that must not reach any average, published twice.
    _BAD,
    replace(_BAD, received="0 09:20:31"),
    # The newest of all is bad and has no value.
    Sample("speed", "0 10:00:00", "0 10:00:01", success=False),
    # Late by 73.5 hours, and published again.
    _LATE,
    replace(_LATE, received="0 11:00:00"),
    # Two readings with one timestamp; the second arrived last.
    Sample("running", "0 08:00:00", "0 08:00:01", 0.0, datatype="bool"),
    Sample("running", "0 08:00:00", "0 08:00:05", 1.0, datatype="bool"),
    # Texts; the newer one came without a gateway.
    Sample("state", "0 08:00:00", "0 08:00:01", text="idle", datatype="string"),
    Sample("state", "0 09:30:00", "0 09:30:01", text="running", datatype="string", gateway=None),
    # More digits than a double has. Published again after hours: not late, its first copy was in time.
    _BIG,
    replace(_BIG, received="0 11:30:00"),
    # A tag that has never had a good sample.
    Sample("dead", "-2 05:00:00", "-2 05:00:01", success=False),
    Sample("dead", "-2 06:00:00", "-2 06:00:01", 3.0, success=False),
    # Taken 40 days ago, arrived today; and one that arrived late, but too long ago to be told.
    Sample("old", "-40 12:00:00", "0 01:00:00", 7.0),
    Sample("ancient", "-20 00:00:00", "-8 00:00:00", 8.0),
    # Another factory with the same device, tag and register.
    _LYON,
    # A clock that runs ahead: a negative delay.
    replace(_LYON, tag="ahead", ts="0 20:00:00", received="0 12:00:00", value=1.5),
    # An hour late to the millisecond is not late, a millisecond more is.
    replace(_LYON, tag="sharp", ts="0 10:30:00", received="0 11:30:00", value=4.0),
    replace(_LYON, tag="edge", ts="0 09:59:59.999", received="0 11:00:00", value=1.0),
    # One timestamp in conflict: the first copy has no value.
    replace(_LYON, tag="edge", ts="0 10:00:00", received="0 11:00:00", value=2.0),
    replace(_LYON, tag="edge", ts="0 10:00:00", received="0 10:00:30", value=None),
    # The first and the last moment of a window of 31 days.
    replace(_LYON, tag="d31", ts="-31 00:00:00", received="-31 00:00:01", value=31.0),
    replace(_LYON, tag="d32", ts="-32 23:59:59.999", received="-31 00:00:01", value=32.0),
)

_CANARY = Sample("_canary-measurements", "0 07:00:00", "0 11:00:00", 1.0, success=False, gateway="canary")

#: What the canary left: delivered twice, bad and late, so that each query would show it.
CANARY_SAMPLES = (_CANARY, _CANARY, replace(_CANARY, factory="lyon"))


@dataclass(frozen=True)
class Update:
    """A configuration message as its gateway sent it."""

    message: str
    received: str
    factory: str = "krakow"
    gateway: str | None = "line-1"

    def line(self, now: datetime) -> str:
        """The line with the two keys that the transform adds at its end."""
        milliseconds = round(at(now, self.received).timestamp() * 1000)
        envelope = f'"_received_at":{milliseconds}'
        if self.gateway is not None:
            envelope += f',"_gateway":"{self.gateway}"'
        comma = "" if self.message == "{}" else ","
        return f"{self.message[:-1]}{comma}{envelope}}}\n"


_SECOND = Update('{"v":2,"name":"a, b"}', "0 09:00:00")

UPDATES = (
    Update('{"v":1}', "-10 10:00:00.123"),
    # Delivered twice by Firehose; then sent again by the gateway, unchanged.
    _SECOND,
    _SECOND,
    replace(_SECOND, received="0 11:00:00"),
    # An empty object, long ago.
    Update("{}", "-100 00:00:00", gateway="line-2"),
    # Without a gateway; with a line separator inside a string, where Java's dot would stop, and keys as in
    # the envelope.
    Update('{"x":"a\u2028b","deep":{"_received_at":5}}', "0 08:00:00", gateway=None),
    # Two in one millisecond.
    Update('{"a":1}', "0 10:00:00", "lyon", "press-shop"),
    Update('{"a":2}', "0 10:00:00", "lyon", "press-shop"),
)

#: What the canary left: behind the last message of a gateway.
CANARY_UPDATES = (
    Update('{"_canary":"first"}', "0 11:30:00"),
    Update('{"_canary":"second"}', "0 11:30:00", "lyon", "canary"),
)


@dataclass(frozen=True)
class Presence:
    """A row of the connections; the reason of one that ended, or the address of one that began."""

    ts: str
    version: int
    reason: str | None = None
    ip: str | None = None
    session: str = "s1"
    factory: str = "krakow"
    gateway: str = "line-1"
    lane: str = "measurements"

    def row(self, now: datetime) -> dict[str, Any]:
        """The row with the columns of the table."""
        has_ended = self.reason is not None
        return {
            "ts": at(now, self.ts),
            "event": "disconnected" if has_ended else "connected",
            "client_id": f"{self.factory}-{self.gateway}-{self.lane}",
            "gateway": self.gateway,
            "lane": self.lane,
            "session": self.session,
            "version": self.version,
            "reason": self.reason,
            "client_initiated": self.reason == "CLIENT_INITIATED_DISCONNECT" if has_ended else None,
            "ip_address": self.ip,
        }


_LOST = Presence("-1 09:00:00.5", 1, "CONNECTION_LOST")

PRESENCES = (
    # The end overtook the beginning, and came twice.
    _LOST,
    Presence("-1 08:00:00", 1, ip="10.0.0.1"),
    _LOST,
    # The same session goes on.
    Presence("-1 09:00:30", 2, ip="10.0.0.2"),
    # It began too long ago to be told.
    Presence("-40 00:00:00", 7, ip="10.0.0.3", session="s0", lane="configuration"),
    Presence("-3 12:00:00", 7, "MQTT_KEEP_ALIVE_TIMEOUT", session="s0", lane="configuration"),
    # Two devices with one client ID evict each other, each after ten minutes.
    *(
        event
        for number in range(6)
        for event in (
            Presence(
                f"0 10:{10 * number:02}:00",
                number,
                ip="10.1.0.1",
                session=f"d{number}",
                factory="lyon",
                gateway="press",
            ),
            Presence(
                f"0 10:{10 * number + 9:02}:00",
                number,
                "DUPLICATE_CLIENTID",
                session=f"d{number}",
                factory="lyon",
                gateway="press",
            ),
        )
    ),
)


@dataclass(frozen=True)
class Footage:
    """A clip of the archive, or a gap where footage was lost; moments as ``at`` reads them."""

    camera: str
    started: str
    ended: str
    factory: str = "krakow"
    lost_ms: int | None = None

    def described(self, now: datetime) -> tuple[str, dict[str, str]]:
        """Key and metadata of the object."""
        start_ms, end_ms = (round(at(now, moment).timestamp() * 1000) for moment in (self.started, self.ended))
        stream = Stream(f"lake_{self.factory}_{self.camera}", self.camera, 0, 0)
        prefix = keys.camera_prefix(self.factory, self.camera)
        if self.lost_ms is not None:
            metadata = keys.gap_metadata(stream, 8, end_ms, self.lost_ms, "expired", "run")
            return f"{prefix}{keys.stem(start_ms, 7)}.gap.json", metadata
        first = Fragment(7, start_ms, start_ms - 250, end_ms - start_ms, 1)
        clip = Clip(((first,),), planning.LENGTH, None, None)
        metadata = keys.clip_metadata(stream, clip, 60_000, keys.MP4, end_ms - start_ms, "", "run")
        return prefix + keys.clip_token(first), metadata

    def row(self, now: datetime) -> tuple[str, bytes]:
        """Key and bytes of its row, as the archiver writes them."""
        key, metadata = self.described(now)
        row_key, row = clip_rows.row_key(key), clip_rows.row(key, metadata, 1234)
        assert row_key is not None
        assert row is not None
        return row_key, row


FOOTAGE = (
    # Over midnight, on the day that it begins; and the one behind it.
    Footage("press-1", "-1 23:59:30", "0 00:00:30"),
    Footage("press-1", "0 00:00:30", "0 00:01:30"),
    # Nothing was archived for hours: footage expired.
    Footage("oven", "-1 19:59:00", "-1 20:00:00"),
    Footage("oven", "-1 19:59:58", "0 06:00:00", lost_ms=30_000_000),
    # The camera stopped; another one long ago.
    Footage("gate", "-1 22:00:00.125", "-1 22:01:00.125", "lyon"),
    Footage("yard", "-3 08:00:00", "-3 08:01:00", "lyon"),
    # What the canary filmed.
    Footage("canary", "-1 23:59:55", "-1 23:59:59"),
)


def objects(
    now: datetime, bucket_of: Mapping[str, str], samples: Sequence[Sample] = (*SAMPLES, *CANARY_SAMPLES)
) -> dict[tuple[str, str], bytes]:
    """The lake's objects by bucket and key.

    Args:
        now: the moment that the rows lie around.
        bucket_of: the bucket of each table.
        samples: the rows of measurements.
    """
    folders: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for sample in samples:
        folders[_folder(sample.factory, at(now, sample.ts))].append(sample.row(now))
    made = {
        (bucket_of["measurements"], f"{folder}delivery-{half}.parquet"): _parquet(rows[half::2], "measurements")
        for folder, rows in folders.items()
        for half in (0, 1)
        if rows[half::2]
    }
    made |= line_objects(now, bucket_of, (*UPDATES, *CANARY_UPDATES))
    events: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for presence in PRESENCES:
        events[f"connections/{_folder(presence.factory, at(now, presence.ts))}"].append(presence.row(now))
    for folder, rows in events.items():
        made[bucket_of["connections"], f"{folder}delivery-1.parquet"] = _parquet(rows, "connections")
    for footage in FOOTAGE:
        key, row = footage.row(now)
        made[bucket_of["clips"], key] = row
        made[bucket_of["clips"], footage.described(now)[0]] = b"no row, but video"
    return made


def line_objects(
    now: datetime, bucket_of: Mapping[str, str], updates: Sequence[Update]
) -> dict[tuple[str, str], bytes]:
    """The objects of configuration by bucket and key, lines in the order of the updates."""
    lines: dict[str, list[str]] = defaultdict(list)
    for update in updates:
        lines[_folder(update.factory, at(now, update.received))].append(update.line(now))
    return {
        (bucket_of["configuration"], f"{folder}delivery-1"): "".join(texts).encode() for folder, texts in lines.items()
    }


def _folder(factory: str, moment: datetime) -> str:
    return f"factory={factory}/year={moment:%Y}/month={moment:%m}/day={moment:%d}/"


def _parquet(rows: Sequence[Mapping[str, Any]], table: str) -> bytes:
    kinds: dict[str, Any] = {
        "string": pa.string(),
        "timestamp": pa.timestamp("ms"),
        "boolean": pa.bool_(),
        "double": pa.float64(),
        "bigint": pa.int64(),
    }
    schema = pa.schema([(column["name"], kinds[column["type"]]) for column in schema_of(table)["columns"]])
    plain = [{name: _without_zone(value) for name, value in row.items()} for row in rows]
    target = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(plain, schema=schema), target, compression="snappy")
    return target.getvalue()


def _without_zone(value: Any) -> Any:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def schema_of(table: str) -> dict[str, Any]:
    """The schema file of a table."""
    schema: dict[str, Any] = json.loads((ROOT / "glue_schemas" / f"{table}.json").read_text())
    return schema


def tables(bucket_of: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The lake's tables in the shape of Glue's TableInput."""
    for name, bucket in bucket_of.items():
        schema = schema_of(name)
        serde = _SERDES[schema["format"]]
        location = f"s3://{bucket}/{schema.get('prefix', '')}factory="
        yield {
            "Name": schema["table"],
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {
                "projection.enabled": "true",
                "projection.factory.type": "enum",
                "projection.factory.values": ",".join(FACTORIES),
                "projection.year.type": "integer",
                "projection.year.range": "2000,2100",
                "projection.year.digits": "4",
                "projection.month.type": "integer",
                "projection.month.range": "1,12",
                "projection.month.digits": "2",
                "projection.day.type": "integer",
                "projection.day.range": "1,31",
                "projection.day.digits": "2",
                "storage.location.template": (f"{location}${{factory}}/year=${{year}}/month=${{month}}/day=${{day}}/"),
            },
            "PartitionKeys": _columns(schema["partition_keys"]),
            "StorageDescriptor": {
                "Columns": _columns(schema["columns"]),
                "Location": f"{location}/",
                "SerdeInfo": {"SerializationLibrary": serde[0], "Parameters": serde[1]},
            },
        }


def view_sql(table: str, prefix: str = "") -> str:
    """The query of a table's view without repeats, as ``modules/glue_catalog/views.tf`` makes it.

    Args:
        table: the table, by its schema file.
        prefix: what another table's name begins with that takes its place.
    """
    schema = schema_of(table)
    columns = [*schema["columns"], *schema["partition_keys"]]
    quoted = {column["name"]: f'"{column["name"]}"' for column in columns}
    identity = [name for column, name in zip(columns, quoted.values(), strict=True) if not _arrival(column)]
    shown = [
        f"min({name}) AS {name}" if _arrival(column) else name
        for column, name in zip(columns, quoted.values(), strict=True)
    ]
    shown.append(f'{DAY} AS "date"')
    return _filled(
        "distinct.sql",
        table=f'"{prefix}{schema["table"]}"',
        unless_canary=_UNLESS_CANARY.get(table, ""),
        columns=",\n    ".join(shown),
        identity=",\n    ".join(identity),
    )


def in_force_sql(prefix: str = "") -> str:
    """The query of the view of what was in force."""
    return _filled("in_force.sql", table=f'"{prefix}configuration"')


def moments_sql(prefix: str = "") -> str:
    """The query of the view of moments."""
    schema = schema_of("measurements")
    return _filled(
        "moments.sql",
        samples=f'"{prefix}measurements_distinct"',
        clips=f'"{prefix}clips"',
        date=DAY,
        columns=",\n    ".join(f'"{column["name"]}"' for column in schema["columns"]),
        keys=",\n    ".join(f'"{column["name"]}"' for column in [*schema["partition_keys"], _DATE]),
    )


def _filled(file: str, **values: str) -> str:
    """The query of a view's file, as Terraform's templatefile() and views.tf make it."""
    text = re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], (VIEWS / file).read_text())
    return "\n".join(line for line in text.strip().split("\n") if not line.strip().startswith("--"))


def _arrival(column: Mapping[str, Any]) -> bool:
    return column.get("source") == "_received_at"


def views(database: str) -> Iterator[dict[str, Any]]:
    """The lake's views in the shape of Glue's TableInput."""
    for name in TABLES:
        schema = schema_of(name)
        yield _view(
            database, f"{name}_distinct", view_sql(name), [*schema["columns"], *schema["partition_keys"], _DATE]
        )
    yield _view(database, "configuration_in_force", in_force_sql(), _IN_FORCE)
    schema = schema_of("measurements")
    columns = [*schema["columns"], *_MOMENTS, *schema["partition_keys"], _DATE]
    yield _view(database, "moments", moments_sql(), columns)


def _view(database: str, name: str, sql: str, columns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    kinds = {"string": "varchar", "int": "integer", "timestamp": "timestamp(3)"}
    document = {
        "originalSql": sql,
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": column["name"], "type": kinds.get(column["type"], column["type"])} for column in columns],
    }
    return {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "ViewOriginalText": f"/* Presto View: {_base64(json.dumps(document))} */",
        "ViewExpandedText": "/* Presto View */",
        "StorageDescriptor": {
            "Columns": _columns(columns),
            "SerdeInfo": {"Name": "-", "SerializationLibrary": "-"},
        },
    }


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _columns(columns: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [{"Name": column["name"], "Type": column["type"]} for column in columns]
