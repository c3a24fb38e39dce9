"""The steps of a canary: each waits for what users would see, and says what became of it."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from clip_fetch.settings import Settings as ClipSettings
from factory_lake.camera.footage import Filming
from factory_lake.camera.putmedia import Producer
from factory_lake.canary import alarms
from factory_lake.canary.model import (
    Clock,
    Found,
    Message,
    Report,
    Result,
    SkippedError,
    Step,
    StepError,
    configuration,
    sample,
)
from factory_lake.canary.quarantine import Quarantine
from factory_lake.canary.tables import Tables
from factory_lake.clients import Clients, broker_of, explained
from factory_lake.coverage.cameras import Archiver
from factory_lake.errors import FactoryLakeError
from factory_lake.gateway.connections import Connections, load_connections
from factory_lake.gateway.fleet import SendOptions, send
from factory_lake.gateway.identities import LANES, Lane, Source
from factory_lake.gateway.mqtt import Timeouts
from factory_lake.lake import Lake, alarms_of, output_at
from factory_lake.redrive.lake import LaneNames, lanes
from factory_lake.redrive.origins import RejectionLog
from factory_lake.redrive.prediction import environment_of

#: Steps in their order.
STEPS = ("publish", "measurements", "configuration", "rejected", "clip", "alarms")

# What comes on top of buffers: the ways between services, and the time that Athena and logs take.
_SLACK_SECONDS = 120.0
# Firehose writes an object of dynamic partitions up to half an interval late ("Dynamic partitioning").
_PARTITIONED = 1.5
_TRANSFORM_SECONDS = 60.0
_GIVE_UP_SECONDS = 60.0
_FILMED_MS, _FRAGMENT_MS = 4_000, 2_000

Told = Callable[[Step | str], None]


@dataclass(frozen=True)
class Plan:
    """What a canary does.

    Attributes:
        camera: The camera to film with; None films nothing.
        without_camera: Why, then.
        wait_seconds: How long each step waits at most; None goes by the lake's own buffers.
    """

    factory: str
    gateway: str
    camera: str | None
    without_camera: str = ""
    wait_seconds: float | None = None


def connections_of(lake: Lake, plan: Plan, key_dir: Path) -> Connections:
    """The connections of the plan's gateway alone: nobody has the keys of all.

    Raises:
        LakeError, ConfigurationError: When there is no such gateway, or its key is not here.
    """
    only = [Source(plan.factory, plan.gateway, lane) for lane in LANES]
    return load_connections(lake.outputs, key_dir, broker_of(lake), only)


@dataclass
class Canary:
    """Runs the steps."""

    lake: Lake
    clients: Clients
    connections: Connections
    plan: Plan
    told: Told = lambda _: None
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        workgroup, database = (str(output_at(self.lake.outputs, "athena", name)) for name in ("workgroup", "database"))
        self._tables = Tables(self.clients.client("athena"), workgroup, database)
        self._begun = self.clock.seconds()
        self._since = datetime.now(UTC)
        self._lanes: Mapping[Lane, LaneNames] = {
            names.lane: names for names in lanes(self.lake.outputs, [self.plan.factory])
        }

    def run(self) -> Report:
        """Send, film, wait and look at the alarms. A step that fails does not keep the others from being tried."""
        plan = self.plan
        now_ms = time.time_ns() // 1_000_000
        good = sample(plan.factory, plan.gateway, now_ms)
        setting = configuration(plan.factory, plan.gateway, now_ms)
        bad = sample(plan.factory, plan.gateway, now_ms, is_valid=False)
        steps = [self._step("publish", lambda: self._publish([good, bad, setting]))]
        if steps[0].result == "done":
            steps += self._side_by_side(
                {
                    "measurements": lambda: self._arrived(good),
                    "configuration": lambda: self._arrived(setting),
                    "rejected": lambda: self._rejected(bad),
                    "clip": self._clip,
                }
            )
        else:
            skipped = [
                self._tell(name, "skipped", "nothing was sent")
                for name in ("measurements", "configuration", "rejected")
            ]
            steps += [*skipped, *self._side_by_side({"clip": self._clip})]
        steps.append(self._step("alarms", self._alarms))
        return Report(plan.factory, plan.gateway, plan.camera, good.token, steps)

    def _side_by_side(self, looks: Mapping[str, Callable[[], Found]]) -> list[Step]:
        """Do steps at once; they come back in their order."""
        with ThreadPoolExecutor(len(looks)) as threads:
            running = {threads.submit(self._step, name, look): name for name, look in looks.items()}
            try:
                found = {running[one]: one.result() for one in as_completed(running)}
            except BaseException:
                self.clock.stop.set()
                raise
        return [found[name] for name in looks]

    def _step(self, name: str, look: Callable[[], Found]) -> Step:
        """Do a step, and say what became of it."""
        try:
            found = look()
            return self._tell(name, "done", found.detail, found.where)
        except SkippedError as why:
            return self._tell(name, "skipped", str(why))
        except StepError as error:
            return self._tell(name, "failed", str(error), error.where)
        except FactoryLakeError as error:
            return self._tell(name, "failed", str(error).splitlines()[0])
        except (ClientError, BotoCoreError) as error:
            return self._tell(name, "failed", str(explained(error)))

    def _tell(self, name: str, result: Result, detail: str, where: str = "") -> Step:
        step = Step(name, result, round(self.clock.seconds() - self._begun, 1), detail, where)
        self.told(step)
        return step

    def _publish(self, messages: list[Message]) -> Found:
        work: dict[Source, list[bytes]] = {}
        for message in messages:
            work.setdefault(message.source, []).append(message.payload)
        # What is not acknowledged is nobody's to send again.
        with TemporaryDirectory(prefix="factory-lake-canary-") as journals:
            options = SendOptions(timeouts=Timeouts(give_up=_GIVE_UP_SECONDS))
            send(self.connections, work, Path(journals), options, stop=self.clock.stop)
        return Found(f"{len(messages)} messages acknowledged", str(self.connections.broker))

    def _bound(self, step: str, why: str, seconds: float) -> float:
        """How long a step waits at most; says so."""
        bound = seconds if self.plan.wait_seconds is None else self.plan.wait_seconds
        given = why if self.plan.wait_seconds is None else "as --wait says"
        self.told(f"{step}: waits for {bound:.0f} s at most ({given})")
        return bound

    def _delivery_seconds(self, step: str, lane: Lane) -> float:
        """How long a lane's delivery may take by its buffers."""
        name = str(output_at(self.lake.outputs, "delivery_streams", self.plan.factory, lane))
        described = self.clients.client("firehose").describe_delivery_stream(DeliveryStreamName=name)
        target = described["DeliveryStreamDescription"]["Destinations"][0]["ExtendedS3DestinationDescription"]
        interval = float(target["BufferingHints"]["IntervalInSeconds"])
        transform = max(_buffers(target), default=_TRANSFORM_SECONDS)
        why = f"one and a half buffers of {interval:.0f} s, {transform:.0f} s of the transform's"
        return self._bound(step, why, _PARTITIONED * interval + transform + _SLACK_SECONDS)

    def _quarantine(self, lane: Lane) -> Quarantine:
        names = self._lanes[lane]
        log = partial(RejectionLog, self.clients.client("logs"), names.log_group)
        return Quarantine(self.clients.client("s3"), names, log, self._since)

    def _arrived(self, message: Message) -> Found:
        errors = self._quarantine(message.lane)

        def look() -> Found | None:
            if (there := self._tables.arrived(message)) is not None:
                return there
            if (stray := errors.find(message)) is not None:
                raise StepError(f"lies under errors/ instead: {stray[1].reason}", str(stray[0]))
            return None

        bound = self._delivery_seconds(message.lane, message.lane)
        found = self.clock.until(look, bound)
        if found is None:
            cause = self._rule_is_off(message.lane)
            raise StepError(cause or f"is neither in its table nor under errors/ after {bound:.0f} s")
        return found

    def _rejected(self, message: Message) -> Found:
        errors = self._quarantine(message.lane)
        bound = self._delivery_seconds("rejected", message.lane)
        told = self.clock.until(lambda: errors.refused(message), bound)
        if told is not None:
            return told
        if (found := errors.find(message)) is not None:
            why = f"lies under errors/, and after {bound:.0f} s the transform's log has no rule for it"
            raise StepError(why, str(found[0]))
        if self._tables.arrived(message) is not None:
            raise StepError(f"is in the table {message.lane}, though the transform has to refuse it")
        raise StepError(self._rule_is_off(message.lane) or f"is not under errors/ after {bound:.0f} s")

    def _rule_is_off(self, lane: Lane) -> str | None:
        """Whether it is the lane's topic rule, in words; None when it is not, or cannot be told."""
        place = self.lake.outputs["gateways"][self.plan.factory][self.plan.gateway][lane]
        _, _, rule, *_ = [*str(place.get("basic_ingest_topic", "")).split("/"), "", "", ""]
        try:
            found = self.clients.client("iot").get_topic_rule(ruleName=rule)["rule"] if rule else {}
        except (ClientError, BotoCoreError):
            return None
        return f"did not arrive: the topic rule {rule} is disabled" if found.get("ruleDisabled") else None

    def _clip(self) -> Found:
        factory, camera = self.plan.factory, self.plan.camera
        if camera is None:
            raise SkippedError(self.plan.without_camera)
        video = output_at(self.lake.outputs, "video", factory)
        stream = str(output_at(self.lake.outputs, "video", factory, "streams", camera))
        settings = ClipSettings.from_env(environment_of(self.clients.client("lambda"), str(video["clip_function"])))
        events = self.clients.client("events")
        rules = {str(rule): events.describe_rule(Name=str(rule)) for rule in video["schedule_rules"]}
        archiver = Archiver.of(settings, [str(rule["ScheduleExpression"]) for rule in rules.values()])
        producer = Producer(self.clients.client("kinesisvideo"), stream, self.clients.credentials())
        begin_ms = time.time_ns() // 1_000_000 - _FILMED_MS
        numbers = producer.send(Filming(), Filming().film(begin_ms, _FILMED_MS, fragment_ms=_FRAGMENT_MS))
        why = f"a clip's length, a camera's quiet, the schedule: {archiver.due_ms // 1000} s"
        bound = self._bound("clip", why, archiver.due_ms / 1000 + _SLACK_SECONDS)

        def look() -> Found | None:
            key = self._tables.clip(factory, camera, begin_ms)
            return None if key is None else Found(f"{len(numbers)} fragments filmed are in a clip", key)

        found = self.clock.until(look, bound)
        if found is None:
            off = sorted(name for name, rule in rules.items() if rule.get("State") == "DISABLED")
            cause = f"the archiver's schedule {off[0]} is disabled" if off else f"of {stream} after {bound:.0f} s"
            raise StepError(f"no clip has what was filmed: {cause}")
        return found

    def _alarms(self) -> Found:
        names = alarms_of(self.lake.outputs, self.plan.factory)
        if not names:
            raise SkippedError(f"{self.plan.factory} has no alarms")
        cloudwatch = self.clients.client("cloudwatch")
        bound = self._bound("alarms", "the longest periods that they judge", alarms.SETTLED_SECONDS)
        wrong: list[str] = []

        def look() -> Found | None:
            states = alarms.states_of(cloudwatch, names)
            wrong[:] = alarms.not_ok(names, states)
            if wrong and alarms.is_settled(names, states, datetime.now(UTC), bound):
                raise StepError(alarms.spoken(wrong))
            return None if wrong else Found(f"all {len(names)} are OK")

        found = self.clock.until(look, bound)
        if found is None:
            raise StepError(alarms.spoken(wrong))
        return found


def _buffers(target: Mapping[str, Any]) -> list[float]:
    """Seconds that records wait for the transform, where the delivery stream says so."""
    return [
        float(parameter["ParameterValue"])
        for processor in target.get("ProcessingConfiguration", {}).get("Processors", [])
        for parameter in processor.get("Parameters", [])
        if parameter["ParameterName"] == "BufferIntervalInSeconds"
    ]
