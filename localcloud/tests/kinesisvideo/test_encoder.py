"""Fragments as producers send them, and how their frames are known again."""

from __future__ import annotations

import io
from pathlib import Path

import av
import pytest

from localcloud.kinesisvideo import matroska
from localcloud.kinesisvideo.media import ClipPart, write_clip
from localcloud.testing.encoder import FileEncoder, Footage, SyntheticEncoder, decoded_frames, video_packets
from localcloud.testing.errors import InputError
from localcloud.testing.files import UNEVEN, made_file, uneven_file
from localcloud.testing.identity import packet_digests

START = 1_700_000_000_000


def joined(fragments: list[Footage], folder: Path) -> Path:
    """The fragments as a clip."""
    parts = []
    for index, fragment in enumerate(fragments):
        document = folder / f"{index}.mkv"
        document.write_bytes(fragment.document)
        parts.append(ClipPart(document, fragment.start_ms, fragment.length_ms))
    write_clip(parts, folder / "clip.mp4")
    return folder / "clip.mp4"


class TestSyntheticEncoder:
    """Marked pictures."""

    @pytest.mark.parametrize(("frames", "fps"), [(1, 5), (5, 5), (100, 5), (500, 25)])
    def test_a_fragment_is_one_cluster_timed_by_the_producer(self, frames: int, fps: int) -> None:
        footage = SyntheticEncoder("c", fps=fps).film(START, 7, frames)
        (cluster,) = matroska.clusters(footage.document)
        assert cluster.time_ms == footage.start_ms == START
        assert cluster.length_ms == footage.length_ms == frames * 1000 // fps
        assert len(cluster.frames) == len(footage.frames) == len(footage.packets) == frames

    def test_it_begins_with_its_only_key_frame(self) -> None:
        footage = SyntheticEncoder("c").film(START, 0, 50)
        with av.open(io.BytesIO(footage.document), "r") as video:
            keys = [packet.is_keyframe for packet in video.demux(video=0) if packet.size]
        assert keys == [True] + [False] * 49

    def test_the_same_shot_gives_the_same_bytes_but_for_the_muxers_random_ids(self) -> None:
        first, second = (SyntheticEncoder("c").film(START, 3, 10) for _ in range(2))
        assert first.packets == second.packets

    def test_a_resolution_has_codec_private_data_of_its_own(self) -> None:
        def private(width: int, start: int) -> bytes:
            footage = SyntheticEncoder("c", width).film(start, 0, 3)
            return next(matroska.clusters(footage.document)).tracks[0].private

        assert private(160, START) == private(160, START + 5000) != private(192, START)

    def test_fps_must_fit_the_clock(self) -> None:
        with pytest.raises(ValueError, match="fps must divide 1000, got 30"):
            SyntheticEncoder("c", fps=30)


class TestFileEncoder:
    """A given file."""

    def test_its_frames_come_back_from_a_clip_in_order_and_unchanged(self, tmp_path: Path) -> None:
        encoder = FileEncoder(made_file(tmp_path / "given.mp4"))
        fragments, start = [], START
        for _ in range(7):  # five groups of pictures a round
            fragments.append(encoder.film(start, 400))
            start += fragments[-1].length_ms
        assert [fragment.length_ms for fragment in fragments] == [500] * 7
        clip = joined(fragments, tmp_path)
        sent = [frame for fragment in fragments for frame in fragment.frames]
        assert decoded_frames(clip) == sent
        assert len(set(sent)) == 60
        with av.open(str(clip)) as video:
            packets = packet_digests(bytes(packet) for packet in video.demux(video=0) if packet.size)
        assert packets == tuple(digest for fragment in fragments for digest in fragment.packets)

    def test_b_frames_are_shown_when_they_are_due(self, tmp_path: Path) -> None:
        encoder = FileEncoder(made_file(tmp_path / "given.mp4"))
        clip = joined([encoder.film(START, 400), encoder.film(START + 500, 400)], tmp_path)
        with av.open(str(clip)) as video:
            times = [round(float(frame.time or 0) * 24) for frame in video.decode(video=0)]
        assert times == list(range(24))

    def test_a_fragment_has_as_many_groups_as_it_takes(self, tmp_path: Path) -> None:
        encoder = FileEncoder(made_file(tmp_path / "given.mp4"))
        assert encoder.film(START, 1200).length_ms == 1500
        assert encoder.film(START, 60_000).length_ms == 1000  # to the end of the file
        assert encoder.film(START, 1).length_ms == 500  # and from its beginning again

    @pytest.mark.parametrize("at_least_ms", [1, 2000, 5000])
    def test_unevenly_spaced_key_frames_make_fragments_of_one_cluster(self, at_least_ms: int, tmp_path: Path) -> None:
        """A muxer begins a cluster at each key frame once there are some kilobytes."""
        encoder = FileEncoder(uneven_file(tmp_path / "given.mp4", UNEVEN, 250))
        fragments, start = [], START
        while start < START + 36_000:
            fragments.append(encoder.film(start, at_least_ms))
            start += fragments[-1].length_ms
        for fragment in fragments:
            (cluster,) = matroska.clusters(fragment.document)
            assert len(cluster.frames) == len(fragment.packets)
            assert cluster.time_ms == fragment.start_ms
        assert decoded_frames(joined(fragments, tmp_path)) == [f for each in fragments for f in each.frames]

    def test_no_fragment_is_longer_than_putmedia_takes(self, tmp_path: Path) -> None:
        encoder = FileEncoder(uneven_file(tmp_path / "given.mp4", (0, 60, 84, 104), 120, rate=5))
        assert [encoder.film(START, 19_000).length_ms for _ in range(3)] == [16_800, 7200, 16_800]

    def test_key_frames_may_be_no_farther_apart_than_that(self, tmp_path: Path) -> None:
        file = uneven_file(tmp_path / "given.mp4", (0, 10, 111), 120, rate=5)
        with pytest.raises(InputError, match=r"at most 20000 ms apart, got 20200 ms from 2000 ms on"):
            FileEncoder(file)

    def test_a_bare_stream_goes_where_it_has_no_b_frames(self, tmp_path: Path) -> None:
        encoder = FileEncoder(made_file(tmp_path / "given.h264", bframes=0))
        fragment = encoder.film(START, 1)
        assert len(fragment.frames) == 12
        assert decoded_frames(joined([fragment], tmp_path)) == list(fragment.frames)

    def test_a_bare_stream_with_b_frames_has_no_times(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="needs a container with timestamps"):
            FileEncoder(made_file(tmp_path / "given.h264"))


def test_packets_are_read_whether_they_decode_or_not() -> None:
    footage = SyntheticEncoder("c").film(START, 0, 5)
    assert video_packets(matroska.without_codec_private(footage.document) * 2) == footage.packets * 2
