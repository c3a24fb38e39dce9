"""Rows of the table `clips`: what they say, and where they lie."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_fetch import keys, planning, rows
from clip_fetch.model import Stream
from clip_fetch.planning import Clip
from tests.support.clip_fetch_aws import STREAM, T0, footage

PREFIX = "factory=krakow/camera=press-1/"
DAY = "year=2023/month=11/day=14/"
INDEX = "index/factory=krakow/" + DAY + "press-1-20231114T221320.000Z-"


def clip_metadata(flags: str = "", file_format: str = keys.MP4) -> dict[str, str]:
    """Of a clip of three fragments from T0 on."""
    clip = Clip(tuple((each,) for each in footage(3, start_ms=T0, first=7)), planning.GAP, None, None)
    return keys.clip_metadata(STREAM, clip, 60_000, file_format, 5960, flags, "run-1")


def row_of(key: str, metadata: dict[str, str], size: int = 1234) -> dict[str, Any]:
    """The row of an object."""
    row = rows.row(key, metadata, size)
    assert row is not None
    assert row.endswith(b"}\n")
    assert row.count(b"\n") == 1
    read: dict[str, Any] = json.loads(row)
    return read


def test_the_row_of_a_clip() -> None:
    key = PREFIX + DAY + "20231114T221320.000Z-7.mp4"
    assert row_of(key, clip_metadata()) == {
        "camera": "press-1",
        "key": key,
        "kind": "clip",
        "started_at": "2023-11-14 22:13:20.000",
        "ended_at": "2023-11-14 22:13:26.000",
        "producer_started_at": "2023-11-14 22:13:20.000",
        "duration_ms": 5960,
        "fragments": 3,
        "cut": "gap",
        "format": "mp4",
        "size_bytes": 1234,
    }
    assert row_of(key, clip_metadata("duration,expired-before"))["flags"] == "duration,expired-before"
    assert rows.row_key(key) == INDEX + "7.mp4.json"


def test_matroska_under_its_key_and_under_that_of_earlier_releases() -> None:
    for ending in (".mkv", ".mp4"):
        key = PREFIX + DAY + "20231114T221320.000Z-7" + ending
        assert row_of(key, clip_metadata(file_format=keys.MKV))["format"] == "mkv"
        assert rows.row_key(key) == INDEX + "7" + ending + ".json"


def test_the_row_of_a_gap_record() -> None:
    key = PREFIX + DAY + "20231114T221320.000Z-7.gap.json"
    metadata = keys.gap_metadata(STREAM, 20, T0 + 90_000, 60_000, "expired", "run-1")
    assert row_of(key, metadata) == {
        "camera": "press-1",
        "key": key,
        "kind": "gap",
        "started_at": "2023-11-14 22:13:20.000",
        "ended_at": "2023-11-14 22:14:50.000",
        "lost_ms": 60_000,
        "flags": "expired",
    }
    assert rows.row_key(key) == INDEX + "7.gap.json"


def test_where_an_archive_begins_is_a_gap_since_its_stream_was_created() -> None:
    key = PREFIX + keys.begin_token(STREAM)
    row = row_of(key, keys.gap_metadata(STREAM, 0, T0, 0, "begin", "run-1"))
    assert (row["kind"], row["flags"], row["lost_ms"]) == ("gap", "begin", 0)
    assert (row["started_at"], row["ended_at"]) == ("2023-11-14 21:13:20.000", "2023-11-14 22:13:20.000")
    # a name that begins with an underscore would be hidden from queries
    assert rows.row_key(key) == "index/factory=krakow/" + DAY + "press-1-20231114T211320.000Z-begin.json"


@pytest.mark.parametrize("absent", ["producer-start", "duration-ms", "fragments", "cut"])
def test_what_an_old_clip_does_not_say_is_left_out(absent: str) -> None:
    metadata = clip_metadata()
    del metadata[absent]
    key = PREFIX + DAY + "20231114T221320.000Z-7.mp4"
    column = {"producer-start": "producer_started_at", "duration-ms": "duration_ms"}.get(absent, absent)
    full, row = row_of(key, clip_metadata()), row_of(key, metadata)
    assert set(full) - set(row) == {column}


@pytest.mark.parametrize(
    "key",
    [
        "notes.txt",
        PREFIX + "year=2023/notes.txt",
        PREFIX + "_begin-x.json",
        "index/" + PREFIX + DAY + "20231114T221320.000Z-7.mp4",
        "factory=krakow/" + DAY + "20231114T221320.000Z-7.mp4",
    ],
)
def test_what_is_not_of_an_archive_has_no_row(key: str) -> None:
    assert rows.row_key(key) is None
    assert rows.row(key, clip_metadata(), 1) is None


def test_an_object_that_others_put_there_has_no_row() -> None:
    key = PREFIX + DAY + "20231114T221320.000Z-7.mp4"
    assert rows.row(key, {"made-by": "hand"}, 1) is None
    assert rows.row(key, {**clip_metadata(), "stream": "lake_krakow_press-2"}, 1) is None
    assert rows.row(PREFIX + DAY + "20231114T221320.000Z-8.mp4", clip_metadata(), 1) is None
    assert rows.row(key, {**clip_metadata(), "format": "avi"}, 1) is None


_TIMES = st.integers(0, 4_102_444_800_000)
_TOKENS = st.one_of(
    st.builds(
        lambda at, number, ending: keys.stem(at, number) + ending,
        _TIMES,
        st.integers(0, 10**47),
        st.sampled_from([".mp4", ".mkv", ".gap.json"]),
    ),
    st.builds(lambda at: keys.begin_token(Stream("s", "c", at, 1)), _TIMES),
)
_KEYS = st.builds(
    lambda camera, token: f"factory=krakow/camera={camera}/{token}",
    st.sampled_from(["a", "a-1", "1", "a-1-1"]),
    _TOKENS,
)


@given(_KEYS)
def test_a_row_s_key_tells_whose_it_is(key: str) -> None:
    row_key = rows.row_key(key)
    assert row_key is not None
    assert rows.object_key(row_key) == key


@pytest.mark.parametrize("key", ["index/factory=krakow/notes.txt", INDEX + "7.mp4", INDEX + "x.mp4.json", INDEX])
def test_another_key_is_no_row_s(key: str) -> None:
    assert rows.object_key(key) is None


@given(st.lists(_KEYS, min_size=2, max_size=2, unique=True))
def test_two_objects_never_share_a_row(pair: list[str]) -> None:
    one, other = (rows.row_key(key) for key in pair)
    assert one is not None
    assert one != other
