"""What a coverage asks Athena: runs of samples, clocks that are off, arrivals of configuration, connections.

Samples never come back, only where a tag's run of samples begins, so the answer's size goes with the number of
gaps and not with that of samples. The SQL means the same on Trino and on the local engine.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from factory_lake.canary.marks import LINE_OF_A_PLANT, SAMPLE_OF_A_PLANT
from factory_lake.coverage.times import moment, text

#: A tag's longest pauses that come back; the shorter ones count as data.
LONGEST_PAUSES = 500
#: A clock is off that is by more than this, steadily: in so many minutes, from each to the next by this at most.
CLOCK_OFF_MS, LEAST_MINUTES, STEADY_MS = 60_000, 3, 30_000
#: Minutes without arrivals that end such a time.
MOST_MINUTES = 5
#: Rows of one answer.
MOST_ROWS = 200_000


@dataclass(frozen=True)
class Window:
    """Which days of which factory are read."""

    factory: str
    first_day: date
    last_day: date  # included

    def condition(self) -> str:
        """The predicate that leaves only the partitions of these days."""
        return (
            f"factory = {text(self.factory)}\n"
            f"        AND year BETWEEN {self.first_day.year} AND {self.last_day.year}\n"
            "        AND CAST(date_add('day', day - 1, "
            "date_add('month', 12 * (year - 1970) + month - 1, DATE '1970-01-01')) AS date)\n"
            f"            BETWEEN DATE '{self.first_day}' AND DATE '{self.last_day}'"
        )


def day_of(at_ms: int) -> date:
    """The UTC day of a moment."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).date()


def days_between(from_ms: int, to_ms: int, before: int = 0, after: int = 0) -> tuple[date, date]:
    """First and last day of a range whose end is excluded, and more days around it."""
    return day_of(from_ms) - timedelta(days=before), day_of(to_ms - 1) + timedelta(days=after)


def runs(window: Window, from_ms: int, to_ms: int, gateways: Collection[str]) -> str:
    """Where the runs of each tag's samples begin, and how the tag's intervals are spread.

    A row is the first sample of a run: it comes after a pause of more than one and a half median intervals, or is
    the first that arrived late or in time again. A tag's first sample at or behind either end of the range, and its
    last one, are rows as well. A sample that came twice counts once, as it first arrived.
    """
    more = _only(gateways)
    begin, end = moment(from_ms), moment(to_ms)
    tag = "PARTITION BY gateway, device_name, tag_name"
    return f"""
WITH samples AS (
    SELECT gateway, device_name, tag_name, ts, min(received_at) AS received_at
    FROM measurements
    WHERE {window.condition()}{more}
        AND gateway IS NOT NULL
        AND {SAMPLE_OF_A_PLANT}
    GROUP BY gateway, device_name, tag_name, ts
),
judged AS (
    SELECT
        gateway, device_name, tag_name, ts,
        CASE WHEN date_trunc('day', received_at) > date_trunc('day', ts) THEN 1 ELSE 0 END AS late
    FROM samples
),
steps AS (
    SELECT
        gateway, device_name, tag_name, ts, late,
        lag(ts) OVER ({tag} ORDER BY ts) AS previous_ts,
        lag(late) OVER ({tag} ORDER BY ts) AS previous_late,
        row_number() OVER ({tag} ORDER BY ts) AS place,
        count(*) OVER ({tag}) AS samples
    FROM judged
),
ranked AS (
    SELECT
        gateway, device_name, tag_name, ts, late, previous_ts, previous_late, place, samples,
        coalesce(date_diff('millisecond', previous_ts, ts), 0) AS pause_ms,
        row_number() OVER (
            {tag} ORDER BY coalesce(date_diff('millisecond', previous_ts, ts), 0), ts
        ) AS pause_rank
    FROM steps
),
habits AS (
    SELECT
        gateway, device_name, tag_name, ts, late, previous_ts, previous_late, place, samples, pause_ms, pause_rank,
        max(CASE WHEN pause_rank = 2 + floor((samples - 2) * 1e-1) THEN pause_ms END) OVER ({tag}) AS tenth_ms,
        max(CASE WHEN pause_rank = 2 + floor((samples - 2) * 5e-1) THEN pause_ms END) OVER ({tag}) AS median_ms,
        max(CASE WHEN pause_rank = 2 + floor((samples - 2) * 9e-1) THEN pause_ms END) OVER ({tag}) AS ninetieth_ms,
        max(CASE WHEN pause_rank = 2 + floor((samples - 2) * 99e-2) THEN pause_ms END) OVER ({tag}) AS rare_ms,
        max(CASE WHEN ts < {begin} THEN pause_ms END) OVER ({tag}) AS longest_before_ms
    FROM ranked
)
SELECT
    gateway, device_name, tag_name,
    ts, previous_ts, late, place, samples, tenth_ms, median_ms, ninetieth_ms, rare_ms, longest_before_ms
FROM habits
WHERE place = samples
    OR (ts >= {begin} AND (previous_ts IS NULL OR previous_ts < {begin}))
    OR (ts >= {end} AND previous_ts < {end})
    OR (ts >= {begin} AND ts < {end} AND late <> previous_late)
    OR (
        ts >= {begin} AND ts < {end}
        AND pause_ms > 15e-1 * median_ms AND pause_rank > samples - {LONGEST_PAUSES}
    )
ORDER BY gateway, device_name, tag_name, ts
LIMIT {MOST_ROWS + 1}
"""  # noqa: S608 - numbers, moments and quoted names


def clocks(window: Window, from_ms: int, to_ms: int, gateways: Collection[str]) -> str:
    """When gateways' clocks were off, though by no more than the lake takes: a row for each time.

    A message arrives after its samples were taken, and a gateway that sends has fresh ones among them. So the
    shortest delay of each minute shows the clock: it is steady, and beyond what a delivery takes. A buffer that is
    caught up has delays that shrink by the minute.
    """
    delay = "date_diff('millisecond', ts, received_at)"
    return f"""
WITH minutes AS (
    SELECT gateway, date_trunc('minute', received_at) AS minute, count(*) AS samples, min({delay}) AS delay_ms
    FROM measurements
    WHERE {window.condition()}{_only(gateways)}
        AND received_at >= {moment(from_ms)} AND received_at < {moment(to_ms)}
        AND gateway IS NOT NULL
        AND {SAMPLE_OF_A_PLANT}
    GROUP BY gateway, date_trunc('minute', received_at)
),
steps AS (
    SELECT
        gateway, minute, samples, delay_ms,
        lag(delay_ms) OVER (PARTITION BY gateway ORDER BY minute) AS previous_ms,
        lag(minute) OVER (PARTITION BY gateway ORDER BY minute) AS previous_minute
    FROM minutes
),
spells AS (
    SELECT
        gateway, minute, samples, delay_ms,
        sum(
            CASE WHEN abs(delay_ms - previous_ms) <= {STEADY_MS}
                AND date_diff('minute', previous_minute, minute) <= {MOST_MINUTES} THEN 0 ELSE 1 END
        ) OVER (PARTITION BY gateway ORDER BY minute) AS spell
    FROM steps
)
SELECT
    gateway, min(minute) AS first_minute, max(minute) AS last_minute, sum(samples) AS samples,
    min(delay_ms) AS least_ms, max(delay_ms) AS most_ms
FROM spells
GROUP BY gateway, spell
HAVING count(*) >= {LEAST_MINUTES}
    AND (min(delay_ms) > {CLOCK_OFF_MS} OR max(delay_ms) < -{CLOCK_OFF_MS})
    AND (max(delay_ms) - min(delay_ms) <= {STEADY_MS} OR 10 * (max(delay_ms) - min(delay_ms)) <= min(abs(delay_ms)))
ORDER BY gateway, first_minute
LIMIT {MOST_ROWS + 1}
"""  # noqa: S608 - numbers, moments and quoted names


def configuration(window: Window, gateways: Collection[str]) -> str:
    """When configuration messages arrived, by gateway."""
    more = _only(gateways)
    return f"""
SELECT gateway, received_at_ms, count(*) AS messages
FROM configuration
WHERE {window.condition()}{more}
    AND gateway IS NOT NULL
    AND {LINE_OF_A_PLANT}
GROUP BY gateway, received_at_ms
ORDER BY gateway, received_at_ms
LIMIT {MOST_ROWS + 1}
"""  # noqa: S608 - numbers, moments and quoted names


def connections(window: Window, columns: Sequence[str]) -> str:
    """The events of the gateways' connections."""
    return f"""
SELECT {", ".join(columns)}
FROM connections
WHERE {window.condition()}
ORDER BY client_id, ts
LIMIT {MOST_ROWS + 1}
"""  # noqa: S608 - numbers, moments and quoted names


def _only(gateways: Collection[str]) -> str:
    names = ", ".join(map(text, sorted(gateways)))
    return f"\n        AND gateway IN ({names})" if gateways else ""
