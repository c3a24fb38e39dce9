"""The archiver's commit and checkpoint on a real S3 API: conditions, checksums, listing, metadata."""

from __future__ import annotations

import io
import random
import time
import uuid
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from clip_fetch import keys, planning
from clip_fetch.archive import Archive, Cache
from clip_fetch.model import Fragment, Stream
from clip_fetch.planning import Clip
from clip_fetch.run import Timing
from tests.localstack.conftest import Stack

_HOUR_MS = 3_600_000
_MEDIA = b"media" * 1000


def _timing() -> Timing:
    return Timing.start(
        now_ms=lambda: time.time_ns() // 1_000_000,
        remaining_ms=lambda: 60_000,
        sleep=time.sleep,
        jitter=random.Random(1),
    )


class _Camera:
    """One camera's archive in a bucket, as any number of runs see it."""

    def __init__(self, stack: Stack, bucket: str) -> None:
        now_ms = time.time_ns() // 1_000_000
        self.begin_ms = now_ms - _HOUR_MS
        self.stream = Stream("lake_krakow_press-1", "press-1", self.begin_ms - _HOUR_MS, 24 * _HOUR_MS)
        self._stack, self._bucket = stack, bucket

    def archive(self, run: str) -> Archive:
        """With a client and a memory of its own, as another process has them."""
        prefix = keys.camera_prefix("krakow", "press-1")
        deadline, retry, _ = _timing()
        return Archive(self._stack.client("s3"), self._bucket, prefix, run, deadline, retry, Cache.empty())

    def put(self, archive: Archive, run: str, index: int, crc32: int | None = None) -> bool:
        """Store the clip that begins with the fragment `index`."""
        start_ms = self.begin_ms + index * 10_000
        fragment = Fragment(10**46 + index, start_ms, start_ms, 10_000, len(_MEDIA))
        clip = Clip(((fragment,),), planning.LENGTH, None, None)
        metadata = keys.clip_metadata(self.stream, clip, 10_000, keys.MP4, 10_000, "", run)
        checksum = zlib.crc32(_MEDIA) if crc32 is None else crc32
        token = keys.clip_token(fragment)
        return archive.put(
            token, lambda: io.BytesIO(_MEDIA), len(_MEDIA), checksum, "video/mp4", metadata, lambda: None
        )


@pytest.fixture
def camera(stack: Stack, new_bucket: Callable[[], str]) -> _Camera:
    """An empty archive."""
    return _Camera(stack, new_bucket())


@pytest.mark.usefixtures("listed_onwards")
def test_an_archive_begins_empty_and_its_newest_clip_says_how_far_it_reaches(camera: _Camera) -> None:
    assert camera.archive("run-1").position(camera.stream) is None
    for index in range(12):
        assert camera.put(camera.archive("run-1"), "run-1", index)
    position = camera.archive("run-2").position(camera.stream)
    assert position is not None
    assert position.number == 10**46 + 11


def test_of_many_runs_that_store_one_clip_a_single_one_does(camera: _Camera) -> None:
    runs = [uuid.uuid4().hex for _ in range(8)]
    with ThreadPoolExecutor(len(runs)) as pool:
        stored = list(pool.map(lambda run: camera.put(camera.archive(run), run, 0), runs))
    assert stored.count(True) == 1


def test_a_repeated_put_knows_the_run_s_own_clip(camera: _Camera) -> None:
    archive = camera.archive("run-1")
    assert camera.put(archive, "run-1", 0)
    assert camera.put(archive, "run-1", 0)
    assert not camera.put(camera.archive("run-2"), "run-2", 0)


def test_a_clip_that_arrives_damaged_is_not_stored(camera: _Camera) -> None:
    archive = camera.archive("run-1")
    with pytest.raises(ClientError):
        camera.put(archive, "run-1", 0, crc32=zlib.crc32(b"other media"))
    assert archive.position(camera.stream) is None
