"""The archive's layout: keys that sort, metadata that tells how far the archive reaches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_fetch import keys, planning
from clip_fetch.model import Position, Stream
from clip_fetch.planning import Clip
from tests.support.clip_fetch_aws import T0, footage

PREFIX = "factory=krakow/camera=press-1/"
STREAM = Stream("lake_krakow_press-1", "press-1", T0 - 1, 3_600_000)

times = st.integers(0, 4 * 10**12)
fragment_numbers = st.integers(0, 10**47)


def test_a_key_tells_factory_camera_day_start_and_first_fragment() -> None:
    key = keys.camera_prefix("krakow", "press-1") + keys.clip_token(footage(1, start_ms=1_700_000_000_007)[0])
    assert key == ("factory=krakow/camera=press-1/year=2023/month=11/day=14/20231114T221320.007Z-1000.mp4")


@given(times, fragment_numbers)
def test_a_key_can_be_taken_apart(start_ms: int, number: int) -> None:
    parsed = keys.parse(PREFIX + keys.stem(start_ms, number) + ".mp4", PREFIX)
    assert parsed is not None
    assert (parsed.start_ms, parsed.number, parsed.rank) == (start_ms, number, 0)
    assert parsed.stem == keys.stem(start_ms, number)


@given(times, times)
def test_keys_sort_as_text_in_the_order_of_time(one_ms: int, other_ms: int) -> None:
    assert (keys.time_stem(one_ms) < keys.time_stem(other_ms)) == (one_ms < other_ms)


def test_within_one_moment_the_number_decides_as_an_integer_then_what_was_put_later() -> None:
    """Of one stem, Matroska follows what took the MP4 file's place, and the gap record follows both."""
    names = [keys.stem(T0, 10) + ".mp4"]
    names += [keys.stem(T0, 9) + ending for ending in (".gap.json", ".mkv", ".mp4")]
    parsed = [keys.parse(PREFIX + name, PREFIX) for name in names]
    ordered = sorted((each for each in parsed if each is not None), key=lambda key: key.order)
    endings = [(key.number, key.key.rsplit("-", 1)[1].split(".", 1)[1]) for key in ordered]
    assert endings == [(9, "mp4"), (9, "mkv"), (9, "gap.json"), (10, "mp4")]


@pytest.mark.parametrize(
    "key",
    [
        PREFIX + "notes.txt",
        PREFIX + "year=2023/month=11/day=14/20231114T221320.007Z-1000.avi",
        PREFIX + "year=2023/month=11/day=14/20231114T221320.007Z-.mp4",
        PREFIX + "year=2023/month=11/day=14/20231399T221320.007Z-1000.mp4",
        "factory=krakow/camera=press-10/year=2023/month=11/day=14/20231114T221320.007Z-1000.mp4",
        PREFIX + "_begin-1700000000000.json",
    ],
)
def test_other_keys_are_not_the_archive_s(key: str) -> None:
    assert keys.parse(key, PREFIX) is None


def test_metadata_of_a_clip() -> None:
    clip = Clip(tuple((fragment,) for fragment in footage(3)), planning.LENGTH, None, None)
    assert keys.clip_metadata(STREAM, clip, 10_000, keys.MP4, 6001, "", "run-7") == {
        "stream": "lake_krakow_press-1",
        "stream-created": "2023-11-14T22:13:19.999Z",
        "run": "run-7",
        "format": "mp4",
        "first-fragment": "1000",
        "last-fragment": "1002",
        "start": "2023-11-14T22:13:20.000Z",
        "last-start": "2023-11-14T22:13:24.000Z",
        "end": "2023-11-14T22:13:26.000Z",
        "producer-start": "2023-11-14T22:13:20.000Z",
        "fragments": "3",
        "duration-ms": "6001",
        "clip-seconds": "10",
        "cut": "length",
    }


def test_flags_are_there_only_when_something_is_wrong() -> None:
    clip = Clip(tuple((fragment,) for fragment in footage(1)), planning.SHORT, None, None)
    assert keys.clip_metadata(STREAM, clip, 10_000, keys.MP4, 1, "duration", "run")["flags"] == "duration"


@given(times, times, fragment_numbers, fragment_numbers)
def test_the_position_behind_a_clip_is_read_back_as_it_was_known(
    first_ms: int, last_ms: int, first: int, last: int
) -> None:
    ends = (footage(1, start_ms=first_ms, first=first)[0], footage(1, start_ms=last_ms, first=last)[0])
    clip = Clip(tuple((fragment,) for fragment in ends), planning.LENGTH, None, None)
    metadata = keys.clip_metadata(STREAM, clip, 10_000, keys.MP4, 1, "", "run")
    read = keys.position_after(keys.stem(first_ms, first), metadata)
    assert read == keys.position_after_clip(last, last_ms, last_ms + 2000)


def test_a_gap_record_names_the_fragment_that_must_follow_and_its_place_in_the_archive() -> None:
    metadata = keys.gap_metadata(STREAM, 1234, T0, 5000, "expired", "run")
    assert keys.position_after("", metadata) == Position(
        number=1233,
        start_ms=T0,
        end_ms=T0,
        previous_ms=T0 - 1,
        expected=1234,
        token="year=2023/month=11/day=14/20231114T221320.000Z-1234.mp4",
    )


def test_a_record_in_an_mp4_file_s_place_names_the_same_fragment_and_the_matroska_file_s_key() -> None:
    (first,) = footage(1)
    metadata = keys.gap_metadata(STREAM, first.number, first.start_ms, 0, "unreadable", "run", keys.MKV)
    position = keys.position_after("", metadata)
    assert position is not None
    assert position.token == keys.clip_token(first, keys.MKV) == keys.stem(T0, 1000) + ".mkv"
    assert keys.expected_format(position, first) == keys.MKV
    assert keys.expected_format(position, first._replace(number=1001)) == keys.MP4
    assert keys.expected_format(None, first) == keys.MP4


def test_matroska_under_a_key_in_mp4_is_read_as_older_archives_have_it() -> None:
    clip = Clip(tuple((fragment,) for fragment in footage(3)), planning.UNREADABLE, None, None)
    metadata = keys.clip_metadata(STREAM, clip, 10_000, keys.MKV, 0, "unreadable", "run")
    parsed = keys.parse(PREFIX + keys.clip_token(clip.first), PREFIX)
    assert parsed is not None
    position = keys.position_after(parsed.stem, metadata)
    assert position == keys.position_after_clip(1002, T0 + 4000, T0 + 6000)
    assert keys.expected_format(position, footage(4)[3]) == keys.MP4


def test_a_begin_record_names_a_time() -> None:
    position = keys.position_after("", keys.gap_metadata(STREAM, 0, T0, 0, "begin", "run"))
    assert position is not None
    assert (position.number, position.start_ms, position.expected) == (-1, T0, None)


@pytest.mark.parametrize("missing", ["format", "first-fragment", "last-fragment", "start", "last-start", "end"])
def test_an_object_without_the_metadata_says_nothing(missing: str) -> None:
    clip = Clip(tuple((fragment,) for fragment in footage(3)), planning.LENGTH, None, None)
    metadata = keys.clip_metadata(STREAM, clip, 10_000, keys.MP4, 6000, "", "run")
    stem = keys.stem(T0, 1000)
    assert keys.position_after(stem, metadata) is not None
    assert keys.position_after(stem, {k: v for k, v in metadata.items() if k != missing}) is None


def test_a_clip_under_another_name_than_its_own_says_nothing() -> None:
    clip = Clip(tuple((fragment,) for fragment in footage(3)), planning.LENGTH, None, None)
    metadata = keys.clip_metadata(STREAM, clip, 10_000, keys.MP4, 6000, "", "run")
    assert keys.position_after(keys.stem(T0, 1001), metadata) is None
    assert keys.position_after(keys.stem(T0 + 1, 1000), metadata) is None
