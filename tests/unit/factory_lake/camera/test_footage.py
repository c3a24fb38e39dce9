"""Footage decodes to what was filmed: times, greys, sizes; in the form that PutMedia asks for."""

from __future__ import annotations

import io
from collections.abc import Iterable

import av
import pytest
from av.container import InputContainer

from factory_lake.camera.footage import BRIGHTEST, DARKEST, Filming, Fragment
from localcloud.kinesisvideo import matroska
from localcloud.kinesisvideo.media import is_readable

_START_MS = 1_790_000_000_000


def opened(filming: Filming, fragments: Iterable[Fragment]) -> InputContainer:
    return av.open(io.BytesIO(filming.head + b"".join(one.cluster for one in fragments)), "r")


@pytest.mark.parametrize("filming", [Filming(), Filming(16, 16), Filming(96, 80, frame_ms=100)], ids=str)
def test_every_frame_decodes_at_its_time_with_its_grey(filming: Filming) -> None:
    fragments = list(filming.film(_START_MS, 7000, fragment_ms=2000))
    assert [(one.start_ms, one.length_ms) for one in fragments] == [
        (_START_MS, 2000),
        (_START_MS + 2000, 2000),
        (_START_MS + 4000, 2000),
        (_START_MS + 6000, 1000),
    ]
    with opened(filming, fragments) as container:
        frames = list(container.decode(video=0))
    assert [frame.pts for frame in frames] == list(range(_START_MS, _START_MS + 7000, filming.frame_ms))
    shown = {at: one.grey for one in fragments for at in range(one.start_ms, one.start_ms + one.length_ms)}
    for frame in frames:
        picture = frame.to_ndarray(format="gray")
        assert picture.shape == (filming.height, filming.width)
        assert frame.pts is not None
        # Gray has the whole range of 0 to 255, and video 16 to 235.
        assert set(picture.tobytes()) == {round((shown[frame.pts] - 16) * 255 / 219)}
    assert [frame.key_frame for frame in frames].count(True) == len(fragments)


@pytest.mark.parametrize("grey", [DARKEST, BRIGHTEST])
def test_the_ends_of_greys(grey: int) -> None:
    with opened(Filming(), [Filming().fragment(_START_MS, 3, grey=grey)]) as container:
        assert [int(frame.to_ndarray()[0, 0]) for frame in container.decode(video=0)] == [grey] * 3


def test_the_longest_fragment_counts_its_frames_round_and_decodes() -> None:
    with opened(Filming(), [Filming().fragment(_START_MS, 100)]) as container:
        assert len(list(container.decode(video=0))) == 100


def test_padding_makes_a_fragment_larger_and_nothing_else() -> None:
    plain, padded = Filming().fragment(_START_MS, 5), Filming().fragment(_START_MS, 5, padding=1_000_000)
    assert 1_000_000 <= len(padded.cluster) - len(plain.cluster) <= 1_000_010
    with opened(Filming(), [padded]) as container:
        assert [int(frame.to_ndarray()[0, 0]) for frame in container.decode(video=0)] == [plain.grey] * 5


def test_a_call_is_one_segment_whose_clusters_are_the_fragments() -> None:
    fragments = list(Filming().film(_START_MS, 6000))
    stream = Filming().head + b"".join(one.cluster for one in fragments)
    assert stream.count(bytes.fromhex("18538067")) == 1
    clusters = list(matroska.clusters(stream))
    assert [(one.time_ms, one.length_ms) for one in clusters] == [(one.start_ms, one.length_ms) for one in fragments]
    assert all(is_readable(one) for one in clusters)
    (track,) = clusters[0].tracks
    assert (track.codec_id, track.private[:4]) == ("V_MPEG4/ISO/AVC", b"\x01\x42\xc0\x1e")


def test_another_size_has_other_codec_private_data() -> None:
    small, large = (next(matroska.clusters(one.head + one.fragment(0, 1).cluster)) for one in (_SMALL, _LARGE))
    assert small.tracks[0].private != large.tracks[0].private


_SMALL, _LARGE = Filming(), Filming(96, 64)


@pytest.mark.parametrize("size", [(0, 16), (60, 48), (64, 40)])
def test_pictures_that_are_not_of_whole_macroblocks(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"whole macroblocks of 16, got {size[0]}x{size[1]}"):
        Filming(*size)


def test_fragments_that_no_camera_sends() -> None:
    with pytest.raises(ValueError, match="a fragment lasts at most 20000 ms, got 20200"):
        Filming().fragment(0, 101)
    with pytest.raises(ValueError, match=r"a grey is in 16\.\.235, got 15"):
        Filming().fragment(0, 1, grey=15)
