"""Random moments of the demonstration's cameras: the clip and frame that are found, against what the cameras sent.

What decides clip, offset and frame is the code of `factory-lake moment`. It reads the archive's listing and metadata
from memory and asks Athena what three calls do not tell; each clip is decoded once, and which frame it is, its
picture's own mark says.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from factory_lake.camera.frames import frame_at
from factory_lake.moment.footage import MOST_CALLS, CameraArchive, Footage, Index
from factory_lake.moment.tables import Tables
from harness.camera.journal import SentFragment
from harness.lake.targets import CameraPlace, Targets
from localcloud.testing import picture
from localcloud.testing.encoder import opened_video
from localcloud.testing.identity import luma

_MOMENTS = 1_000
_SEED = 13
_MARGIN_MS = 5_000
#: States of a moment of which there is no footage; the cameras of the demonstration lose none.
_GAPS = {"silent", "behind"}
_WORST_RIGHT = 1


@dataclass
class Moments:
    """What was found.

    Attributes:
        tried: Moments.
        right: Of these, with the clip that has the moment and a frame at most one off, or with the gap that is there.
        worst_frames_off: Of the frames found, how far the worst is from the one that was shown.
        wrong: In words, each that is not right.
    """

    tried: int = 0
    right: int = 0
    worst_frames_off: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def is_exact(self) -> bool:
        """Whether none is wrong."""
        return not self.wrong

    def summary(self) -> dict[str, int]:
        """The numbers alone."""
        return {"tried": self.tried, "right": self.right, "worst_frames_off": self.worst_frames_off}


@dataclass(frozen=True)
class Decoded:
    """The frames of a clip: when each is shown, and its mark."""

    seconds: Sequence[float | None]
    marks: Sequence[picture.FrameMark | None]


class ArchiveCopy:
    """A camera's archive as S3 would describe it, without a call for each question."""

    def __init__(self, s3: Any, bucket: str, prefix: str) -> None:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        self._keys = sorted(item["Key"] for page in pages for item in page.get("Contents", []))
        self._metadata = {key: s3.head_object(Bucket=bucket, Key=key)["Metadata"] for key in self._keys}

    def list_objects_v2(self, *, Bucket: str, Prefix: str, StartAfter: str) -> Any:  # noqa: N803, ARG002 - boto3's names
        """S3's ListObjectsV2, one page."""
        found = [key for key in self._keys if key.startswith(Prefix) and key > StartAfter]
        return {"Contents": [{"Key": key} for key in found[:1000]], "IsTruncated": len(found) > 1000}

    def head_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803, ARG002 - boto3's names
        """S3's HeadObject."""
        return {"Metadata": self._metadata[Key]}


def check(targets: Targets, sent: Iterable[SentFragment], moments: int = _MOMENTS) -> Moments:
    """Look for random moments of every camera, by the cameras' clock.

    Args:
        targets: The lake; its archive has everything that was sent.
        sent: What the cameras sent.
        moments: How many, over all cameras.
    """
    chance = random.Random(_SEED)  # noqa: S311  # repeatable, not secret
    by_stream: dict[str, list[SentFragment]] = {}
    for fragment in sent:
        by_stream.setdefault(fragment.stream, []).append(fragment)
    places = [place for place in targets.cameras if place.stream in by_stream]
    found = Moments()
    lake = targets.lake
    athena = lake.outputs["athena"]
    tables = Tables(lake.cloud.client("athena"), athena["workgroup"], athena["database"])
    for number, place in enumerate(places):
        share = moments // len(places) + (number < moments % len(places))
        index = partial(tables.clips, place.factory, place.name)
        check_camera(
            lake.cloud.client("s3"), targets.clips, place, by_stream[place.stream], chance, share, found, index
        )
    return found


def check_camera(
    s3: Any,
    bucket: str,
    place: CameraPlace,
    sent: Sequence[SentFragment],
    chance: random.Random,
    moments: int,
    found: Moments,
    index: Index,
) -> None:
    """Look for random moments of one camera, and count them."""
    copy: Any = ArchiveCopy(s3, bucket, place.clips_prefix)
    archive = CameraArchive(copy, bucket, place.clips_prefix, index)
    begin = min(one.start_ms for one in sent) - _MARGIN_MS
    end = max(one.start_ms + one.length_ms for one in sent) + _MARGIN_MS
    decoded: dict[str, Decoded] = {}
    for _ in range(moments):
        at_ms = chance.randrange(begin, end)
        seen = archive.find(at_ms, "camera")
        if seen.state == "clip" and seen.key is not None and seen.key not in decoded:
            decoded[seen.key] = _decoded(s3, bucket, seen.key)
        judge(found, place.name, at_ms, seen, decoded.get(seen.key or ""), sent)


def judge(
    found: Moments, camera: str, at_ms: int, seen: Footage, clip: Decoded | None, sent: Sequence[SentFragment]
) -> None:
    """Count one moment: compare what was found with the frame that the camera filmed then, if any."""
    found.tried += 1
    filmed = next((one for one in sent if one.start_ms <= at_ms < one.start_ms + one.length_ms), None)
    if seen.calls > MOST_CALLS:
        found.wrong.append(f"{camera} at {at_ms}: {seen.calls} calls")
        return
    if filmed is None or seen.state != "clip" or clip is None:
        if filmed is None and seen.state in _GAPS:
            found.right += 1
        else:
            found.wrong.append(
                f"{camera} at {at_ms}: {seen.state} {seen.why}, and the camera filmed {filmed is not None}"
            )
        return
    mark = clip.marks[frame_at(clip.seconds, seen.offset_ms or 0)]
    at = (at_ms - filmed.start_ms) * len(filmed.frames) // filmed.length_ms
    off = abs(mark.counter - int(filmed.frames[at])) if mark and mark.tag == picture.camera_tag(camera) else None
    if off is not None:
        found.worst_frames_off = max(found.worst_frames_off, off)
    if off is not None and off <= _WORST_RIGHT:
        found.right += 1
    else:
        found.wrong.append(f"{camera} at {at_ms}: {seen.key} is {off} frames off")


def _decoded(s3: Any, bucket: str, key: str) -> Decoded:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "clip"
        s3.download_file(bucket, key, str(file))
        return read_marks(file)


def read_marks(file: Path) -> Decoded:
    """When the frames of a clip are shown, and their marks."""
    seconds, marks = [], []
    with opened_video(file) as container:
        for frame in container.decode(video=0):
            seconds.append(None if frame.time is None else round(frame.time, 3))
            marks.append(picture.read(luma(frame)))
    return Decoded(seconds, marks)
