"""What a moment asks Athena: the samples next to it, and clips that three calls to S3 did not find.

The queries name their days, so what they scan goes with the range and not with the lake.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from clip_fetch import keys
from clip_fetch.planning import MAX_FRAGMENT_MS
from clip_fetch.rows import GAP_ROW
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
# A clip or gap lies under the day on which it begins by arrival, at most this far from a moment in it.
_CLIP_DAYS = 1
#: Rows of clips that one answer holds.
MOST_CLIPS = 20
# How Athena says that there is no such table (Athena User Guide, "Error catalog").
_NO_TABLE = "TABLE_NOT_FOUND"


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

    def clips(self, factory: str, camera: str, at_ms: int, by_arrival: bool) -> list[tuple[str, dict[str, str]]]:
        """Clips and gaps of a camera near a moment: keys, and what the objects' metadata say.

        They are those that end behind the moment, the first ones; where there are none, others of these days. A lake
        whose schema files leave out the table has none.
        """
        try:
            found = self._rows(clips_sql(factory, camera, at_ms, by_arrival))
        except athena.QueryError as error:
            if _NO_TABLE not in str(error):
                raise
            return []
        return [(str(row["key"]), _metadata(row)) for row in found]

    def _rows(self, sql: str) -> list[Row]:
        result = athena.run(self.client, sql, self.workgroup, self.database)
        self.scanned_bytes += result.bytes_scanned
        return result.records


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


def clips_sql(factory: str, camera: str, at_ms: int, by_arrival: bool) -> str:
    """The query of the clips and gaps near a moment."""
    window = Window(factory, *days_between(at_ms, at_ms + 1, _CLIP_DAYS, _CLIP_DAYS))
    start = "started_at" if by_arrival else "coalesce(producer_started_at, started_at)"
    length = "coalesce(nullif(duration_ms, 0), date_diff('millisecond', started_at, ended_at))"
    return f"""
SELECT kind, key, started_at, ended_at, producer_started_at, duration_ms, fragments, format, flags, lost_ms
FROM (
    SELECT
        kind, key, started_at, ended_at, producer_started_at, duration_ms, fragments, format, flags, lost_ms,
        CASE WHEN kind = '{GAP_ROW}' THEN date_add('millisecond', -coalesce(lost_ms, 0), ended_at)
            ELSE {start} END AS begins_at,
        CASE WHEN kind = '{GAP_ROW}' THEN ended_at
            ELSE date_add('millisecond', {length}, {start}) END AS over_at
    FROM clips
    WHERE {window.condition()}
        AND camera = {text(camera)}
)
WHERE begins_at IS NOT NULL
ORDER BY CASE WHEN over_at > {moment(at_ms - MAX_FRAGMENT_MS)} THEN 0 ELSE 1 END, begins_at, key
LIMIT {MOST_CLIPS}
"""  # noqa: S608 - numbers, moments and quoted names


def _metadata(row: Row) -> dict[str, str]:
    """A row in the words of its object's metadata."""
    if row["kind"] == GAP_ROW:
        said = {
            "format": keys.GAP,
            "resume-start": _iso(row["ended_at"]),
            "lost-ms": row["lost_ms"] or 0,
            "flags": row["flags"] or "",
        }
    else:
        said = {
            "format": row["format"],
            "start": _iso(row["started_at"]),
            "end": _iso(row["ended_at"]),
            "producer-start": _iso(row["producer_started_at"]),
            "duration-ms": row["duration_ms"] or 0,
            "fragments": row["fragments"] or 1,
        }
    return {name: str(value) for name, value in said.items() if value is not None}


def _iso(at: datetime | None) -> str | None:
    return None if at is None else keys.iso(epoch_ms(at))


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
