"""Receipts, checkpoints and buffers: what counts as done, and what survives."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.firehose.buffers import BufferKey, Buffers, Item, partition
from localcloud.firehose.checkpoint import Checkpoint, CheckpointFile, ShardCheckpoint
from localcloud.firehose.errors import RecordError
from localcloud.firehose.records import ShardProgress
from localcloud.testing.firehose import STARTED, Clock, record

KEY = BufferKey(None, ("2026",))


@given(st.integers(0, 30), st.randoms(use_true_random=False))
def test_the_position_never_passes_a_record_that_is_not_settled(count: int, order: random.Random) -> None:
    progress = ShardProgress()
    receipts = [progress.read(f"{number:03d}", STARTED) for number in range(count)]
    settled: set[int] = set()
    for number in order.sample(range(count), count):
        receipts[number].settled = True
        settled.add(number)
        progress.advance()
        first_open = next((one for one in range(count) if one not in settled), count)
        assert progress.position == (f"{first_open - 1:03d}" if first_open else None)
        assert progress.outstanding == count - first_open
    assert progress.oldest is None


def test_the_oldest_record_is_the_first_that_is_not_settled() -> None:
    progress = ShardProgress()
    first = progress.read("1", STARTED)
    progress.read("2", STARTED + timedelta(seconds=5))
    assert progress.oldest == STARTED
    first.settled = True
    assert progress.advance()
    assert not progress.advance()
    assert progress.oldest == STARTED + timedelta(seconds=5)


def test_a_checkpoint_is_found_again(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path / "checkpoints" / "stream.json")
    assert file.load("stream 1").shards == {}
    stored = Checkpoint("stream 1", {"a": ShardCheckpoint("12"), "b": ShardCheckpoint(None, finished=True)})
    file.store(stored)
    assert CheckpointFile(file.path).load("stream 1") == stored
    assert [one.name for one in file.path.parent.iterdir()] == ["stream.json"]


def test_another_stream_of_the_same_name_starts_anew(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path / "stream.json")
    file.store(Checkpoint("stream made in March", {"a": ShardCheckpoint("12")}))
    assert file.load("stream made in April").shards == {}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"identity": "x"}', '{"identity": "x", "shards": {"a": {}}}'])
def test_a_file_that_is_no_checkpoint_is_an_error_and_stays(tmp_path: Path, content: str) -> None:
    path = tmp_path / "stream.json"
    path.write_text(content)
    with pytest.raises(ValueError, match="not a checkpoint"):
        CheckpointFile(path).load("x")
    assert path.read_text() == content


def test_a_crash_while_storing_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = CheckpointFile(tmp_path / "stream.json")
    file.store(Checkpoint("x", {"a": ShardCheckpoint("1")}))

    def crash(_: int) -> None:
        raise OSError("the power is gone")

    monkeypatch.setattr("os.fsync", crash)
    with pytest.raises(OSError, match="power"):
        file.store(Checkpoint("x", {"a": ShardCheckpoint("2")}))
    assert file.load("x").shards == {"a": ShardCheckpoint("1")}


def test_forced_buffers_come_oldest_first() -> None:
    clock = Clock()
    buffers = Buffers(clock)
    for clock.seconds, year in enumerate(("2029", "2027", "2028")):
        buffers.add(BufferKey(None, (year,)), Item(record(0), b"1"))
    assert (buffers.count, buffers.size, buffers.largest_size) == (3, 3, 1)
    assert [buffer.key.values[0] for buffer in buffers.due(10, 60, force=True)] == ["2029", "2027", "2028"]


def test_an_error_record_does_not_wait_twice() -> None:
    clock = Clock(seconds=50)
    buffers = Buffers(clock)
    buffers.add(BufferKey("format-conversion-failed"), Item(record(0), b"1"))
    buffers.add(BufferKey("format-conversion-failed"), Item(record(1), b"1"), since=0)
    assert buffers.wait(60) == 10
    assert buffers.partitions == set()


@pytest.mark.parametrize("value", [None, "", 3, ["03"]])
def test_a_partition_value_must_be_a_text(value: object) -> None:
    with pytest.raises(RecordError, match="month") as failure:
        partition(["year", "month"], {"year": "2026", "month": value})
    assert failure.value.code == "DynamicPartitioning.MetadataMissing"
