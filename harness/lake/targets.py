"""What of a lake takes part in a run of the harness, by the names that Terraform gave it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from factory_lake.gateway.identities import LANES, Lane
from harness.lake.local import LocalLake


@dataclass(frozen=True)
class LanePlace:
    """One lane of one factory: the names of its resources, and the bucket of its data and errors."""

    factory: str
    lane: Lane
    data_stream: str
    delivery_stream: str
    transform: str
    bucket: str

    @property
    def data_path(self) -> str:
        """What the path of each of its data objects holds, and of no error object."""
        return f"{self.bucket}/factory={self.factory}/"

    @property
    def rejected_path(self) -> str:
        """What the path of each of its rejected messages holds."""
        return f"{self.bucket}/errors/factory={self.factory}/{self.lane}/processing-failed/"


@dataclass(frozen=True)
class CameraPlace:
    """One camera: its factory, its ID and its video stream."""

    factory: str
    name: str
    stream: str

    @property
    def clips_prefix(self) -> str:
        """What the key of each of its clips begins with."""
        return f"factory={self.factory}/camera={self.name}/"


@dataclass(frozen=True)
class ArchiverPlace:
    """The archiver of one factory: its function, the schedule's rules, and what the path of each clip holds."""

    factory: str
    function: str
    rules: tuple[str, ...]
    clips_path: str


@dataclass(frozen=True)
class Targets:
    """A lake and those of its factories that take part.

    Attributes:
        lake: A lake that is applied.
        factories: IDs of the factories that take part. Faults have no effect on others, except for those of a
            whole service (the delivery engine, the broker).
        folder: Where journals and results go.
    """

    lake: LocalLake
    factories: Sequence[str]
    folder: Path

    @property
    def journals(self) -> Path:
        """The gateways' journals."""
        return self.folder / "journals"

    @cached_property
    def lanes(self) -> tuple[LanePlace, ...]:
        """Every lane."""
        outputs = self.lake.outputs
        return tuple(
            LanePlace(
                factory,
                lane,
                str(outputs["data_streams"][factory][lane]),
                str(outputs["delivery_streams"][factory][lane]),
                str(outputs["transform_functions"][factory][lane]),
                str(outputs["buckets"][lane]),
            )
            for factory in self.factories
            for lane in LANES
        )

    @cached_property
    def cameras(self) -> tuple[CameraPlace, ...]:
        """Every camera."""
        return tuple(
            CameraPlace(factory, name, stream)
            for factory, video in sorted(self._video.items())
            for name, stream in sorted(video["streams"].items())
        )

    @cached_property
    def archivers(self) -> tuple[ArchiverPlace, ...]:
        """The archiver of every factory that has cameras."""
        return tuple(
            ArchiverPlace(
                factory,
                str(video["clip_function"]),
                tuple(video["schedule_rules"]),
                f"{self.clips}/factory={factory}/",
            )
            for factory, video in sorted(self._video.items())
        )

    @property
    def clips(self) -> str:
        """The clips bucket."""
        return str(self.lake.outputs["buckets"]["clips"])

    @property
    def delivery_streams(self) -> list[str]:
        """Names of all delivery streams."""
        return [place.delivery_stream for place in self.lanes]

    @property
    def _video(self) -> dict[str, Any]:
        video: dict[str, Any] = self.lake.outputs["video"]
        return {factory: video[factory] for factory in self.factories if factory in video}
