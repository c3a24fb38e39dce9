"""What a lake has of a camera: the archive's objects, and footage in the video stream that is not archived yet."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any

from clip_fetch import keys
from clip_fetch.planning import MAX_FRAGMENT_MS
from clip_fetch.settings import Settings
from factory_lake.camera.clips import Archive, list_archive
from factory_lake.clients import Clients
from factory_lake.coverage.evidence import CameraHistory, Footage, Loss
from factory_lake.coverage.times import instant_ms

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_HOUR_MS = 3_600_000
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_UNITS_MS = {"minute": 60_000, "hour": _HOUR_MS, "day": 24 * _HOUR_MS}
#: A run takes its time.
_RUN_MS = 120_000
#: The archive begins; no footage is lost there.
_BEGIN = "begin"


@dataclass(frozen=True)
class Archiver:
    """How a factory's archiver works.

    Attributes:
        due_ms: How long after its end footage is archived at the latest, when nothing is amiss.
    """

    bucket: str
    gap_ms: int
    due_ms: int
    namespace: str

    @classmethod
    def of(cls, settings: Settings, schedules: Sequence[str]) -> "Archiver":
        """Read the function's settings and the expressions of its schedule."""
        between_ms = min((_between_ms(one) for one in schedules), default=24 * _HOUR_MS)
        # A clip waits until it is long enough, or the camera is quiet for long enough, and then for the next run.
        due_ms = settings.clip_ms + settings.quiet_ms + between_ms + _RUN_MS
        return cls(settings.bucket, settings.gap_ms, due_ms, settings.namespace)


@dataclass(frozen=True)
class Fragment:
    """A fragment that the video stream lists."""

    start_ms: int
    length_ms: int


@dataclass(frozen=True)
class Cameras:
    """Reads cameras."""

    s3: "S3Client"
    video: Any  # a client of kinesisvideo
    clients: Clients

    def history(
        self, factory: str, camera: str, stream: str, archiver: Archiver, from_ms: int, to_ms: int, now_ms: int
    ) -> CameraHistory:
        """What is known of a camera.

        Raises:
            ClipError: When an object is no clip and no gap record.
        """
        prefix = keys.camera_prefix(factory, camera)
        archive = list_archive(self.s3, archiver.bucket, prefix, from_ms, to_ms)
        described = self.video.describe_stream(StreamName=stream)["StreamInfo"]
        created_ms = instant_ms(described["CreationTime"])
        listed_from_ms = now_ms - described["DataRetentionInHours"] * _HOUR_MS
        reached_ms = max(
            [created_ms, *(keys.parse_iso(one.end) for one in archive.clips), *(one.resume_ms for one in archive.gaps)]
        )
        fragments: list[Fragment] = []
        if not archive.goes_on:
            # A fragment that began before the range may reach into it.
            begin_ms = max(reached_ms, listed_from_ms, from_ms - MAX_FRAGMENT_MS)
            fragments = list(self._fragments(stream, begin_ms, min(to_ms, now_ms)))
        pause_ms = archiver.gap_ms + _usual_length_ms(archive, fragments)
        return CameraHistory(
            camera=camera,
            clips=tuple(
                Footage(
                    keys.parse_iso(one.start),
                    keys.parse_iso(one.end),
                    one.fragments,
                    _url(archiver, one.key),
                    one.flags,
                )
                for one in archive.clips
            ),
            losses=tuple(
                Loss(one.resume_ms - one.lost_ms, one.resume_ms, one.flags, _url(archiver, one.key))
                for one in archive.gaps
                if one.lost_ms > 0 and one.flags != _BEGIN
            ),
            waiting=tuple(_pieces(fragments, pause_ms, f"ListFragments of {stream}")),
            created_ms=created_ms,
            # What the archive goes on behind has been dealt with, whatever the stream retains.
            listed_from_ms=0 if archive.goes_on else listed_from_ms,
            due_ms=archiver.due_ms,
            pause_ms=pause_ms,
            stream=stream,
            metric=f"CloudWatch {archiver.namespace} BacklogSeconds of Factory={factory}, Camera={camera}",
        )

    def _fragments(self, stream: str, from_ms: int, to_ms: int) -> Iterator[Fragment]:
        """Fragments that start in a range, in its order."""
        if from_ms >= to_ms:
            return
        endpoint = self.video.get_data_endpoint(StreamName=stream, APIName="LIST_FRAGMENTS")["DataEndpoint"]
        media = self.clients.client("kinesis-video-archived-media", endpoint=endpoint)
        selector = {
            "FragmentSelectorType": "SERVER_TIMESTAMP",
            "TimestampRange": {"StartTimestamp": _at(from_ms), "EndTimestamp": _at(to_ms)},
        }
        # The pages come in no order.
        pages = media.get_paginator("list_fragments").paginate(StreamName=stream, FragmentSelector=selector)
        found = [
            Fragment(instant_ms(item["ServerTimestamp"]), item.get("FragmentLengthInMilliseconds", 0))
            for page in pages
            for item in page["Fragments"]
            if "ServerTimestamp" in item
        ]
        yield from sorted(found, key=lambda one: one.start_ms)


def _pieces(fragments: Sequence[Fragment], pause_ms: int, place: str) -> Iterator[Footage]:
    """Fragments without a longer pause between them, as one piece."""
    piece: Footage | None = None
    for one in fragments:
        end_ms = one.start_ms + one.length_ms
        if piece is not None and one.start_ms - piece.end_ms <= pause_ms:
            piece = Footage(piece.start_ms, max(piece.end_ms, end_ms), piece.fragments + 1, place)
            continue
        if piece is not None:
            yield piece
        piece = Footage(one.start_ms, end_ms, 1, place)
    if piece is not None:
        yield piece


def _usual_length_ms(archive: Archive, fragments: Sequence[Fragment]) -> int:
    """How long a camera's fragments usually are; the longest that AWS takes where nothing tells."""
    lengths = [one.duration_ms / one.fragments for one in archive.clips if one.fragments and one.duration_ms]
    lengths = lengths or [one.length_ms for one in fragments if one.length_ms]
    return min(MAX_FRAGMENT_MS, round(median(lengths))) if lengths else MAX_FRAGMENT_MS


def _between_ms(schedule: str) -> int:
    """Time between two runs at most; a day of a cron schedule, of which it is not known."""
    rate = _RATE.fullmatch(schedule)
    return int(rate[1]) * _UNITS_MS[rate[2]] if rate else 24 * _HOUR_MS


def _url(archiver: Archiver, key: str) -> str:
    return f"s3://{archiver.bucket}/{key}"


def _at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
