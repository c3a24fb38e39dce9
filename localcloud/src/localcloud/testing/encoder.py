"""Fragments of video: what a camera sends for one cluster of its stream.

A fragment is a Matroska document of one cluster that begins with a key frame, its timestamps in epoch
milliseconds. That is what a producer puts into PutMedia, several in a row.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from localcloud.kinesisvideo import matroska
from localcloud.kinesisvideo.media import decoding_times
from localcloud.testing.errors import InputError
from localcloud.testing.identity import frame_identity, packet_digests, pixels_digest
from localcloud.testing.picture import FrameMark, camera_tag, draw

MILLISECOND = Fraction(1, 1000)
AUDIO_RATE = 16_000
# PutMedia takes no longer ones (API reference).
MAX_FRAGMENT_MS = 20_000

# FFmpeg's names of what GetClip can join.
_CODECS = ("h264", "hevc")

# Key frames begin fragments and nothing else does, as kvssink asks of an encoder.
_X264 = {
    "preset": "ultrafast",
    "tune": "zerolatency",
    "crf": "28",
    "x264-params": "keyint=infinite:scenecut=0:bframes=0:threads=1",
}
# One cluster whatever its length: a fragment lasts at most 20 s, a cluster's clock reaches 32 s.
_MATROSKA = {"cluster_time_limit": "32000", "cluster_size_limit": str(2**30)}


@dataclass(frozen=True)
class Footage:
    """A fragment as it is sent.

    Attributes:
        start_ms: producer timestamp, epoch milliseconds.
        frames: identities of its frames in the order in which they are shown, see :mod:`localcloud.testing.identity`.
        packets: digests of its video packets in decoding order.
        document: the Matroska document.
    """

    start_ms: int
    length_ms: int
    frames: tuple[str, ...]
    packets: tuple[str, ...]
    document: bytes


@dataclass(frozen=True)
class SyntheticEncoder:
    """Films marked pictures.

    Attributes:
        fps: frames a second; must divide 1000, since Matroska's clock has milliseconds.
        audio: whether a tone (AAC, mono) goes along.
    """

    camera: str
    width: int = 160
    height: int = 96
    fps: int = 5
    audio: bool = False

    def __post_init__(self) -> None:
        if self.fps < 1 or 1000 % self.fps:
            raise InputError(f"fps must divide 1000, got {self.fps}")

    def film(self, start_ms: int, first_frame: int, frames: int) -> Footage:
        """Encode one fragment; its first frame has this producer timestamp (epoch milliseconds) and counter."""
        frame_ms = 1000 // self.fps
        with _document() as (container, file):
            video: Any = container.add_stream("libx264", rate=self.fps, options=_X264)
            video.width, video.height, video.pix_fmt = self.width, self.height, "yuv420p"
            video.time_base = video.codec_context.time_base = MILLISECOND
            video.codec_context.thread_count = 1
            sound = _play(_add_tone(container), start_ms, frames * frame_ms) if self.audio else iter(())
            for index in range(frames):
                mark = FrameMark(first_frame + index, start_ms + index * frame_ms, camera_tag(self.camera))
                picture = draw(mark, self.width, self.height)
                frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
                frame.pts, frame.time_base = mark.time_ms, MILLISECOND
                container.mux(video.encode(frame))
                container.mux(next(sound, []))
            container.mux(video.encode(None))
            for packets in sound:
                container.mux(packets)
        document = file.getvalue()
        identities = tuple(str(first_frame + index) for index in range(frames))
        return Footage(start_ms, frames * frame_ms, identities, video_packets(document), document)


class FileEncoder:
    """Sends the video of a file as it is, over and over, in fragments that begin at its key frames.

    Its pictures carry no code: a frame is known by the digest of its decoded pixels, which comes again with
    each round of the file.

    Args:
        path: a file with H.264 or H.265 video and closed groups of pictures, in any container that FFmpeg
            reads; a bare stream, which has no timestamps, goes too where it has no B frames.

    Raises:
        InputError: there is no such file, it holds no such video, or the video does not begin with a key
            frame, has B frames without timestamps, does not decode to one picture a packet, or has key
            frames farther apart than a fragment may last.
    """

    def __init__(self, path: Path) -> None:
        self._source = opened_video(path)
        self._stream = self._source.streams.video[0]
        codec = self._stream.codec_context.name
        if codec not in _CODECS:
            raise InputError(f"{path}: the video must be H.264 or H.265, got {codec}")
        rate = self._stream.average_rate or self._stream.guessed_rate or Fraction(25)
        try:
            packets = [packet for packet in self._source.demux(self._stream) if packet.size]
            with opened_video(path) as source:
                self._pictures = [pixels_digest(picture) for picture in source.decode(video=0)]
        except av.FFmpegError as error:
            raise InputError(f"{path}: the video must decode to its end, got {error.strerror}") from error
        if not packets or not packets[0].is_keyframe:
            raise InputError(f"{path}: the video must begin with a key frame, got {len(packets)} packets")
        if any(packet.pts is None for packet in packets) and self._stream.codec_context.has_b_frames:
            raise InputError(f"{path}: a stream with B frames needs a container with timestamps, got none")
        if len(self._pictures) != len(packets):
            raise InputError(
                f"{path}: each packet must decode to a picture, got {len(self._pictures)} of {len(packets)} packets"
            )
        self._rate = Fraction(rate)
        self._packets = [bytes(packet) for packet in packets]
        self._keys = [index for index, packet in enumerate(packets) if packet.is_keyframe]
        times = [
            round(index * 1000 / rate) if packet.pts is None else round(packet.pts * packet.time_base * 1000)
            for index, packet in enumerate(packets)
        ]
        self._times = [time - min(times) for time in times]
        self._round_ms = max(self._times) + max(1, round(1000 / rate))
        self._key = 0  # place in _keys of the next fragment
        spans = [self._time(end) - self._times[begin] for begin, end in self._groups()]
        if max(spans) > MAX_FRAGMENT_MS:
            place = self._times[self._keys[spans.index(max(spans))]]
            raise InputError(
                f"{path}: key frames must be at most {MAX_FRAGMENT_MS} ms apart,"
                f" got {max(spans)} ms from {place} ms on"
            )

    def film(self, start_ms: int, at_least_ms: int) -> Footage:
        """The next groups of pictures that together last that long.

        They are fewer where the file ends, or where one more would make the fragment too long.
        """
        groups = self._groups()[self._key :]
        begin, end = groups[0]
        for _, following in groups[1:]:
            last_ms, longer_ms = (self._time(place) - self._times[begin] for place in (end, following))
            if last_ms >= at_least_ms or longer_ms > MAX_FRAGMENT_MS:
                break
            end = following
        self._key = 0 if end == len(self._packets) else self._keys.index(end)
        length_ms = self._time(end) - self._times[begin]
        with _document() as (container, file):
            video = container.add_stream_from_template(self._stream)
            video.time_base = MILLISECOND
            shown = [start_ms + self._times[index] - self._times[begin] for index in range(begin, end)]
            for index, pts, dts in zip(range(begin, end), shown, decoding_times(shown), strict=True):
                packet = av.Packet(self._packets[index])
                packet.stream = video
                packet.is_keyframe = index in self._keys
                packet.time_base = MILLISECOND
                packet.pts, packet.dts = pts, dts
                container.mux(packet)
        document = matroska.one_cluster(file.getvalue())
        return Footage(start_ms, length_ms, tuple(self._pictures[begin:end]), video_packets(document), document)

    def _groups(self) -> list[tuple[int, int]]:
        """Where groups of pictures begin and end."""
        return list(zip(self._keys, [*self._keys[1:], len(self._packets)], strict=True))

    def _time(self, index: int) -> int:
        return self._times[index] if index < len(self._times) else self._round_ms


def opened_video(path: Path) -> Any:
    """The file as a container to read from.

    Raises:
        InputError: there is no such file, or it holds no video.
    """
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise InputError(f"{path}: must be a video file, got {error.strerror}") from error
    if not container.streams.video:
        container.close()
        raise InputError(f"{path}: must have a video stream, got {len(container.streams)} others")
    return container


def decoded_frames(clip: Path) -> list[str]:
    """Decode a clip and return its frames' identities in the order in which they are shown.

    Raises:
        InputError: there is no such file, or it holds no video.
        av.FFmpegError: the clip does not decode to its end.
    """
    with opened_video(clip) as container:
        return [frame_identity(frame) for frame in container.decode(video=0)]


def video_packets(document: bytes) -> tuple[str, ...]:
    """Digests of a document's video packets in decoding order, whether they decode or not.

    Raises:
        localcloud.kinesisvideo.matroska.MatroskaError: it is no Matroska file of fragments.
    """
    return packet_digests(
        bytes(frame.data)
        for cluster in matroska.clusters(document)
        for frame in cluster.frames
        if frame.track == cluster.tracks[0].number
    )


@contextmanager
def _document() -> Iterator[tuple[Any, io.BytesIO]]:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska", container_options=_MATROSKA) as container:
        yield container, file


def _add_tone(container: Any) -> Any:
    tone = container.add_stream("aac", rate=AUDIO_RATE, layout="mono")
    tone.time_base = tone.codec_context.time_base = Fraction(1, AUDIO_RATE)
    tone.codec_context.open()
    return tone


def _play(tone: Any, start_ms: int, length_ms: int) -> Iterator[list[av.Packet[Any]]]:
    """Packets of a 440 Hz tone that begin within these times."""
    wave = np.sin(np.arange(length_ms * AUDIO_RATE // 1000) * (2 * np.pi * 440 / AUDIO_RATE)) * 0.1
    samples = wave.astype(np.float32)[None, :]
    size = tone.codec_context.frame_size
    for position in range(0, samples.shape[1] - size + 1, size):
        frame = av.AudioFrame.from_ndarray(samples[:, position : position + size], format="fltp", layout="mono")
        frame.sample_rate, frame.time_base = AUDIO_RATE, Fraction(1, AUDIO_RATE)
        frame.pts = start_ms * AUDIO_RATE // 1000 + position
        yield _after(tone.encode(frame), start_ms)
    yield _after(tone.encode(None), start_ms)


def _after(packets: list[av.Packet[Any]], start_ms: int) -> list[av.Packet[Any]]:
    """Leave out the encoder's run-in, which lies before the fragment."""
    return [
        packet for packet in packets if packet.pts is not None and packet.pts * packet.time_base * 1000 >= start_ms
    ]
