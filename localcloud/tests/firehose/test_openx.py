"""JSON to rows to Parquet: the SerDe's rules, what does not fit, and what readers find in the file."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.firehose import parquet
from localcloud.firehose.errors import RecordError
from localcloud.firehose.openx import Column, Deserializer, timestamp_nanos

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
NOON_S = int(NOON.timestamp())


def deserializer(key_mappings: dict[str, str] | None = None, **columns: str) -> Deserializer:
    return Deserializer([Column(name, kind) for name, kind in columns.items()], key_mappings or {})


def one(value: Any, kind: str) -> Any:
    """What a JSON value becomes in a column of a type."""
    ((converted,),) = deserializer(v=kind).rows(json.dumps({"v": value}).encode())
    return converted


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("string", "text", "text"),
        ("string", 12, "12"),
        ("string", True, "true"),
        ("string", {"a": [1, "ł"]}, '{"a":[1,"ł"]}'),
        ("boolean", True, True),
        ("boolean", "FALSE", False),
        ("tinyint", -128, -128),
        ("int", 2**31 - 1, 2**31 - 1),
        ("int", "17", 17),
        ("bigint", -(2**63), -(2**63)),
        ("double", 1.5, 1.5),
        ("double", 3, 3.0),
        ("double", "-1e3", -1000.0),
        ("float", 0.25, 0.25),
        ("date", "2026-03-09", date(2026, 3, 9)),
        ("double", None, None),
    ],
)
def test_a_value_of_the_columns_type_is_taken(kind: str, value: Any, expected: Any) -> None:
    assert one(value, kind) == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("boolean", 1),
        ("boolean", "yes"),
        ("tinyint", 128),
        ("int", 2**31),
        ("int", 1.0),
        ("int", "1.5"),
        ("int", True),
        ("bigint", 2**63),
        ("double", "text"),
        ("double", "nan"),
        ("double", " 1"),
        ("double", "1_0"),
        ("double", True),
        ("double", [1]),
        ("double", 10**400),
        ("date", 20260309),
        ("date", "2026-3-9"),
        ("timestamp", "yesterday"),
        ("timestamp", "2026-02-30 00:00:00"),
        ("timestamp", "2026-03-09T12:00:00+01:00"),
        ("timestamp", True),
        ("timestamp", 2**63),
        ("timestamp", 1e10),
        ("timestamp", "9999-12-31 00:00:00"),
    ],
)
def test_a_value_that_does_not_fit_fails_and_names_the_column_alone(kind: str, value: Any) -> None:
    with pytest.raises(RecordError) as failure:
        one(value, kind)
    assert failure.value.code == "DataFormatConversion.MalformedData"
    assert failure.value.message.endswith("column v")


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-09T12:00:00Z",
        "2026-03-09T12:00:00.000Z",
        "2026-3-9 12:00:00",
        "2026-03-09 12:00:00.000000000",
        NOON_S,
        NOON_S * 1000,
        float(NOON_S),
        str(NOON_S),
        str(NOON_S * 1000),
        f"{NOON_S}.0",
    ],
)
def test_every_documented_form_of_a_timestamp_is_the_same_instant(value: Any) -> None:
    assert timestamp_nanos(value) == NOON_S * 10**9


@pytest.mark.parametrize(
    ("value", "nanos"),
    [
        ("2026-03-09T12:00:00.123456789Z", 123_456_789),
        ("2026-03-09 12:00:00.1", 100_000_000),
        (NOON_S * 1000 + 7, 7_000_000),
        (NOON_S + 0.123, 123_000_000),
    ],
)
def test_fractions_of_a_second_are_kept(value: Any, nanos: int) -> None:
    assert timestamp_nanos(value) == NOON_S * 10**9 + nanos


@pytest.mark.parametrize("sign", [1, -1])
def test_an_integer_nearer_to_0_than_a_million_million_is_seconds(sign: int) -> None:
    """The SerDe takes milliseconds of before September 2001 for seconds. A minus sign is no digit."""
    assert timestamp_nanos(sign * 9_000_000_000) == sign * 9_000_000_000 * 10**9
    assert timestamp_nanos(sign * 1_000_000_000_000) == sign * 10**18
    assert one(sign * 987_654_321, "timestamp") == sign * 987_654_321 * 10**9


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (946_684_800_000, datetime(2156, 12, 27, tzinfo=UTC)),  # meant as 2000-01-01, as seen on AWS
        (-999_999_999_999, datetime(1847, 3, 7, tzinfo=UTC)),
        (9_223_372_036_855, datetime(1677, 9, 21, tzinfo=UTC)),
        (10**17, datetime(1976, 5, 8, tzinfo=UTC)),
    ],
)
def test_what_overflows_wraps_without_an_error(value: int, seen: datetime) -> None:
    nanos = timestamp_nanos(value)
    assert (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=nanos // 10**9)).date() == seen.date()


def test_keys_are_lowered_first_and_then_mapped() -> None:
    reader = deserializer({"device_id": "deviceid"}, device_id="string", value="int")
    assert reader.rows(b'{"deviceID":"a","VALUE":1,"other":2}') == [("a", 1)]


def test_a_mapping_with_capitals_finds_nothing_among_lowered_keys() -> None:
    assert deserializer({"device_id": "deviceID"}, device_id="string").rows(b'{"deviceID":"a"}') == [(None,)]


@pytest.mark.parametrize(
    "data",
    [
        b'{"v":1}{"v":2}{"v":3}',
        b'{"v":1}\n{"v":2}\n{"v":3}\n',
        b'{"v":1}\n{"v":2}\n{"v":3}',
        b'{"v":1}\r\n{"v":2}\r\n{"v":3}\r\n',
        b'\n\n{"v":1}\n\n \t\r\n{"v":2}{"v":3}\n\n',
        b'{"v":\n1}{\r\n"v"\t:2\n}\n{"v":3}',
        b'{"v":1,"other":"}{"}{"v":2,"other":"\\n"}{"v":3}',
    ],
    ids=["one line", "lines", "no last line feed", "CRLF", "blank lines", "breaks between tokens", "braces in texts"],
)
def test_several_objects_in_a_record_are_several_rows(data: bytes) -> None:
    assert deserializer(v="int").rows(data) == [(1,), (2,), (3,)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "DataFormatConversion.MalformedData"),
        (b" \n", "DataFormatConversion.MalformedData"),
        (b'[{"v":1}]', "DataFormatConversion.MalformedData"),
        (b"7", "DataFormatConversion.MalformedData"),
        (b"\xff", "DataFormatConversion.ParseError"),
        (b'{"v":', "DataFormatConversion.ParseError"),
        (b'{"v":NaN}', "DataFormatConversion.ParseError"),
        (b'{"v":1} tail', "DataFormatConversion.ParseError"),
        (b'{"v":1},{"v":2}', "DataFormatConversion.ParseError"),
        (b'{"v":1}\n{"v":2', "DataFormatConversion.ParseError"),
        (b'{"v":1}\n\xef\xbb\xbf{"v":2}', "DataFormatConversion.ParseError"),
        (b'{"v":1}\n[{"v":2}]', "DataFormatConversion.MalformedData"),
        (b'{"v":1}\nnull\n', "DataFormatConversion.MalformedData"),
        (b'{"v":1}\n{"v":"x"}\n{"v":3}\n', "DataFormatConversion.MalformedData"),
        (b"[" * 100_000, "DataFormatConversion.ParseError"),
    ],
)
def test_what_is_no_json_object_fails(data: bytes, code: str) -> None:
    with pytest.raises(RecordError) as failure:
        deserializer(v="int").rows(data)
    assert failure.value.code == code


def test_the_file_is_what_firehose_writes() -> None:
    """Optional columns, Snappy, timestamps as INT96."""
    reader = deserializer(ts="timestamp", value="double", name="string")
    body = parquet.write(reader.columns, reader.rows(b'{"ts":%d,"value":1.5}' % (NOON_S * 1000)))
    file = pq.ParquetFile(io.BytesIO(body))
    column = file.metadata.row_group(0).column(0)
    assert (column.physical_type, column.compression) == ("INT96", "SNAPPY")
    assert file.schema.column(2).physical_type == "BYTE_ARRAY"
    assert all(file.schema.column(index).max_definition_level == 1 for index in range(3))


_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "ts": st.datetimes(datetime(2001, 9, 10), datetime(2262, 1, 1)).map(  # noqa: DTZ001 - UTC is set below
                lambda time: time.replace(tzinfo=UTC, microsecond=time.microsecond // 1000 * 1000)
            ),
            "value": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "name": st.none() | st.text(st.characters(exclude_categories=["Cs"])),
            "count": st.none() | st.integers(-(2**63), 2**63 - 1),
            "good": st.none() | st.booleans(),
        }
    ),
    min_size=1,
    max_size=20,
)


@given(_ROWS)
def test_duckdb_reads_back_what_the_records_said(rows: list[dict[str, Any]]) -> None:
    reader = deserializer(ts="timestamp", value="double", name="string", count="bigint", good="boolean")
    converted = []
    for row in rows:
        milliseconds = (row["ts"] - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
        converted += reader.rows(json.dumps({**row, "ts": milliseconds}).encode())
    table = pq.read_table(io.BytesIO(parquet.write(reader.columns, converted)))
    assert [{**row, "ts": row["ts"].replace(tzinfo=UTC)} for row in table.to_pylist()] == rows


def test_duckdb_and_arrow_see_the_same_timestamp(tmp_path: Path) -> None:
    reader = deserializer(ts="timestamp")
    path = tmp_path / "one.parquet"
    path.write_bytes(parquet.write(reader.columns, reader.rows(b'{"ts":"2026-03-09 12:00:00.007"}')))
    (found,) = duckdb.execute("SELECT ts FROM read_parquet(?)", [str(path)]).fetchone() or (None,)
    assert found == datetime(2026, 3, 9, 12, 0, 0, 7000)  # noqa: DTZ001 - Parquet's timestamps have no zone
