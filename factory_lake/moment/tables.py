"""What a moment asks Athena: the samples next to it.

The query names its days, so what it scans goes with the range and not with the lake.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from factory_lake import query as athena
from factory_lake.canary.marks import SAMPLE_OF_A_PLANT
from factory_lake.coverage.sql import Window, days_between
from factory_lake.coverage.tables import epoch_ms
from factory_lake.coverage.times import moment, text
from factory_lake.moment.footage import Clock

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient

Row = Mapping[str, Any]
# A sample that a gateway kept back arrives on a later day; by arrival it is searched this many days back.
_LATE_DAYS = 1
_AHEAD_DAYS = 1


@dataclass(frozen=True)
class Question:
    """What is asked of the tables."""

    factory: str
    at_ms: int
    around_ms: int
    clock: Clock
    devices: Collection[str] = ()
    tags: Collection[str] = ()


@dataclass
class Tables:
    """Asks Athena, and counts what that scans."""

    client: "AthenaClient"
    workgroup: str
    database: str
    scanned_bytes: int = 0

    def samples(self, asked: Question) -> list[dict[str, Any]]:
        """The last sample of each tag at or before the moment and the first one after it, with their ages."""
        return [_sample(row, asked) for row in self._rows(samples_sql(asked))]

    def _rows(self, sql: str) -> list[Row]:
        result = athena.run(self.client, sql, self.workgroup, self.database)
        self.scanned_bytes += result.bytes_scanned
        return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def samples_sql(asked: Question) -> str:
    """The query of the samples next to a moment."""
    column = "received_at" if asked.clock == "arrival" else "ts"
    before, after = (_LATE_DAYS, _AHEAD_DAYS) if asked.clock == "arrival" else (0, 0)
    from_ms, to_ms = asked.at_ms - asked.around_ms, asked.at_ms + asked.around_ms
    window = Window(asked.factory, *days_between(from_ms, to_ms + 1, before, after))
    more = _only("device_name", asked.devices) + _only("tag_name", asked.tags)
    at = moment(asked.at_ms)
    return f"""
WITH near AS (
    SELECT
        gateway, device_name, tag_name, ts, received_at, success, value, value_text,
        {column} AS at,
        CASE WHEN {column} <= {at} THEN 'before' ELSE 'after' END AS side,
        abs(date_diff('millisecond', {at}, {column})) AS distance_ms
    FROM measurements
    WHERE {window.condition()}{more}
        AND {SAMPLE_OF_A_PLANT}
        AND {column} >= {moment(from_ms)} AND {column} <= {moment(to_ms)}
),
ranked AS (
    SELECT
        gateway, device_name, tag_name, ts, received_at, success, value, value_text, at, side,
        row_number() OVER (
            PARTITION BY gateway, device_name, tag_name, side ORDER BY distance_ms, received_at DESC, ts DESC
        ) AS place
    FROM near
)
SELECT gateway, device_name, tag_name, side, ts, received_at, success, value, value_text
FROM ranked
WHERE place = 1
ORDER BY gateway, device_name, tag_name, side DESC
"""  # noqa: S608 - numbers, moments and quoted names


def _sample(row: Row, asked: Question) -> dict[str, Any]:
    taken_ms, received_ms = _epoch_ms(row["ts"]), _epoch_ms(row["received_at"])
    told_ms = received_ms if asked.clock == "arrival" else taken_ms
    return {
        "factory": asked.factory,
        "gateway": row["gateway"],
        "device": row["device_name"],
        "tag": row["tag_name"],
        "side": row["side"],
        "value": row["value_text"] if row["value"] is None else row["value"],
        "success": row["success"],
        "taken_ms": taken_ms,
        "received_ms": received_ms,
        "age_ms": None if told_ms is None else asked.at_ms - told_ms,
    }


def _epoch_ms(at: datetime | None) -> int | None:
    return None if at is None else epoch_ms(at)


def _only(column: str, wanted: Collection[str]) -> str:
    names = ", ".join(map(text, sorted(wanted)))
    return f"\n        AND {column} IN ({names})" if names else ""
