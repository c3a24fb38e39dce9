"""Puts the facts of a factory together, from what the lake's outputs name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from factory_lake.canary.marks import without_canary
from factory_lake.clients import Clients
from factory_lake.coverage import sql
from factory_lake.coverage.evidence import Failure
from factory_lake.coverage.model import Coverage
from factory_lake.gateway.identities import LANES, Lane
from factory_lake.lake import Lake, alarms_of, cameras_of, mapping_at, output_at
from factory_lake.report import facts as plain
from factory_lake.report import reading
from factory_lake.report.cost import LaneUse, Use, VideoUse, so_far
from factory_lake.report.facts import Arrived, Clip, Cost, Facts, Fired, Refused, Sessions
from factory_lake.sizing.cost import Prices

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_HOUR_MS = 3_600_000
_FILMED = frozenset({"data", "late"})


@dataclass(frozen=True)
class Wishes:
    """What the user wants of the pages.

    Attributes:
        prices: What the cost is calculated with; None for no cost.
        link_hours: How long links to clips last.
        embed: Whether clips are put into the page where links would be.
    """

    prices: Prices | None
    link_hours: int
    embed: bool = False


def gather(
    lake: Lake, clients: Clients, coverage: Coverage, failures: Sequence[Failure], factory: str, wishes: Wishes
) -> Facts:
    """The facts of a factory in a coverage's range.

    Args:
        lake: The lake.
        clients: What reaches it.
        coverage: Of the factory.
        failures: What was read of the factory's messages under `errors/` for it.
        factory: Its ID.
        wishes: What the user wants.

    Raises:
        FactoryLakeError: When something cannot be read.
    """
    return _Gatherer(lake, clients, coverage, failures, factory, wishes).facts()


class _Gatherer:
    def __init__(
        self,
        lake: Lake,
        clients: Clients,
        coverage: Coverage,
        failures: Sequence[Failure],
        factory: str,
        wishes: Wishes,
    ) -> None:
        self._failures = failures
        self._outputs, self._clients = lake.outputs, clients
        self._coverage, self._factory, self._wishes = coverage, factory, wishes
        self._range = coverage.from_ms, coverage.to_ms
        names = (str(output_at(lake.outputs, "athena", name)) for name in ("workgroup", "database"))
        self._tables = reading.Tables(clients.client("athena"), *names)
        self._s3: S3Client = clients.client("s3", connections=reading.AT_ONCE)
        self._notes: list[str] = []

    def facts(self) -> Facts:
        """Everything."""
        arrived = self._tables.arrived(self._factory, *self._range)
        refused = plain.refusals_of(self._factory, self._failures, *sql.days_between(*self._range))
        clips, size = self._clips()
        sessions = self._sessions()
        return Facts(
            factory=self._factory,
            arrived=arrived,
            refused=refused,
            sessions=sessions,
            cost=self._cost(arrived, refused, size),
            alarms=self._alarms(),
            clips=tuple(clips),
            links_end_ms=None
            if self._wishes.embed
            else self._coverage.made_at_ms + self._wishes.link_hours * _HOUR_MS,
            scanned_bytes=self._tables.scanned_bytes,
            query_ms=self._tables.query_ms,
            notes=tuple(self._notes),
        )

    def _sessions(self) -> tuple[Sessions, ...] | None:
        found = self._tables.connections(self._factory, *self._range)
        return None if found is None else plain.sessions_of(found, *self._range)

    def _clips(self) -> tuple[list[Clip], int]:
        bucket = str(output_at(self._outputs, "buckets", "clips"))
        found: list[Clip] = []
        size = 0
        for camera in self._cameras():
            clips, bytes_of_camera = reading.list_clips(self._s3, bucket, self._factory, camera, *self._range)
            found += clips
            size += bytes_of_camera
        if self._wishes.embed:
            with_url = reading.embedded(self._s3, bucket, found)
        else:
            # A link names the bucket's region: one that does not is redirected while a bucket is young.
            signer = self._clients.client("s3", signs=True)
            with_url = reading.linked(signer, bucket, found, self._wishes.link_hours * 3600)
        if without := sum(not clip.url for clip in with_url):
            self._notes.append(
                f"The page has no link to {without:,} of {len(found):,} clips, the older or larger ones."
            )
        return with_url, size

    def _cameras(self) -> list[str]:
        names = (name.partition("/") for name in cameras_of(self._outputs))
        return without_canary(camera for factory, _, camera in names if factory == self._factory)

    def _alarms(self) -> tuple[Fired, ...]:
        names = alarms_of(self._outputs, self._factory)
        return reading.fired(self._clients.client("cloudwatch"), names, *self._range)

    def _cost(self, arrived: tuple[Arrived, ...], refused: tuple[Refused, ...], clip_bytes: int) -> Cost | None:
        if self._wishes.prices is None:
            return None
        kinesis, cloudwatch = self._clients.client("kinesis"), self._clients.client("cloudwatch")
        uses: dict[Lane, LaneUse] = {}
        for lane in LANES:
            samples = sum(one.rows for one in arrived if one.lane == lane)
            samples += sum(one.count for one in refused if one.lane == lane)
            stream = str(output_at(self._outputs, "data_streams", self._factory, lane))
            uses[lane] = reading.lane_use(kinesis, cloudwatch, stream, samples, *self._range)
        filmed = sum(
            span.end_ms - span.start_ms
            for timeline in self._coverage.timelines
            if timeline.subject.kind == "camera"
            for span in timeline.spans
            if span.state in _FILMED
        )
        gateways = len(mapping_at(self._outputs, "gateways", self._factory))
        video = VideoUse(len(self._cameras()), filmed, clip_bytes)
        return so_far(Use(self._factory, gateways, *self._range, uses, video), self._wishes.prices)


def file_of(folder: Path, factory: str) -> Path:
    """Where a factory's page is written."""
    return folder / f"{factory}.html"
