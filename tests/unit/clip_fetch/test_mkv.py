"""Matroska written anew: one document that begins at zero, media and tags unchanged."""

from __future__ import annotations

import contextlib
import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_fetch.errors import InvalidMediaError
from clip_fetch.mkv import CUT_OFF, Recording
from harness.media import element, mkv
from tests.support.clip_fetch_aws import T0

EBML, INFO, TRACKS, TAGS, CUES, CLUSTER = ("1A45DFA3", "1549A966", "1654AE6B", "1254C367", "1C53BB6B", "1F43B675")


def fragment(number: int, at_ms: int, codec: bytes = b"V_MPEG4/ISO/AVC", step_ms: int = 500) -> bytes:
    """One of four frames, two seconds long unless told otherwise."""
    frames = [(index * step_ms, f"frame {number}.{index}".encode()) for index in range(4)]
    tags = {"AWS_KINESISVIDEO_FRAGMENT_NUMBER": str(number)}
    return mkv(T0 + at_ms, frames, tags, codec, track_id=number)


def recording(data: bytes) -> Recording:
    return Recording(io.BytesIO(data), len(data))


def written(data: bytes) -> bytes:
    return b"".join(recording(data).chunks())


def elements(data: bytes) -> list[tuple[str, int, bytes]]:
    """ID, place and content of each element in a row of them."""
    found = []
    position = 0
    while position < len(data):
        width = 9 - data[position].bit_length()
        kind = data[position : position + width].hex().upper()
        size_width = 9 - data[position + width].bit_length()
        body = position + width + size_width
        size = int.from_bytes(data[position + width : body], "big") & (1 << 7 * size_width) - 1
        assert body + size <= len(data), kind
        found.append((kind, position, data[body : body + size]))
        position = body + size
    return found


def contents(data: bytes, kind: str) -> list[bytes]:
    return [content for each, _, content in elements(data) if each == kind]


def times(segment: bytes) -> list[int]:
    """When each frame is shown."""
    found = []
    for cluster in contents(segment, CLUSTER):
        at = int.from_bytes(contents(cluster, "E7")[0], "big")
        found += [at + struct.unpack_from(">h", block, 1)[0] for block in contents(cluster, "A3")]
    return found


def segment_of(data: bytes) -> bytes:
    """Of a file that is one document."""
    (ebml, _, _), (segment, _, content) = elements(data)
    assert (ebml, segment) == (EBML, "18538067")
    return content


def test_fragments_become_one_document_that_begins_at_zero() -> None:
    segment = segment_of(written(fragment(1, 0) + fragment(2, 2000) + fragment(3, 4000)))
    kinds = [kind for kind, _, _ in elements(segment)]
    assert kinds == [INFO, TRACKS, CUES, TAGS, CLUSTER, TAGS, CLUSTER, TAGS, CLUSTER]
    assert times(segment) == list(range(0, 6000, 500))


def test_it_says_how_long_it_plays_and_when_the_camera_filmed_it() -> None:
    data = fragment(1, 0) + fragment(2, 2000)
    (info,) = contents(segment_of(written(data)), INFO)
    assert struct.unpack(">d", contents(info, "4489")[0]) == (4000.0,)
    since_2001 = int.from_bytes(contents(info, "4461")[0], "big")
    assert 978_307_200_000 + since_2001 // 1_000_000 == T0
    assert recording(data).duration_ms == 4000


def test_the_index_leads_to_each_cluster() -> None:
    segment = segment_of(written(fragment(1, 0) + fragment(2, 2000)))
    places = {place for kind, place, _ in elements(segment) if kind == CLUSTER}
    (cues,) = contents(segment, CUES)
    led = [contents(contents(point, "B7")[0], "F1")[0] for point in contents(cues, "BB")]
    assert {int.from_bytes(place, "big") for place in led} == places


def test_frames_and_tags_stay_the_bytes_that_came() -> None:
    segment = segment_of(written(fragment(1, 0) + fragment(2, 2000)))
    frames = [block[4:] for cluster in contents(segment, CLUSTER) for block in contents(cluster, "A3")]
    assert frames == [f"frame {number}.{index}".encode() for number in (1, 2) for index in range(4)]
    assert [b"1" in tags for tags in contents(segment, TAGS)] == [True, False]


@pytest.mark.parametrize(
    ("starts_ms", "shown_ms"),
    [
        pytest.param([0, 2000, 2000], [0, 2000, 4000], id="sent twice"),
        pytest.param([0, 2000, -60_000], [0, 2000, 4000], id="clock set back"),
        pytest.param([0, 2000, 86_400_000], [0, 2000, 4000], id="clock set forward"),
        pytest.param([0, 5000, 7000], [0, 5000, 7000], id="a pause"),
        pytest.param([0, 1999, 4001], [0, 1999, 4001], id="clocks that round"),
    ],
)
def test_fragments_follow_each_other_whatever_the_camera_s_clock_says(
    starts_ms: list[int], shown_ms: list[int]
) -> None:
    data = b"".join(fragment(number, at_ms) for number, at_ms in enumerate(starts_ms, start=1))
    shown = times(segment_of(written(data)))
    assert shown[::4] == shown_ms
    assert shown == sorted(set(shown))


def test_frames_before_their_cluster_s_time_do_not_make_it_negative() -> None:
    data = mkv(T0, [(0, b"I"), (-40, b"B"), (40, b"P")], {})
    assert times(segment_of(written(data))) == [40, 0, 80]


def test_where_the_tracks_change_another_document_begins_and_times_go_on() -> None:
    data = written(fragment(1, 0) + fragment(2, 2000, b"V_MJPEG") + fragment(3, 4000, b"V_MJPEG"))
    first, second = (content for kind, _, content in elements(data) if kind == "18538067")
    assert (times(first), times(second)) == ([0, 500, 1000, 1500], list(range(2000, 6000, 500)))


@pytest.mark.parametrize("unknown", [False, True])
def test_clusters_and_segments_may_have_no_size(unknown: bool) -> None:
    """As a live muxer writes them; and an index of old must not stay."""
    data = fragment(1, 0) + element(CUES, b"") + fragment(2, 2000)
    if unknown:
        place = data.index(bytes.fromhex(CLUSTER))
        data = data[: place + 4] + b"\x1f\xff\xff\xff" + data[place + 8 :]
    assert times(segment_of(written(data))) == list(range(0, 4000, 500))


def test_a_frame_alone_lasts_as_long_as_its_track_says() -> None:
    data = mkv(T0, [(0, b"I")], {})
    assert recording(data).duration_ms == 1
    entry = element("AE", element("D7", b"\1") + element("23E383", (33_000_000).to_bytes(4, "big")))
    tracks = data.index(bytes.fromhex(TRACKS))
    tags = data.index(bytes.fromhex(TAGS))
    assert recording(data[:tracks] + element(TRACKS, entry) + data[tags:]).duration_ms == 33


def test_a_file_that_ends_inside_an_element_is_cut_off_wherever_that_is() -> None:
    whole = fragment(1, 0) + fragment(2, 2000)
    second = whole.rindex(bytes.fromhex(CLUSTER))
    for cut in range(second + 1, len(whole)):
        with pytest.raises(InvalidMediaError, match=CUT_OFF):
            recording(whole[:cut])


@given(st.binary(max_size=300))
def test_bytes_that_are_no_matroska_are_refused_in_one_way(data: bytes) -> None:
    with pytest.raises(InvalidMediaError):
        recording(data)


@given(st.integers(0, 400), st.binary(min_size=1, max_size=20))
def test_damage_is_refused_or_written_anew_but_never_raises_anything_else(place: int, bad: bytes) -> None:
    whole = fragment(1, 0) + fragment(2, 2000)
    damaged = whole[:place] + bad + whole[place + len(bad) :]
    with contextlib.suppress(InvalidMediaError):
        written(damaged)


@pytest.mark.parametrize("kind", ["E7", "2AD7B1", "A3"])
def test_numbers_that_no_clock_shows_are_damage_as_well(kind: str) -> None:
    whole = fragment(1, 0)
    place = whole.index(bytes.fromhex(kind) + b"\x10")
    size = int.from_bytes(whole[place + len(kind) // 2 + 1 : place + len(kind) // 2 + 4], "big")
    body = place + len(kind) // 2 + 4
    damaged = whole[:body] + b"\xff" * size + whole[body + size :]
    with contextlib.suppress(InvalidMediaError):
        written(damaged)
