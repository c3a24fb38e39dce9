"""The queries of a moment on the local engine: what they answer, and which days they read."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factory_lake.moment.footage import Clock
from factory_lake.moment.tables import Question, samples_sql
from localcloud.testing.memory_storage import MemoryStorage
from tests.terraform.queries.rows import tables
from tests.unit.factory_lake.coverage.test_sql import BUCKETS, answer

AT = 1_772_600_000_000
DAY_MS = 86_400_000


def time_of(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC).replace(tzinfo=None)


def day(at_ms: int) -> str:
    return time_of(at_ms).strftime("factory=krakow/year=%Y/month=%m/day=%d")


def storage(samples: list[tuple[str, str, int, int, float]]) -> MemoryStorage:
    """A lake with samples: device, tag, ts, received_at, value."""
    objects = {}
    for number, (device, tag, ts_ms, received_ms, value) in enumerate(samples):
        columns = {
            "device_name": pa.array([device]),
            "tag_name": pa.array([tag]),
            "ts": pa.array([time_of(ts_ms)], pa.timestamp("ms")),
            "received_at": pa.array([time_of(received_ms)], pa.timestamp("ms")),
            "success": pa.array([True]),
            "value": pa.array([value]),
            "value_text": pa.array([None], pa.string()),
            "gateway": pa.array(["line-1"]),
        }
        body = io.BytesIO()
        pq.write_table(pa.table(columns), body)
        objects["lake-measurements", f"{day(ts_ms)}/{number}.parquet"] = body.getvalue()
    return MemoryStorage(tables={("lake", table["Name"]): table for table in tables(BUCKETS)}, objects=objects)


def shown(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(row["device_name"], row["tag_name"], row["side"], row["value"]) for row in found]


SAMPLES = [
    ("press", "oil", AT - 40_000, AT - 39_000, 1.0),
    ("press", "oil", AT - 9_000, AT - 8_000, 2.0),
    ("press", "oil", AT - 9_000, AT - 7_000, 2.0),  # came twice
    ("press", "oil", AT, AT + 500, 3.0),
    ("press", "oil", AT + 10, AT + 20_000, 4.0),
    ("press", "oil", AT + 2_000, AT + 2_500, 5.0),
    ("oven", "heat", AT - 29_000, AT - 28_000, 6.0),
    ("oven", "heat", AT - 31_000, AT - 1_000, 7.0),
    ("o'ven", "heat", AT - 5, AT - 4, 8.0),
]


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        (
            "gateway",
            [
                ("o'ven", "heat", "before", 8.0),
                ("oven", "heat", "before", 6.0),
                ("press", "oil", "before", 3.0),
                ("press", "oil", "after", 4.0),
            ],
        ),
        (
            "arrival",
            [
                ("o'ven", "heat", "before", 8.0),
                ("oven", "heat", "before", 7.0),
                ("press", "oil", "before", 2.0),
                ("press", "oil", "after", 3.0),
            ],
        ),
    ],
)
def test_the_last_sample_before_and_the_first_after(clock: Clock, expected: list[tuple[Any, ...]]) -> None:
    lake = storage(SAMPLES)
    assert shown(answer(lake, samples_sql(Question("krakow", AT, 30_000, clock)))) == expected


def test_devices_and_tags_are_chosen_and_quoted() -> None:
    lake = storage(SAMPLES)
    asked = Question("krakow", AT, 30_000, "gateway", ("o'ven",), ("heat", "oil"))
    assert shown(answer(lake, samples_sql(asked))) == [("o'ven", "heat", "before", 8.0)]


def test_only_the_days_of_the_range_are_read() -> None:
    lake = storage([*SAMPLES, ("press", "oil", AT - 3 * DAY_MS, AT, 9.0)])
    answer(lake, samples_sql(Question("krakow", AT, 30_000, "gateway")))
    assert {key.rpartition("/")[0] for _, key in lake.read} == {day(AT)}
