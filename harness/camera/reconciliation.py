"""The reconciliation of video: every frame that a camera sent against every frame that the archive holds.

The cameras' journal says what was sent; the archived objects say what is there, decoded frame by frame. An
object's metadata is taken as a claim only: it says which fragments the object should hold, and the decoded
frames must be exactly theirs.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import av

from harness.camera.journal import SentFragment
from harness.lake.targets import Targets
from localcloud.kinesisvideo.matroska import MatroskaError
from localcloud.testing.encoder import decoded_frames, video_packets
from localcloud.testing.errors import InputError

_CLIP = re.compile(r"year=\d+/month=\d+/day=\d+/(?P<start>[0-9T.]+)Z-(?P<number>\d+)\.(mp4|mkv)")
# Metadata that a clip has, and a record that took its place under the same key has not.
_IS_CLIP = "first-fragment"
# Older archives have such content under keys in .mp4, so the key does not say it.
_MATROSKA = "video/x-matroska"
_DECODERS = 2


@dataclass(frozen=True)
class ArchivedClip:
    """One archived object.

    Attributes:
        key: object key.
        first: number of the first fragment that it claims to hold.
        last: number of the last.
        flags: what the archiver says is not as it should be; empty for a clip without blemish.
        frames: identities of the frames in it; of packets that do not decode, ``packet:`` and their digest.
    """

    key: str
    first: int
    last: int
    flags: str
    frames: tuple[str, ...]


@dataclass
class VideoReport:
    """What became of the footage; lost and duplicated frames are counted one by one.

    Attributes:
        cameras: cameras that sent anything.
        fragments: fragments sent.
        frames: frames sent.
        clips: archived objects.
        fragments_lost: sent and in no clip, or not whole in it.
        fragments_duplicated: in more than one clip; one for each clip too many.
        frames_lost: sent and in no clip.
        frames_duplicated: in the archive once too often, or never sent.
        flagged: clips that the archiver has flagged.
        discrepancies: in words, each object or fragment that is not as it should be.
    """

    cameras: int = 0
    fragments: int = 0
    frames: int = 0
    clips: int = 0
    fragments_lost: int = 0
    fragments_duplicated: int = 0
    frames_lost: int = 0
    frames_duplicated: int = 0
    flagged: int = 0
    discrepancies: list[str] = field(default_factory=list)

    @property
    def is_exact(self) -> bool:
        """Whether every frame is in exactly one clip, in order."""
        return not self.discrepancies

    def summary(self) -> dict[str, int]:
        """The numbers alone."""
        numbers = asdict(self)
        del numbers["discrepancies"]
        return numbers

    def add(self, other: VideoReport) -> None:
        """Adds another report to this one."""
        for name, value in other.summary().items():
            setattr(self, name, getattr(self, name) + value)
        self.discrepancies += other.discrepancies


def reconcile_targets(targets: Targets, sent: Sequence[SentFragment]) -> VideoReport:
    """Decode every clip of a lake's factories and find every frame that their cameras sent."""
    s3 = targets.lake.cloud.client("s3")
    total = VideoReport()
    for factory in {place.factory: None for place in targets.cameras}:
        streams = {camera.stream for camera in targets.cameras if camera.factory == factory}
        mine = [fragment for fragment in sent if fragment.stream in streams]
        total.add(reconcile(mine, s3, targets.clips, factory))
    return total


def reconcile(journal: Iterable[SentFragment], s3: Any, bucket: str, factory: str) -> VideoReport:
    """Find the footage of all cameras of a factory that are in the journal."""
    by_camera: dict[str, list[SentFragment]] = {}
    for fragment in journal:
        by_camera.setdefault(fragment.camera, []).append(fragment)
    total = VideoReport()
    for camera, fragments in sorted(by_camera.items()):
        clips = archived_clips(s3, bucket, f"factory={factory}/camera={camera}/")
        total.add(compare(fragments, clips))
    return total


def archived_clips(s3: Any, bucket: str, prefix: str) -> list[ArchivedClip]:
    """Downloads and decodes all clips below a camera's prefix, in the order of their footage."""
    with ThreadPoolExecutor(_DECODERS) as pool:
        read = pool.map(lambda key: _read(s3, bucket, key), clip_keys(s3, bucket, prefix))
        return [clip for clip in read if clip is not None]


def clip_keys(s3: Any, bucket: str, prefix: str) -> list[str]:
    """The keys of clips below a camera's prefix, and of records in their place, in order of footage."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
    named = [(match, key) for key in keys if (match := _CLIP.fullmatch(key[len(prefix) :]))]
    return [key for *_, key in sorted((m["start"], int(m["number"]), key) for m, key in named)]


def archived_to(s3: Any, bucket: str, prefix: str) -> int:
    """Number of the newest fragment that is archived below a camera's prefix, -1 when none is."""
    for key in reversed(clip_keys(s3, bucket, prefix)):
        metadata: Mapping[str, str] = s3.head_object(Bucket=bucket, Key=key)["Metadata"]
        if _IS_CLIP in metadata:
            return int(metadata["last-fragment"])
    return -1


def _read(s3: Any, bucket: str, key: str) -> ArchivedClip | None:
    answer = s3.get_object(Bucket=bucket, Key=key)
    metadata: Mapping[str, str] = answer["Metadata"]
    if _IS_CLIP not in metadata:
        return None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "clip"
        with file.open("wb") as target:
            for piece in answer["Body"].iter_chunks(2**18):
                target.write(piece)
        raw = answer["ContentType"] == _MATROSKA
        try:
            if raw:
                frames = tuple(f"packet:{packet}" for packet in video_packets(file.read_bytes()))
            else:
                frames = tuple(decoded_frames(file))
        except (av.FFmpegError, InputError, MatroskaError):
            frames = ()
    first, last = int(metadata["first-fragment"]), int(metadata["last-fragment"])
    return ArchivedClip(key, first, last, metadata.get("flags", ""), frames)


def compare(sent: Sequence[SentFragment], clips: Sequence[ArchivedClip]) -> VideoReport:
    """Find the footage of one camera in its clips, which are in the order of their footage."""
    result = VideoReport(cameras=1, fragments=len(sent), clips=len(clips))
    result.flagged = sum(bool(clip.flags) for clip in clips)
    expected = Counter(frame for fragment in sent for frame in fragment.frames)
    result.frames = expected.total()
    found: Counter[str] = Counter()
    whole: Counter[int] = Counter()
    previous: ArchivedClip | None = None
    for clip in clips:
        claimed = [fragment for fragment in sent if clip.first <= fragment.number <= clip.last]
        frames = _named(clip.frames, claimed)
        found.update(frames)
        whole.update(fragment.number for fragment in claimed if _holds(frames, fragment.frames))
        if frames != [frame for fragment in claimed for frame in fragment.frames]:
            result.discrepancies.append(f"{clip.key}: does not hold exactly the frames of its fragments")
        if previous is not None and clip.first <= previous.last:
            result.discrepancies.append(f"{clip.key}: begins before {previous.key} ends")
        previous = clip
    result.frames_lost = (expected - found).total()
    result.frames_duplicated = (found - expected).total()
    for fragment in sent:
        copies = whole[fragment.number]
        result.fragments_lost += copies == 0
        result.fragments_duplicated += max(0, copies - 1)
        if copies != 1:
            result.discrepancies.append(f"{fragment.stream}: fragment {fragment.number} is in {copies} clips")
    return result


def _named(frames: Sequence[str], claimed: Sequence[SentFragment]) -> list[str]:
    """Frames with packets replaced by the frames that they are, where the claimed fragments know them."""
    packets = {f"packet:{p}": f for sent in claimed for p, f in zip(sent.packets, sent.frames, strict=True)}
    return [packets.get(frame, frame) for frame in frames]


def _holds(frames: Sequence[str], part: Sequence[str]) -> bool:
    """Whether ``part`` is in ``frames``, in one piece."""
    size = len(part)
    starts = (index for index, frame in enumerate(frames) if frame == part[0])
    return any(list(frames[start : start + size]) == list(part) for start in starts)
