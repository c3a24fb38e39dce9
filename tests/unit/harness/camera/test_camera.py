"""A camera's day: its script, what it sends when, and what it writes down."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.camera.camera import Camera
from harness.camera.journal import Journal
from harness.camera.script import Script
from localcloud.kinesisvideo import matroska
from localcloud.testing.files import made_file

START = 1_700_000_000_000


class TestScript:
    """Segments drawn from a seed."""

    def test_the_same_seed_gives_the_same_day(self) -> None:
        def day(seed: int) -> list[Any]:
            script = Script(seed, shortest_ms=1000, longest_ms=9000, away_chance=0.2, change_chance=0.2)
            return list(itertools.islice(script.segments(START), 100))

        assert day(1) == day(1) != day(2)

    def test_fragments_follow_each_other_but_for_breaks(self) -> None:
        script = Script(3, shortest_ms=1000, longest_ms=20_000, away_chance=0.3, away_ms=(5000, 6000))
        segments = list(itertools.islice(script.segments(START), 200))
        lengths = [segment.frames * 200 for segment in segments]
        assert min(lengths) >= 1000
        assert max(lengths) <= 20_000
        pauses = [
            after.start_ms - before.start_ms - length
            for (before, after), length in zip(itertools.pairwise(segments), lengths, strict=False)
        ]
        assert set(pauses) - {0}
        assert all(pause == 0 or 5000 <= pause <= 6000 for pause in pauses)

    def test_resolutions_take_turns(self) -> None:
        sizes = ((160, 96), (192, 112))
        script = Script(3, resolutions=sizes, change_chance=0.5)
        assert {(segment.width, segment.height) for segment in itertools.islice(script.segments(START), 50)} == set(
            sizes
        )

    @pytest.mark.parametrize(("shortest", "longest"), [(100, 2000), (3000, 2000), (1000, 20_001)])
    def test_lengths_have_limits(self, shortest: int, longest: int) -> None:
        with pytest.raises(ValueError, match="fragments must last"):
            Script(1, shortest_ms=shortest, longest_ms=longest)


class FakeProducer:
    """Takes documents and numbers them."""

    stream = "lake_krakow_press-1"

    def __init__(self) -> None:
        self.calls: list[tuple[list[int], int | None, bool]] = []
        self.sent: list[int] = []

    def put(self, documents: Sequence[bytes], offset: int | None = None, *, more: bool = False) -> list[str]:
        starts = [next(matroska.clusters(document)).time_ms for document in documents]
        self.calls.append((starts, offset, more))
        self.sent += starts
        return [str(10**46 + start) for start in starts]


@pytest.fixture
def producer() -> FakeProducer:
    return FakeProducer()


def camera(producer: Any, path: Path, script: Script | None = None, file: Path | None = None) -> Camera:
    journal = Journal(path / "journals" / "video.jsonl")
    return Camera("press-1", producer, journal, script or Script(1), START, file=file)


class TestCamera:
    """Filming."""

    def test_the_past_is_sent_at_once_and_journaled(self, producer: FakeProducer, tmp_path: Path) -> None:
        filming = camera(producer, tmp_path)
        assert filming.backfill(START + 9_999) == 4
        assert producer.calls == [([START + n * 2000 for n in range(4)], 150, False)]
        journaled = list(Journal(tmp_path / "journals" / "video.jsonl").read())
        assert [fragment.number for fragment in journaled] == [10**46 + START + n * 2000 for n in range(4)]
        assert [frame for fragment in journaled for frame in fragment.frames] == [str(n) for n in range(40)]
        assert {(f.camera, f.stream, f.length_ms) for f in journaled} == {("press-1", "lake_krakow_press-1", 2000)}

    def test_a_long_past_appears_with_its_last_part(self, producer: FakeProducer, tmp_path: Path) -> None:
        script = Script(1, fps=1, shortest_ms=1000, longest_ms=1000)
        assert camera(producer, tmp_path, script).backfill(START + 200_000) == 200
        assert [(len(starts), more) for starts, _, more in producer.calls] == [(100, True), (100, False)]

    def test_live_goes_on_where_the_past_ended(self, producer: FakeProducer, tmp_path: Path) -> None:
        filming = camera(producer, tmp_path)
        filming.backfill(START + 4_500)
        now = [START / 1000 + 4.5]
        slept: list[float] = []

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            now[0] += seconds

        fragments = iter([True, True, True, False])
        assert filming.live(lambda: next(fragments), clock=lambda: now[0], sleep=sleep) == 3
        assert producer.calls[1:] == [([START + n * 2000], None, False) for n in (2, 3, 4)]
        assert slept == pytest.approx([1.5, 2.0, 2.0])
        frames = [f for sent in Journal(tmp_path / "journals" / "video.jsonl").read() for f in sent.frames]
        assert frames == [str(n) for n in range(50)]

    def test_a_file_keeps_its_own_lengths(self, producer: FakeProducer, tmp_path: Path) -> None:
        video = made_file(tmp_path / "given.mp4", gop=30)
        script = Script(1, shortest_ms=400, longest_ms=400)
        assert camera(producer, tmp_path, script, video).backfill(START + 6000) == 4
        assert producer.sent == [START, START + 1250, START + 2500, START + 3750]

    def test_a_journal_that_does_not_exist_is_empty(self, tmp_path: Path) -> None:
        assert list(Journal(tmp_path / "none.jsonl").read()) == []
