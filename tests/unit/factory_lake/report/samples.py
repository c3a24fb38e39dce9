"""A coverage and facts as a plant has them: every state once at least, in a week of a small factory."""

from __future__ import annotations

from datetime import date

from factory_lake.coverage.model import Coverage, Span, State, Subject, Timeline
from factory_lake.report.facts import Arrived, Clip, Cost, Facts, Fired, Refused, Sessions

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
FROM_MS = 1_772_409_600_000  # 2026-03-02T00:00:00Z
TO_MS = FROM_MS + 7 * DAY_MS
#: A gap: hours from the range's beginning to its end, state, reason, cause, evidence.
Gap = tuple[float, float, State, str, str, tuple[str, ...]]

REASONS = (("MQTT_KEEP_ALIVE_TIMEOUT", 2), ("SERVER_ERROR", 1))

OFFLINE: Gap = (
    *(30.25, 33.5, "gateway_offline", "MQTT_KEEP_ALIVE_TIMEOUT"),
    "AWS IoT ended the connection, since nothing came for one and a half times the keep-alive interval.",
    ("connections: client_id = 'krakow-line-1-measurements' AND ts = TIMESTAMP '2026-03-03 06:15:00'",),
)
REFUSED: Gap = (
    *(72.0, 74.0, "refused", "TIMESTAMP_NOT_PLAUSIBLE"),
    "The gateway's clock was more than a day ahead.",
    ("s3://lake-measurements/errors/factory=krakow/measurements/processing-failed/2026/03/05/delivery-1",),
)
UNEXPLAINED: Gap = (
    *(100.0, 100.2, "unexplained", ""),
    "The gateway was connected and sent other tags; nothing of this tag was refused.",
    ("measurements: gateway = 'line-1' AND tag_name = 'temperature' AND ts > TIMESTAMP '2026-03-06 04:00:00'",),
)
ERROR_ACTION: Gap = (
    *(120.0, 121.0, "error_action", "KinesisAction"),
    "The topic rule could not write to the data stream.",
    ("s3://lake-measurements/errors/factory=krakow/measurements/iot-rule/2026/03/07/1772841600000-1.json",),
)
CLOCK_OFF: Gap = (80.0, 82.0, "clock_off", "CLOCK_BEHIND", "What arrived says other times.", ())
LATE: Gap = (46.0, 48.0, "late", "", "They arrived on the day after, when the gateway had caught up.", ())
QUIET: Gap = (10.0, 20.0, "quiet", "", "The tag publishes on change.", ())
WAITING: Gap = (167.5, 168.0, "waiting", "", "The delivery stream's buffer is not full yet.", ())
SILENT: Gap = (
    *(12.0, 15.0, "camera_silent", ""),
    "The camera sent no fragment to its video stream.",
    ("ListFragments of krakow-press-1: none",),
)
EXPIRED: Gap = (
    *(80.0, 81.5, "expired", "EXPIRED"),
    "The fragments left the video stream before the archiver reached them.",
    ("s3://lake-clips/factory=krakow/camera=press-1/year=2026/month=03/day=05/20260305T080000.000Z-9.gap.json",),
)
BEHIND: Gap = (
    *(160.0, 167.0, "archiver_behind", ""),
    "The footage is in the video stream, and its clip is overdue by more than a run.",
    ("AWS metric ArchiveLag of krakow/press-2",),
)


def timeline(kind: str, name: str, *gaps: Gap, factory: str = "krakow") -> Timeline:
    """A timeline with these gaps, and data between them."""
    spans: list[Span] = []
    at = FROM_MS
    for begin, end, state, reason, cause, evidence in sorted(gaps):
        start_ms, end_ms = FROM_MS + round(begin * HOUR_MS), FROM_MS + round(end * HOUR_MS)
        if start_ms > at:
            spans.append(Span(at, start_ms, "data", (start_ms - at) // 1000))
        spans.append(Span(start_ms, end_ms, state, 0, reason, cause, evidence))
        at = end_ms
    if at < TO_MS:
        spans.append(Span(at, TO_MS, "data", (TO_MS - at) // 1000))
    basis = "the median of 604,800 intervals of the 7 days before"
    subject = Subject(kind, factory, name)  # type: ignore[arg-type]  # a test's literal
    return Timeline(subject, tuple(spans), 1000, basis)


def coverage(*timelines: Timeline) -> Coverage:
    """A week of some timelines; without any, of a plant in which each state is."""
    made = timelines or (
        timeline("gateway", "line-1/configuration"),
        timeline("gateway", "line-1/measurements", OFFLINE, ERROR_ACTION),
        timeline("gateway", "line-2/configuration"),
        timeline("gateway", "line-2/measurements"),
        timeline("camera", "press-1", SILENT, EXPIRED),
        timeline("camera", "press-2", BEHIND),
        timeline("tag", "line-1/Press 1/temperature", OFFLINE, UNEXPLAINED, LATE, CLOCK_OFF, WAITING),
        timeline("tag", "line-1/Press 1/force", OFFLINE, REFUSED, WAITING),
        *(timeline("tag", f"line-1/Press 2/axis {number}", OFFLINE, WAITING) for number in range(1, 7)),
        *(timeline("tag", f"line-2/Oven 1/zone {number}", QUIET) for number in range(1, 9)),
    )
    notes = ("The tag intervals are learned from 7 days before the range.",)
    return Coverage("environments/prod", FROM_MS, TO_MS, TO_MS + 60_000, made, 412_000_000, 9_300, notes)


def facts(*clips: Clip, links_end_ms: int | None = None) -> Facts:
    """Facts of the same week."""
    days = [date(2026, 3, 2 + number) for number in range(7)]
    counts = [604_800, 533_000, 601_200, 598_100, 604_800, 590_400, 603_000]
    arrived = [
        Arrived(day, "measurements", rows, rows - 210 * number, 1200 * (number == 1), 7_260_000 * (number == 1))
        for number, (day, rows) in enumerate(zip(days, counts, strict=True))
    ]
    arrived += (Arrived(day, "configuration", 48, 48) for day in days)
    return Facts(
        "krakow",
        tuple(arrived),
        (
            Refused(
                "TIMESTAMP_NOT_PLAUSIBLE",
                "measurements",
                7200,
                "s3://lake-measurements/errors/factory=krakow/measurements/processing-failed/2026/03/05/delivery-1",
                "factory-lake redrive errors --factory krakow --lane measurements --type processing-failed "
                "--from-day 2026-03-05 --to-day 2026-03-05 --only-accepted --apply",
            ),
        ),
        (
            Sessions("line-1", "measurements", 4, 165 * HOUR_MS, REASONS),
            Sessions("line-2", "measurements", 1, 168 * HOUR_MS, ()),
        ),
        Cost(
            FROM_MS - DAY_MS,
            TO_MS,
            "example prices, check yours: eu-central-1, 2026-11, USD",
            "USD",
            (("messages", 12.25), ("video", 8.5), ("storage", 1.75), ("watching", 6.4)),
            111.02,
        ),
        (
            Fired("lake-krakow-measurements-rejected", FROM_MS + 72 * HOUR_MS, FROM_MS + 75 * HOUR_MS, "Too many"),
            Fired("lake-krakow-clips-behind", FROM_MS + 161 * HOUR_MS, None, "Threshold Crossed: 3 datapoints"),
        ),
        clips,
        links_end_ms,
        88_000_000,
        2_100,
    )
