"""The report page of a month of a thousand tags: bytes, seconds to write it, seconds until a browser shows it.

`python -m harness.bench.report` writes the page to build/bench/report.html and prints the figures. The browser is
Chromium with its driver, where they are found.
"""

import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from factory_lake.coverage.model import Coverage, Span, State, Subject, Timeline
from factory_lake.report.facts import Facts
from factory_lake.report.page import render
from harness.browser import NoBrowserError, browser

DAY_MS = 86_400_000
FROM_MS = 1_772_323_200_000  # 2026-03-01T00:00:00Z
PAGE = Path("build/bench/report.html")
#: What a page of a month of a thousand tags may have, in bytes.
MAX_BYTES = 5_000_000

Gap = tuple[int, int, State, str, str, tuple[str, ...]]


def month(tags: int = 1000, days: int = 31, gateways: int = 8, cameras: int = 8, seed: int = 1) -> Coverage:
    """A month in which much goes wrong: about two outages a day and gateway, and each tag's own gaps besides."""
    random_ = random.Random(seed)  # noqa: S311 - the same month each time
    to_ms = FROM_MS + days * DAY_MS
    offline = {f"line-{number}": list(_outages(random_, days, f"line-{number}")) for number in range(gateways)}
    made = [
        Timeline(Subject("gateway", "krakow", f"{name}/measurements"), _spans(gaps, to_ms), 60_000, "its own history")
        for name, gaps in offline.items()
    ]
    for number in range(tags):
        gateway = f"line-{number % gateways}"
        name = f"{gateway}/Press {number // 40}/temperature {number}"
        gaps = [*offline[gateway], *_own(random_, days, name)]
        basis = "median of 604,800 intervals of the 7 days before"
        made.append(Timeline(Subject("tag", "krakow", name), _spans(gaps, to_ms), 1000, basis))
    made += (
        Timeline(Subject("camera", "krakow", f"press-{number}"), _spans(list(_silences(random_, days)), to_ms))
        for number in range(cameras)
    )
    return Coverage("build/local", FROM_MS, to_ms, to_ms + 3_600_000, tuple(made), 1_234_567_890, 41_000)


def _outages(random_: random.Random, days: int, gateway: str) -> Iterator[Gap]:
    for _ in range(2 * days):
        start = FROM_MS + random_.randrange(days * DAY_MS)
        reason = random_.choice(["CONNECTION_LOST", "MQTT_KEEP_ALIVE_TIMEOUT", "CLIENT_INITIATED_DISCONNECT"])
        end = start + random_.randrange(60_000, 7_200_000)
        evidence = (f"connections: client_id = 'krakow-{gateway}-measurements' AND ts = {start}",)
        yield start, end, "gateway_offline", reason, f"AWS IoT reports that {gateway} lost its connection.", evidence


def _own(random_: random.Random, days: int, tag: str) -> Iterator[Gap]:
    for _ in range(days // 2):
        start = FROM_MS + random_.randrange(days * DAY_MS)
        end = start + random_.randrange(5_000, 1_800_000)
        if random_.random() < 0.5:
            key = f"s3://lake-measurements/errors/factory=krakow/measurements/processing-failed/{start}-{tag[-3:]}"
            yield start, end, "refused", "NOT_A_SCALAR", "The value is an object or a list.", (key,)
        else:
            where = f"measurements: tag_name = '{tag.rpartition('/')[2]}' AND ts BETWEEN {start} AND {end}"
            yield start, end, "unexplained", "", "The gateway was connected, and nothing of it was refused.", (where,)


def _silences(random_: random.Random, days: int) -> Iterator[Gap]:
    for _ in range(days):
        start = FROM_MS + random_.randrange(days * DAY_MS)
        end = start + random_.randrange(10_000, 7_200_000)
        yield start, end, "camera_silent", "", "The video stream has no fragment.", ("ListFragments: none",)


def _spans(gaps: list[Gap], to_ms: int) -> tuple[Span, ...]:
    """Gaps in the order of time, the earlier one first where two overlap, and data between."""
    spans: list[Span] = []
    at = FROM_MS
    for start, end, state, reason, cause, evidence in sorted(gaps):
        begin, until = max(start, at), min(end, to_ms)
        if until <= begin:
            continue
        if begin > at:
            spans.append(Span(at, begin, "data", (begin - at) // 1000))
        spans.append(Span(begin, until, state, 0, reason, cause, evidence))
        at = until
    return (*spans, Span(at, to_ms, "data", (to_ms - at) // 1000)) if at < to_ms else tuple(spans)


def main() -> int:
    """Write the page, show it in a browser, print the figures."""
    coverage = month()
    began = time.monotonic()
    page = render(coverage, Facts("krakow"))
    written = time.monotonic() - began
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page, encoding="utf-8")
    spans = sum(len(timeline.spans) for timeline in coverage.timelines)
    print(f"{len(coverage.timelines)} strips, {spans} spans")
    print(f"page: {len(page.encode()):,} bytes of at most {MAX_BYTES:,}, written in {written:.1f} s")
    try:
        with browser() as driver:
            driver.get(PAGE.resolve().as_uri())
            shown, ready = driver.execute_async_script(_SHOWN)
            print(f"browser: first painted after {shown / 1000:.2f} s, complete after {ready / 1000:.2f} s")
    except NoBrowserError as error:
        print(f"browser: {error}")
    return 0


# Answers when the page was painted and when its script had finished, ms after the page was asked for.
_SHOWN = """
const answer = arguments[0];
const look = () => {
  if (!document.documentElement.dataset.ready) return setTimeout(look, 20);
  requestAnimationFrame(() => setTimeout(() => {
    const paints = performance.getEntriesByType("paint");
    answer([paints.length ? paints[0].startTime : performance.now(), performance.now()]);
  }));
};
look();
"""

if __name__ == "__main__":
    sys.exit(main())
