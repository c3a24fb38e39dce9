"""The coverage of a lake: reads the evidence of each factory and has it judged."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from clip_fetch.settings import Settings as ClipSettings
from factory_lake.canary.marks import ID as CANARY
from factory_lake.canary.marks import without_canary
from factory_lake.clients import Clients
from factory_lake.connections import Event
from factory_lake.coverage import sql
from factory_lake.coverage.cameras import Archiver, Cameras
from factory_lake.coverage.causes import clock_words
from factory_lake.coverage.connectivity import lanes_of
from factory_lake.coverage.deliveries import presence_waiting, waiting_of
from factory_lake.coverage.evidence import CameraHistory, FactoryEvidence, Failure, LaneEvidence, Waiting
from factory_lake.coverage.model import Coverage, Timeline
from factory_lake.coverage.refusals import Refusals
from factory_lake.coverage.states import Range, timelines
from factory_lake.coverage.tables import Tables
from factory_lake.coverage.times import iso
from factory_lake.errors import OptionError
from factory_lake.gateway.identities import LANES, Lane
from factory_lake.lake import Lake, cameras_of, mapping_at, output_at
from factory_lake.redrive.lake import lanes
from factory_lake.redrive.origins import RejectionLog
from factory_lake.redrive.prediction import Prediction, environment_of

#: Days before the range that habits are learned from.
LEARN_DAYS = 7
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Scope:
    """What a coverage is of.

    Attributes:
        factories: All of them when empty.
        gateways: Their IDs, tags by name, `<device>/<name>` or `<gateway>/<device>/<name>`, cameras by ID; when all
            three are empty, everything.
        every_ms: Time between two samples of a tag, where the user knows it.
    """

    from_ms: int
    to_ms: int
    factories: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    every_ms: int | None = None
    learn_days: int = LEARN_DAYS

    @property
    def has_messages(self) -> bool:
        """Whether gateways or tags are wanted."""
        return bool(self.gateways or self.tags) or not self.cameras

    @property
    def has_cameras(self) -> bool:
        """Whether cameras are wanted."""
        return bool(self.cameras) or not (self.gateways or self.tags)

    def wants(self, timeline: Timeline) -> bool:
        """Whether a timeline is among those that are asked for."""
        if not (self.gateways or self.tags or self.cameras):
            return True
        kind, name = timeline.subject.kind, timeline.subject.name
        if kind == "camera":
            return name in self.cameras
        if kind == "tag" and self.tags:
            return _named(name, self.tags) and (not self.gateways or name.split("/", 1)[0] in self.gateways)
        return name.split("/", 1)[0] in self.gateways


@dataclass(frozen=True)
class Collected:
    """A coverage, and what was read for it that others want as well.

    Attributes:
        failures: By factory: the messages under `errors/` of the range's days and of those around them.
    """

    coverage: Coverage
    failures: Mapping[str, Sequence[Failure]]


def collect(lake: Lake, clients: Clients, scope: Scope, clock: Callable[[], float] = time.time) -> Collected:
    """Tell the states of a lake's gateways, tags and cameras.

    Args:
        lake: The lake.
        clients: What reaches it.
        scope: What to tell. A range that ends in the future ends now.
        clock: Seconds since 1970.

    Raises:
        OptionError: When the lake has no such factory, gateway or camera, or the range is empty.
        FactoryLakeError: When some evidence cannot be read.
    """
    now_ms = int(clock() * 1000)
    if scope.from_ms >= min(scope.to_ms, now_ms):
        raise OptionError("--from, --to", "--from must be before --to, and not in the future")
    scope = replace(scope, to_ms=min(scope.to_ms, now_ms))
    collector = _Collector(lake, clients, scope, now_ms)
    return Collected(collector.coverage(), collector.failures)


class _Collector:
    """Reads the factories one after the other."""

    def __init__(self, lake: Lake, clients: Clients, scope: Scope, now_ms: int) -> None:
        self._lake, self._clients, self._scope, self._now_ms = lake, clients, scope, now_ms
        self._factories = self._wanted()
        workgroup, database = (str(output_at(lake.outputs, "athena", name)) for name in ("workgroup", "database"))
        self._tables = Tables(clients.client("athena"), workgroup, database)
        self._s3 = clients.client("s3", connections=16)
        self._functions = clients.client("lambda")
        self._notes: list[str] = []
        self.failures: dict[str, tuple[Failure, ...]] = {}

    def coverage(self) -> Coverage:
        """The whole coverage."""
        scope = self._scope
        seen_from_ms = (scope.from_ms // _DAY_MS - scope.learn_days) * _DAY_MS
        span = Range(scope.from_ms, scope.to_ms, self._now_ms, seen_from_ms, scope.every_ms)
        found = [
            timeline
            for factory in self._factories
            for timeline in timelines(self._evidence(factory), span)
            if scope.wants(timeline)
        ]
        return Coverage(
            lake=self._lake.place,
            from_ms=scope.from_ms,
            to_ms=scope.to_ms,
            made_at_ms=self._now_ms,
            timelines=tuple(found),
            scanned_bytes=self._tables.scanned_bytes,
            query_ms=self._tables.query_ms,
            notes=tuple(dict.fromkeys(self._notes)),
        )

    def _wanted(self) -> list[str]:
        """The factories that are asked for; gateways and cameras are checked as well."""
        outputs = self._lake.outputs
        known = sorted(mapping_at(outputs, "gateways"))
        for factory in self._scope.factories:
            if factory not in known:
                raise OptionError("--factory", f"must be one of {', '.join(known)}", factory)
        wanted = sorted(set(self._scope.factories)) or without_canary(known)
        gateways = {gateway for factory in wanted for gateway in mapping_at(outputs, "gateways", factory)}
        cameras = {name.partition("/")[2] for name in cameras_of(outputs) if name.partition("/")[0] in wanted}
        for option, given, there in (
            ("--gateway", self._scope.gateways, gateways),
            ("--camera", self._scope.cameras, cameras),
        ):
            for one in given:
                if one not in there:
                    raise OptionError(option, f"must be one of {', '.join(sorted(there)) or 'none'}", one)
        return wanted

    def _evidence(self, factory: str) -> FactoryEvidence:
        known = mapping_at(self._lake.outputs, "gateways", factory)
        named = tuple(one for one in sorted(known) if one in self._scope.gateways)
        gateways = named if self._scope.gateways else tuple(without_canary(known))
        cameras = tuple(self._cameras(factory)) if self._scope.has_cameras else ()
        if not self._scope.has_messages:
            return FactoryEvidence(factory, (), cameras=cameras)
        scope = self._scope
        first, last = sql.days_between(scope.from_ms, scope.to_ms, scope.learn_days, 1)
        window = sql.Window(factory, first, last)
        tags = self._tables.histories(window, scope.from_ms, scope.to_ms, scope.gateways)
        events = self._tables.connections(window)
        presence = self._presence(factory, events)
        self.failures[factory] = tuple(self._failures(factory))
        return FactoryEvidence(
            factory,
            gateways,
            tuple(tags),
            self.failures[factory],
            self._lanes(window, events, presence),
            self._waiting(factory, presence),
            cameras,
            has_connections=self._tables.has_connections,
        )

    def _presence(self, factory: str, events: Sequence[Event]) -> Waiting | None:
        """Of which time the events of connections may not be there yet; None where none are kept."""
        kept = self._lake.outputs.get("connections", {}).get(factory)
        if kept is None or not self._tables.has_connections:
            self._notes.append(f"{factory}: no connections are kept, so nothing tells when a gateway was offline")
            return None
        newest_ms = max((event.at_ms for event in events), default=0)
        return presence_waiting(
            self._clients.client("firehose"), str(kept["delivery_stream"]), newest_ms, self._now_ms
        )

    def _lanes(
        self, window: sql.Window, events: Sequence[Event], presence: Waiting | None
    ) -> dict[tuple[str, Lane], LaneEvidence]:
        """Connections of each lane, and the messages of the lane configuration."""
        scope = self._scope
        first, last = sql.days_between(scope.from_ms, scope.to_ms)
        messages = self._tables.messages(replace(window, first_day=first, last_day=last), scope.gateways)
        found = lanes_of(events, presence.start_ms if presence else None)
        clocks = self._tables.clocks(window, scope.from_ms, scope.to_ms, scope.gateways)
        for gateway, spells in clocks.items():
            known = found.get((gateway, "measurements"), LaneEvidence())
            found[gateway, "measurements"] = replace(known, clocks=tuple(spells))
            self._notes += (
                f"{window.factory}/{gateway}: what arrived from {iso(one.start_ms)} to {iso(one.end_ms)} lies at "
                f"other times: its clock was {clock_words(one)}"
                for one in spells
            )
        for gateway, times in messages.items():
            known = found.get((gateway, "configuration"), LaneEvidence())
            found[gateway, "configuration"] = replace(known, messages=tuple(times))
        return found

    def _failures(self, factory: str) -> Iterator[Failure]:
        scope = self._scope
        # A message may be refused days after it was taken, and an object's day is that of its oldest record.
        first, last = sql.days_between(scope.from_ms, scope.to_ms, 1, scope.learn_days)
        for names in lanes(self._lake.outputs, [factory]):
            log = RejectionLog(self._clients.client("logs"), names.log_group)
            reader = Refusals(self._s3, names, log, Prediction(environment_of(self._functions, names.function)))
            yield from reader.failures(first, last)
            self._notes += reader.notes

    def _waiting(self, factory: str, presence: Waiting | None) -> dict[Lane, tuple[Waiting, ...]]:
        cloudwatch, firehose = self._clients.client("cloudwatch"), self._clients.client("firehose")
        streams = mapping_at(self._lake.outputs, "delivery_streams", factory)
        found = {lane: waiting_of(cloudwatch, firehose, str(streams[lane]), self._now_ms) for lane in LANES}
        return {lane: (*waiting, presence) if presence else waiting for lane, waiting in found.items()}

    def _cameras(self, factory: str) -> Iterator[CameraHistory]:
        scope = self._scope
        wanted = {
            name.partition("/")[2]: stream
            for name, stream in cameras_of(self._lake.outputs).items()
            if name.partition("/")[0] == factory and (not scope.cameras or name.partition("/")[2] in scope.cameras)
        }
        if not scope.cameras:
            wanted.pop(CANARY, None)
        if not wanted:
            return
        function, rules = (
            output_at(self._lake.outputs, "video", factory, name) for name in ("clip_function", "schedule_rules")
        )
        settings = ClipSettings.from_env(environment_of(self._functions, str(function)))
        events = self._clients.client("events")
        schedules = [events.describe_rule(Name=str(rule))["ScheduleExpression"] for rule in rules]
        archiver = Archiver.of(settings, schedules)
        reader = Cameras(self._s3, self._clients.client("kinesisvideo"), self._clients)
        for camera, stream in wanted.items():
            yield reader.history(factory, camera, stream, archiver, scope.from_ms, scope.to_ms, self._now_ms)


def _named(tag: str, wanted: Iterable[str]) -> bool:
    """Whether a tag `<gateway>/<device>/<name>` is one of those, by its end."""
    return any(tag == one or tag.endswith(f"/{one}") for one in wanted)
