"""Reading how far an archive reaches, and the put that moves it on."""

from __future__ import annotations

import io
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_fetch import keys, planning, rows
from clip_fetch.archive import Archive, Cache
from clip_fetch.errors import StaleStateError
from clip_fetch.model import Fragment, Position, Stream
from clip_fetch.planning import Clip
from tests.support.clip_fetch_aws import HOUR, STREAM, T0, Answerless, Aws, error, footage
from tests.support.strict import StrictClient

PREFIX = "factory=krakow/camera=press-1/"
DAY = 24 * HOUR


def archive(aws: Aws, run: str = "run-1") -> Archive:
    """The archive of the one camera."""
    timing = aws.timing()
    return Archive(aws.s3, "clips", PREFIX, run, timing.deadline, timing.retry, aws.cache)


def add_clip(aws: Aws, first: Fragment, count: int = 1, run: str = "earlier") -> str:
    """Put a clip there; its key."""
    fragments = footage(count, start_ms=first.start_ms, first=first.number)
    clip = Clip(tuple((fragment,) for fragment in fragments), planning.LENGTH, None, None)
    metadata = keys.clip_metadata(STREAM, clip, 10_000, keys.MP4, 1, "", run)
    key = PREFIX + keys.clip_token(first)
    aws.objects[key] = (b"", metadata, "video/mp4")
    return key


def at(start_ms: int, number: int) -> Fragment:
    """A fragment."""
    return Fragment(number, start_ms, start_ms, 2000, 1000)


def number_of(position: Position | None) -> int | None:
    """Up to which fragment it reaches."""
    return None if position is None else position.number


def put(of: Archive, fragment: Fragment, check: Any = lambda: None, run: str = "run-1") -> bool:
    """Put an object."""
    metadata = {"run": run, "format": "mp4"}
    return of.put(
        keys.clip_token(fragment), lambda: io.BytesIO(b"media"), 5, zlib.crc32(b"media"), "video/mp4", metadata, check
    )


def put_clip(of: Archive, first: Fragment, cut: str = planning.LENGTH) -> bool:
    """Commit a clip as a run does."""
    clip = Clip(((first,),), cut, None, None)
    metadata = keys.clip_metadata(STREAM, clip, 10_000, keys.MP4, 1, "", "run-1")
    body = b"media"
    return of.put(
        keys.clip_token(first), lambda: io.BytesIO(body), 5, zlib.crc32(body), "video/mp4", metadata, lambda: None
    )


def test_an_archive_that_has_not_begun() -> None:
    assert archive(Aws()).position(STREAM) is None


def test_the_newest_clip_tells_the_position() -> None:
    aws = Aws()
    add_clip(aws, at(T0 - 20_000, 7))
    add_clip(aws, at(T0 - 10_000, 10), count=3)
    assert archive(aws).position(STREAM) == keys.position_after_clip(12, T0 - 6_000, T0 - 4_000)


def test_within_one_moment_the_highest_number_is_the_newest_whatever_its_text() -> None:
    aws = Aws()
    for number in (9, 10, 100):
        add_clip(aws, at(T0 - 10_000, number))
    assert number_of(archive(aws).position(STREAM)) == 100


@pytest.mark.parametrize("age_ms", [0, HOUR, DAY, 40 * DAY, 400 * DAY, 4000 * DAY])
def test_the_newest_clip_is_found_however_old_it_is(age_ms: int) -> None:
    aws = Aws()
    add_clip(aws, at(T0 - age_ms - 60_000, 6))
    add_clip(aws, at(T0 - age_ms, 7))
    assert number_of(archive(aws).position(STREAM)) == 7
    assert len(aws.calls) <= 9


def test_what_others_put_below_the_prefix_is_passed_over() -> None:
    aws = Aws()
    add_clip(aws, at(T0 - 10_000, 7))
    other = add_clip(aws, at(T0 - 9_000, 8))
    aws.objects[other][1]["stream"] = "lake_krakow_press-2"  # copied from another camera
    aws.objects[PREFIX + keys.stem(T0 - 8_000, 9) + ".mp4"] = (b"", {}, "")
    aws.objects[PREFIX + keys.stem(T0 + 900 * DAY, 10) + ".mp4"] = (b"", {"made-by": "hand"}, "")
    aws.objects[PREFIX + "year=2099/readme.txt"] = (b"", {}, "")
    assert number_of(archive(aws).position(STREAM)) == 7


def test_a_stream_that_was_made_again_begins_anew() -> None:
    aws = Aws()
    add_clip(aws, at(T0 - 10_000, 7))
    again = Stream(STREAM.name, STREAM.camera, T0 - 5_000, STREAM.retention_ms)
    assert archive(aws).position(STREAM) is not None
    assert archive(aws).position(again) is None


def test_a_gap_record_behind_the_newest_clip_tells_the_position() -> None:
    aws = Aws()
    add_clip(aws, at(T0 - 10_000, 7))
    behind = keys.position_after_clip(7, T0 - 10_000, T0 - 8_000).token
    aws.objects[PREFIX + behind] = (b"", keys.gap_metadata(STREAM, 20, T0, 1, "expired", "earlier"), "")
    position = archive(aws).position(STREAM)
    assert position is not None
    assert (position.number, position.expected) == (19, 20)


def test_an_empty_archive_may_say_where_it_begins() -> None:
    aws = Aws()
    aws.objects[PREFIX + keys.begin_token(STREAM)] = (b"", keys.gap_metadata(STREAM, 0, T0, 0, "begin", "earlier"), "")
    position = archive(aws).position(STREAM)
    assert position is not None
    assert (position.number, position.start_ms, position.expected) == (-1, T0, None)


def test_metadata_that_is_known_is_not_asked_for_again() -> None:
    aws = Aws()
    add_clip(aws, at(T0 - 10_000, 7))
    archive(aws).position(STREAM)
    aws.calls.clear()
    assert number_of(archive(aws).position(STREAM)) == 7
    assert aws.calls == ["ListObjectsV2"]


def test_what_is_known_does_not_hide_what_is_newer_or_gone() -> None:
    aws = Aws()
    old, newest = add_clip(aws, at(T0 - 20_000, 6)), add_clip(aws, at(T0 - 10_000, 7))
    assert number_of(archive(aws).position(STREAM)) == 7
    del aws.objects[newest]
    assert number_of(archive(aws).position(STREAM)) == 6
    add_clip(aws, at(T0 - 15_000, 8))
    assert number_of(archive(aws).position(STREAM)) == 8
    assert old in aws.objects


@given(
    ages=st.lists(st.integers(0, 90 * DAY), min_size=1, max_size=40, unique=True),
    page=st.integers(1, 5),
    strangers=st.lists(st.integers(-10 * DAY, 90 * DAY), max_size=5),
)
def test_small_pages_and_strangers_change_nothing(ages: list[int], page: int, strangers: list[int]) -> None:
    aws = Aws()
    aws.page = page
    for age_ms in ages:
        add_clip(aws, at(T0 - age_ms, 10**9 - age_ms % 10**8))
    for age_ms in strangers:
        aws.objects.setdefault(PREFIX + keys.stem(T0 - age_ms, 5) + ".mp4", (b"", {}, ""))
    newest = T0 - min(ages)
    position = archive(aws).position(STREAM)
    assert position is not None
    assert position.start_ms == newest


class Endless:
    """A bucket that holds a clip every ten seconds, ``count`` of them, without storing any."""

    def __init__(self, count: int, newest_ms: int) -> None:
        self.calls: list[str] = []
        self._count = count
        self._newest_ms = newest_ms

    def _fragment(self, index: int) -> Fragment:
        return at(self._newest_ms - (self._count - 1 - index) * 10_000, 10**20 + index)

    def list_objects_v2(self, **request: Any) -> dict[str, Any]:
        """A page."""
        self.calls.append("ListObjectsV2")
        after = request.get("StartAfter", "")
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if PREFIX + keys.clip_token(self._fragment(middle)) <= after:
                low = middle + 1
            else:
                high = middle
        found = [PREFIX + keys.clip_token(self._fragment(i)) for i in range(low, min(low + 1000, self._count))]
        found = [key for key in found if key.startswith(request["Prefix"])]
        return {"Contents": [{"Key": key, "ETag": key} for key in found], "IsTruncated": low + 1000 < self._count}

    def head_object(self, **request: Any) -> dict[str, Any]:
        """Metadata."""
        self.calls.append("HeadObject")
        parsed = keys.parse(request["Key"], PREFIX)
        assert parsed is not None
        clip = Clip(((at(parsed.start_ms, parsed.number),),), planning.LENGTH, None, None)
        metadata = keys.clip_metadata(STREAM, clip, 10_000, keys.MP4, 1, "", "earlier")
        return {"Metadata": metadata, "ETag": request["Key"], "ContentLength": 1}

    def put_object(self, **request: Any) -> dict[str, Any]:
        """The row of the newest clip, which this process did not put itself."""
        assert request["Key"].startswith(rows.PREFIX)
        self.calls.append("PutRow")
        return {}


@pytest.mark.parametrize("age_ms", [10_000, 3 * HOUR, 30 * DAY])
def test_the_calls_do_not_grow_with_the_archive(age_ms: int) -> None:
    counts = set()
    for clips in (10, 10_000, 1_000_000):
        endless = Endless(clips, T0 - age_ms)
        timing = Aws().timing()
        archive = Archive(
            StrictClient("s3", endless), "clips", PREFIX, "run-1", timing.deadline, timing.retry, Cache.empty()
        )
        position = archive.position(STREAM)
        assert number_of(position) == 10**20 + clips - 1
        counts.add(len(endless.calls))
    assert counts <= {3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}
    if age_ms < HOUR:
        assert counts == {3}


def test_a_put_is_refused_when_another_run_was_first() -> None:
    aws = Aws()
    assert put(archive(aws), at(T0, 7))
    assert not put(archive(aws, "run-2"), at(T0, 7), run="run-2")


@pytest.mark.parametrize(
    "fault", [Answerless(), error("InternalError", 500), error("ConditionalRequestConflict", 409), OSError()]
)
def test_a_put_whose_answer_is_lost_is_known_for_one_s_own(fault: Exception) -> None:
    aws = Aws()
    aws.faults["PutObject"] = [fault]
    assert put(archive(aws), at(T0, 7))
    assert aws.calls.count("PutObject") == 2


def test_a_put_that_another_run_won_while_the_answer_was_lost() -> None:
    aws = Aws()
    aws.faults["PutObject"] = [OSError()]
    aws.objects[PREFIX + keys.clip_token(at(T0, 7))] = (b"", {"run": "run-2"}, "")
    assert not put(archive(aws), at(T0, 7))


def test_each_attempt_of_a_put_is_checked_first() -> None:
    aws = Aws()
    aws.faults["PutObject"] = [error("SlowDown", 503)] * 3
    checks: list[int] = []

    def check() -> None:
        checks.append(aws.now_ms)
        if len(checks) == 3:
            raise StaleStateError

    with pytest.raises(StaleStateError):
        put(archive(aws), at(T0, 7), check)
    assert aws.calls == ["PutObject", "PutObject"]


def test_a_put_that_is_not_allowed_is_an_error() -> None:
    aws = Aws()
    aws.faults["PutObject"] = [error("AccessDenied", 403)]
    with pytest.raises(Exception, match="AccessDenied"):
        put(archive(aws), at(T0, 7))


def test_an_object_s_row_is_put_behind_it_and_once() -> None:
    aws = Aws()
    of = archive(aws)
    key = add_clip(aws, at(T0 - 10_000, 7))
    assert of.position(STREAM) is not None
    assert list(aws.rows()) == [key]
    assert aws.calls == ["ListObjectsV2", "HeadObject", "PutRow"]
    assert archive(aws).position(STREAM) is not None
    assert aws.calls[3:] == ["ListObjectsV2"]


def test_the_row_of_a_deleted_object_is_replaced_though_the_new_one_has_the_same_content() -> None:
    aws = Aws()
    assert put_clip(archive(aws), at(T0, 7), planning.QUIET)
    (key,) = aws.rows()
    del aws.objects[key]
    assert put_clip(archive(aws), at(T0, 7), planning.GAP)
    assert aws.rows()[key]["cut"] == planning.GAP


def test_where_an_archive_begins_has_a_row_that_is_put_once_too() -> None:
    """Also behind an earlier stream's newest clip, which may have lost its row when the stream was deleted."""
    aws = Aws()
    clip = add_clip(aws, at(T0 - 10_000, 7))
    again = Stream(STREAM.name, STREAM.camera, T0 - 5_000, STREAM.retention_ms)
    begin = PREFIX + keys.begin_token(again)
    aws.objects[begin] = (b"", keys.gap_metadata(again, 0, T0, 0, "begin", "earlier"), "")
    for _ in range(3):
        assert archive(aws).position(again) is not None
    assert sorted(aws.rows()) == sorted([clip, begin])
    assert aws.calls.count("PutRow") == 2


def test_of_another_s_object_the_run_that_finds_it_puts_the_row() -> None:
    """The run that put it may have died right behind that."""
    aws, other = Aws(), Cache.empty()
    assert put_clip(archive(aws), at(T0 - 10_000, 7))
    lost = aws.rows()
    for key in [key for key in aws.objects if key.startswith(rows.PREFIX)]:
        del aws.objects[key]
    assert archive(aws).position(STREAM) is not None  # the process that put it has no cause to look
    assert aws.rows() == {}
    aws.cache = other
    assert archive(aws).position(STREAM) is not None
    assert aws.rows() == lost != {}


@pytest.mark.parametrize("fault", [error("InternalError", 500), error("SlowDown", 503), OSError()])
def test_a_row_is_put_again_like_anything_else(fault: Exception) -> None:
    aws = Aws()
    aws.faults["PutRow"] = [fault, fault]
    assert put_clip(archive(aws), at(T0, 7))
    assert aws.calls == ["PutObject", "PutRow", "PutRow", "PutRow"]


def test_a_row_that_cannot_be_put_now_waits_for_the_next_run() -> None:
    aws = Aws()
    aws.faults["PutRow"] = [error("SlowDown", 503)] * 8
    with pytest.raises(Exception, match="SlowDown"):
        put_clip(archive(aws), at(T0, 7))
    assert len(aws.clips()) == 1
    assert archive(aws).position(STREAM) is not None
    assert list(aws.rows()) == [key for key, _ in aws.clips()]


def test_a_row_that_is_not_allowed_does_not_hold_up_the_archive() -> None:
    aws = Aws()
    aws.faults["PutRow"] = [error("AccessDenied", 403)]
    of = archive(aws)
    assert put_clip(of, at(T0, 7))
    assert "AccessDenied" in str(of.index.refusal)
    assert aws.rows() == {}


@pytest.mark.parametrize("page", [1, 2, 3])
def test_of_one_stem_the_last_that_was_put_tells_wherever_pages_end(page: int) -> None:
    """As text a gap record sorts before a clip, and Matroska before what took the MP4 file's place."""
    aws = Aws()
    aws.page = page
    first = at(T0 - 10_000, 10)
    record = keys.gap_metadata(STREAM, 10, first.start_ms, 0, "unreadable", "run", keys.MKV)
    clip = Clip(((first,),), planning.UNREADABLE, None, None)
    kept = keys.clip_metadata(STREAM, clip, 10_000, keys.MKV, 2000, "unreadable", "run")
    gap = keys.gap_metadata(STREAM, 15, T0, 0, "expired", "run")
    stem = PREFIX + keys.stem(first.start_ms, 10)
    for ending, metadata, reached in ((".mp4", record, 9), (".mkv", kept, 10), (".gap.json", gap, 14)):
        aws.objects[stem + ending] = (b"", metadata, "")
        position = archive(aws).position(STREAM)
        assert number_of(position) == reached
        aws.cache = Cache.empty()
        assert archive(aws).position(STREAM) == position
