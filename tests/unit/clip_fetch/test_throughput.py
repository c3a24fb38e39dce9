"""What a run can still download and store before its deadline."""

from __future__ import annotations

from clip_fetch.deadline import MARGIN_MS
from tests.support.clip_fetch_aws import Aws


def test_a_clip_is_begun_only_when_twice_its_time_is_left() -> None:
    aws = Aws()
    aws.remaining_ms = MARGIN_MS + 44_000
    throughput = aws.timing().throughput
    assert throughput.affords(100_000_000)  # 20 s at 5 MB/s, and two seconds of calls, twice
    assert not throughput.affords(100_100_000)
    assert throughput.exceeds_any_run(100_000_000)
    assert not throughput.exceeds_any_run(40_000_000)


def test_slowness_is_learnt_at_once_and_speed_slowly() -> None:
    aws = Aws()
    aws.remaining_ms = MARGIN_MS + 24_000
    throughput = aws.timing().throughput
    assert throughput.affords(50_000_000)
    throughput.record(10_000_000, 10_000)
    assert throughput.affords(10_000_000)
    assert not throughput.affords(10_100_000)
    throughput.record(100_000_000, 1_000)
    assert throughput.affords(200_000_000)
    assert not throughput.affords(210_000_000)
