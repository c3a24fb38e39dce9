"""Files of the ephemeral storage, which threads share."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import pytest

from clip_fetch.deadline import MARGIN_MS
from clip_fetch.errors import DeadlineExceededError
from clip_fetch.spool import CHUNK, Spool
from tests.support.clip_fetch_aws import Aws, Body


def test_files_have_no_name_that_a_killed_process_could_leave(tmp_path: Path) -> None:
    spool, deadline = Spool(str(tmp_path), 10**9), Aws().timing().deadline
    with spool.files(2, 1000, deadline) as (one, two):
        one.fill(Body(b"first"), deadline)
        two.fill(Body(b"x" * 100_000), deadline)
        assert (one.rewound().read(), two.size) == (b"first", 100_000)
        assert list(tmp_path.iterdir()) == []


def test_a_shorter_download_replaces_a_longer_one_entirely() -> None:
    spool, deadline = Spool(tempfile.gettempdir(), 10**9), Aws().timing().deadline
    with spool.files(1, 1000, deadline) as (file,):
        file.fill(Body(b"long one"), deadline)
        file.fill(Body(b"short"), deadline)
        assert (file.rewound().read(), file.size) == (b"short", 5)


def test_the_deadline_ends_a_download() -> None:
    aws = Aws()
    deadline = aws.timing().deadline

    class Slow(Body):
        def read(self, size: int | None = -1) -> bytes:
            aws.remaining_ms -= 1_000
            return super().read(size)

    aws.remaining_ms = MARGIN_MS + 2_500
    with Spool(tempfile.gettempdir(), 10**9).files(1, 1000, deadline) as (file,):
        with pytest.raises(DeadlineExceededError):
            file.fill(Slow(bytes(10 * CHUNK)), deadline)
        assert file.size == 2 * CHUNK


def test_chunks_are_shown_as_they_come() -> None:
    deadline = Aws().timing().deadline
    seen: list[bytes] = []
    with Spool(tempfile.gettempdir(), 10**9).files(1, 1000, deadline) as (file,):
        file.fill(Body(bytes(CHUNK + 1)), deadline, seen.append)
    assert [len(chunk) for chunk in seen] == [CHUNK, 1]


def test_a_body_is_closed_whatever_happens() -> None:
    body = Body(bytes(3 * CHUNK), breaks=ConnectionResetError())
    deadline = Aws().timing().deadline
    spool = Spool(tempfile.gettempdir(), 10**9)
    with pytest.raises(ConnectionResetError), spool.files(1, 1000, deadline) as (file,):
        file.fill(body, deadline)
    assert body.closed


def test_storage_that_is_taken_is_waited_for() -> None:
    """The second thread gets its file only when the first has given its own back."""
    spool, deadline = Spool(tempfile.gettempdir(), 3_000_000), Aws().timing().deadline
    events: list[str] = []
    taken, waiting = threading.Event(), threading.Event()

    def second() -> None:
        taken.wait(10)
        waiting.set()
        with spool.files(1, 1_000_000, deadline):
            events.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with spool.files(1, 1_000_000, deadline):
        taken.set()
        assert waiting.wait(10)
        events.append("first")
    thread.join(10)
    assert events == ["first", "second"]


def test_more_than_there_is_takes_all_of_it() -> None:
    deadline = Aws().timing().deadline
    with Spool(tempfile.gettempdir(), 1000).files(2, 10**9, deadline) as files:
        assert len(files) == 2


def test_nobody_waits_for_storage_beyond_the_deadline() -> None:
    aws = Aws()
    spool, deadline = Spool(tempfile.gettempdir(), 1000), aws.timing().deadline
    with spool.files(1, 10**9, deadline):
        aws.remaining_ms = MARGIN_MS
        with pytest.raises(DeadlineExceededError), spool.files(1, 1, deadline):
            pytest.fail("there is none")
