"""Measure a coverage of a day on the local engine; run ``python -m harness.bench.coverage``.

A day of 1,000 tags with a sample every 24 s is 3.6 million samples. What is timed are the queries of runs and of
clocks, which read all of them, and the reckoning of what the first one answers. The figures are reported, and no bar:
a machine's speed is none.
"""

from __future__ import annotations

import io
import json
import os
import time
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow.parquet as pq

from factory_lake.coverage import sql
from factory_lake.coverage.evidence import FactoryEvidence
from factory_lake.coverage.states import Range, timelines
from factory_lake.coverage.tables import histories
from harness.arguments import Parser, count, result_file
from localcloud.athena.engine import Query
from localcloud.testing.memory_storage import MemoryStorage
from localcloud.testing.tables import table
from scripts.package import ROOT

RESULT = ROOT / "build" / "bench" / "coverage.json"
DAY = datetime(2026, 3, 9, tzinfo=UTC)
DAY_MS = 86_400_000
_FOLDER = "factory=krakow/year=2026/month=03/day=09"
_GLUE = {"ts": "timestamp", "received_at": "timestamp", "success": "boolean", "value": "double"}
_COLUMNS = ("device_id", "device_name", "register_id", "tag_name", "ts", "success", "value", "received_at", "gateway")
_PROJECTION = {
    "factory": {"type": "enum", "values": "krakow"},
    "year": {"type": "integer", "range": "2024,2035", "digits": "4"},
    "month": {"type": "integer", "range": "1,12", "digits": "2"},
    "day": {"type": "integer", "range": "1,31", "digits": "2"},
}
# One object an hour. Ten tags are silent for one of them; every sample has up to 0.2 s of jitter.
_SAMPLES = """
    SELECT
        'd-' || (t // 10) AS device_id, 'machine ' || (t // 10) AS device_name, 'r-' || t AS register_id,
        'tag-' || t AS tag_name, ts, true AS success, random() AS value, ts + INTERVAL 1 SECOND AS received_at,
        'line-' || (t // 500) AS gateway
    FROM (
        SELECT
            t, (TIMESTAMP '2026-03-09 00:00:00' + to_milliseconds(
                CAST({hour} * 3600000 + s * {every} * 1000 + t % 1000 + hash(s * 1000 + t) % 200 AS bigint)
            ))::TIMESTAMP_MS AS ts
        FROM range({tags}) AS tags (t), range(3600 // {every}) AS samples (s)
        WHERE NOT ({hour} = 5 AND t < 10)
    )
"""


def main() -> None:
    """Make the day, ask, reckon, and report."""
    parser = Parser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tags", type=count, default=1000)
    parser.add_argument("--every", type=count, default=24, help="seconds between two samples of a tag")
    parser.add_argument("--result", type=result_file, default=RESULT)
    given = parser.parse_args()
    objects = _objects(given.tags, given.every)
    begin_ms = round(DAY.timestamp() * 1000)
    window = sql.Window("krakow", *sql.days_between(begin_ms, begin_ms + DAY_MS, 7, 1))
    storage = MemoryStorage({("lake", "measurements"): _table()}, objects)

    began, processor = time.monotonic(), time.process_time()
    answer = Query(sql.runs(window, begin_ms, begin_ms + DAY_MS, ()), "lake").run(storage, storage)
    clocks = Query(sql.clocks(window, begin_ms, begin_ms + DAY_MS, ()), "lake").run(storage, storage)
    query_seconds, query_processor = time.monotonic() - began, time.process_time() - processor
    began = time.monotonic()
    names = [column.name for column in answer.columns]
    rows = [dict(zip(names, map(_value, names, row), strict=True)) for row in answer.rows]
    known = tuple(histories(rows, begin_ms, begin_ms + DAY_MS))
    span = Range(begin_ms, begin_ms + DAY_MS, begin_ms + 2 * DAY_MS, begin_ms - 7 * DAY_MS)
    told = list(timelines(FactoryEvidence("krakow", (), known), span))
    found: dict[str, Any] = {
        "tags": given.tags,
        "samples": given.tags * (86_400 // given.every),
        "object_bytes": sum(map(len, objects.values())),
        "scanned_bytes": answer.bytes_scanned + clocks.bytes_scanned,
        "rows": len(rows),
        "query_seconds": round(query_seconds, 1),
        "query_processor_seconds": round(query_processor, 1),
        "reckoning_seconds": round(time.monotonic() - began, 1),
        "timelines": len(told),
        "load_average": round(os.getloadavg()[0], 1),
    }
    given.result.parent.mkdir(parents=True, exist_ok=True)
    given.result.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


def _value(name: str, text: str | None) -> Any:
    if text is None or name in ("gateway", "device_name", "tag_name"):
        return text
    return datetime.fromisoformat(text) if name.endswith("ts") else int(text)


def _objects(tags: int, every: int) -> dict[tuple[str, str], bytes]:
    made = {}
    for hour in range(24):
        body = io.BytesIO()
        pq.write_table(duckdb.sql(_SAMPLES.format(hour=hour, tags=tags, every=every)).to_arrow_table(), body)
        made["test", f"{_FOLDER}/{hour}.parquet"] = body.getvalue()
    return made


def _table() -> dict[str, Any]:
    settings = {f"projection.{key}.{name}": value for key, one in _PROJECTION.items() for name, value in one.items()}
    template = "/".join(f"{key}=${{{key}}}" for key in _PROJECTION)
    return table(
        {name: _GLUE.get(name, "string") for name in _COLUMNS},
        partitions={key: "string" if key == "factory" else "int" for key in _PROJECTION},
        parameters={
            **settings,
            "projection.enabled": "true",
            "storage.location.template": f"s3://test/{template}/",
        },
    )


if __name__ == "__main__":
    main()
