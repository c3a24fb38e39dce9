"""The deadline, retries inside it, and the storage that threads share."""

from __future__ import annotations

import io
import random
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from clip_fetch.errors import OutOfTime, is_transient
from clip_fetch.pace import MARGIN_MS, Pace
from clip_fetch.spool import CHUNK, Spool
from tests.support.clip_fetch_aws import Answerless, Aws, Body, error


def failing(times: int, fault: Exception) -> Callable[[], int]:
    """Fails so often, then tells how often it was called."""
    calls: list[int] = []

    def call() -> int:
        calls.append(1)
        if len(calls) <= times:
            raise fault
        return len(calls)

    return call


def test_a_passing_failure_is_tried_again_after_a_growing_pause() -> None:
    aws = Aws()
    begun_ms = aws.now_ms
    assert aws.pace().call(failing(5, error("SlowDown", 503))) == 6
    # pauses of 200, 400, 800, 1600 and 3200 ms, each shortened by at most a half
    assert 3_100 <= aws.now_ms - begun_ms <= 6_300


def test_a_failure_that_stays_is_raised_after_eight_attempts() -> None:
    aws = Aws()
    call = failing(100, error("InternalFailure", 500))
    with pytest.raises(Exception, match="InternalFailure"):
        aws.pace().call(call)
    assert call.__closure__ is not None
    calls = next(cell.cell_contents for cell in call.__closure__ if isinstance(cell.cell_contents, list))
    assert len(calls) == 8


def test_a_refusal_is_not_tried_again() -> None:
    aws = Aws()
    with pytest.raises(Exception, match="AccessDenied"):
        aws.pace().call(failing(1, error("AccessDenied", 403)))
    assert aws.pace().call(failing(0, error("AccessDenied", 403))) == 1


def test_no_pause_passes_the_deadline() -> None:
    aws = Aws()
    aws.remaining_ms = MARGIN_MS + 500
    with pytest.raises(OutOfTime):
        aws.pace().call(failing(100, error("SlowDown", 503)))
    assert aws.remaining_ms >= MARGIN_MS


def test_nothing_is_called_when_the_time_is_up() -> None:
    aws = Aws()
    aws.remaining_ms = MARGIN_MS
    with pytest.raises(OutOfTime):
        aws.pace().call(lambda: pytest.fail("called"))


@pytest.mark.parametrize(
    ("fault", "passes"),
    [
        (error("ClientLimitExceededException"), True),
        (error("ConditionalRequestConflict", 409), True),
        (error("Unheard", 502), True),
        (error("404", 404), False),
        (error("ResourceNotFoundException", 404), False),
        (error("InvalidCodecPrivateDataException"), False),
        (Answerless(), True),
        (ConnectionResetError(), True),
        (ValueError(), False),
        (OutOfTime(), False),
    ],
)
def test_what_passes_by_itself(fault: Exception, passes: bool) -> None:
    assert is_transient(fault) is passes


def test_a_clip_is_begun_only_when_twice_its_time_is_left() -> None:
    aws = Aws()
    aws.remaining_ms = MARGIN_MS + 44_000
    pace = aws.pace()
    assert pace.affords(100_000_000)  # 20 s at 5 MB/s, and two seconds of calls, twice
    assert not pace.affords(100_100_000)
    assert pace.is_too_much(100_000_000)
    assert not pace.is_too_much(40_000_000)


def test_slowness_is_learnt_at_once_and_speed_slowly() -> None:
    aws = Aws()
    aws.remaining_ms = MARGIN_MS + 24_000
    pace = aws.pace()
    assert pace.affords(50_000_000)
    pace.took(10_000_000, 10_000)
    assert pace.affords(10_000_000)
    assert not pace.affords(10_100_000)
    pace.took(100_000_000, 1_000)
    assert pace.affords(200_000_000)
    assert not pace.affords(210_000_000)


class TestSpool:
    """Files of the ephemeral storage."""

    def test_files_are_gone_afterwards(self, tmp_path: Path) -> None:
        spool, pace = Spool(str(tmp_path), 10**9), Aws().pace()
        with spool.files(2, 1000, pace) as (one, two):
            one.fill(Body(b"first"), pace)
            two.fill(Body(b"second"), pace)
            assert (one.rewound().read(), two.rewound().read()) == (b"first", b"second")
        assert list(tmp_path.iterdir()) == []

    def test_not_even_a_killed_process_leaves_a_file(self, tmp_path: Path) -> None:
        spool, pace = Spool(str(tmp_path), 10**9), Aws().pace()
        with spool.files(1, 1000, pace) as (file,):
            file.fill(Body(b"x" * 100_000), pace)
            assert list(tmp_path.iterdir()) == []

    def test_a_shorter_download_replaces_a_longer_one_entirely(self) -> None:
        spool, pace = Spool(tempfile.gettempdir(), 10**9), Aws().pace()
        with spool.files(1, 1000, pace) as (file,):
            file.fill(Body(b"long one"), pace)
            file.fill(Body(b"short"), pace)
            assert (file.rewound().read(), file.size) == (b"short", 5)

    def test_the_deadline_ends_a_download(self) -> None:
        aws = Aws()
        pace = aws.pace()

        class Slow(Body):
            def read(self, size: int | None = -1) -> bytes:
                aws.remaining_ms -= 1_000
                return super().read(size)

        aws.remaining_ms = MARGIN_MS + 2_500
        with Spool(tempfile.gettempdir(), 10**9).files(1, 1000, pace) as (file,):
            with pytest.raises(OutOfTime):
                file.fill(Slow(bytes(10 * CHUNK)), pace)
            assert file.size == 2 * CHUNK

    def test_chunks_are_shown_as_they_come(self) -> None:
        pace = Aws().pace()
        seen: list[bytes] = []
        with Spool(tempfile.gettempdir(), 10**9).files(1, 1000, pace) as (file,):
            file.fill(Body(bytes(CHUNK + 1)), pace, seen.append)
        assert [len(chunk) for chunk in seen] == [CHUNK, 1]

    def test_a_body_is_closed_whatever_happens(self) -> None:
        body = Body(bytes(3 * CHUNK), breaks=ConnectionResetError())
        pace = Aws().pace()
        spool = Spool(tempfile.gettempdir(), 10**9)
        with pytest.raises(ConnectionResetError), spool.files(1, 1000, pace) as (file,):
            file.fill(body, pace)
        assert body.closed

    def test_storage_that_is_taken_is_waited_for(self) -> None:
        """The second thread gets its file only when the first has given its own back."""
        spool, pace = Spool(tempfile.gettempdir(), 3_000_000), Aws().pace()
        events: list[str] = []
        taken, waiting = threading.Event(), threading.Event()

        def second() -> None:
            taken.wait(10)
            waiting.set()
            with spool.files(1, 1_000_000, pace):
                events.append("second")

        thread = threading.Thread(target=second)
        thread.start()
        with spool.files(1, 1_000_000, pace):
            taken.set()
            assert waiting.wait(10)
            events.append("first")
        thread.join(10)
        assert events == ["first", "second"]

    def test_more_than_there_is_takes_all_of_it(self) -> None:
        pace = Aws().pace()
        with Spool(tempfile.gettempdir(), 1000).files(2, 10**9, pace) as files:
            assert len(files) == 2

    def test_nobody_waits_for_storage_beyond_the_deadline(self) -> None:
        aws = Aws()
        spool, pace = Spool(tempfile.gettempdir(), 1000), aws.pace()
        with spool.files(1, 10**9, pace):
            aws.remaining_ms = MARGIN_MS
            with pytest.raises(OutOfTime), spool.files(1, 1, pace):
                pytest.fail("there is none")


def test_jitter_differs_between_runs() -> None:
    pauses = []
    for seed in (1, 2):
        aws = Aws()
        slept: list[float] = []
        pace = Pace(aws.read_clock, lambda: 900_000, slept.append, random.Random(seed))
        pace.call(failing(2, io.BlockingIOError()))
        pauses.append(slept)
    assert pauses[0] != pauses[1]
