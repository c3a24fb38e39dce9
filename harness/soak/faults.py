"""The faults of a soak. Each recovers before it returns, also when recovery begins early.

One fault is left out: a data stream that is unavailable while S3 refuses the objects of the rule's error
action. AWS loses a message that neither of them takes (AWS IoT Core Developer Guide, "Error handling (error
action)"), and so does the local cloud.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Literal

from factory_lake.gateway.identities import Lane
from harness.camera.archiver import crash_while_storing, run_archiver, schedule_off
from harness.lake.functions import function_environment
from harness.lake.targets import LanePlace, Targets
from harness.outages.run import Drop
from harness.soak.cameras import Cameras
from harness.soak.gateways import Gateways
from localcloud import LocalCloud
from localcloud.cloud import FlushError

_POLL_SECONDS = 0.02
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
# How far a gateway's clock is off, its samples being still plausible, or refused.
_PLAUSIBLE_MS = ((-20 * _HOUR_MS, -_HOUR_MS), (_HOUR_MS, 20 * _HOUR_MS))
_REFUSED_MS = ((-500 * _DAY_MS, -500 * _DAY_MS), (3 * _DAY_MS, 3 * _DAY_MS))
# The longest that one call waits for a function to be invoked, and recovery for that call.
_CRASH_SECONDS = 1.0
# Longer than the transform waits for an answer, so it makes the call again, and both are carried out.
_LATE_SECONDS = 7.0
# Records of a PutRecords, so many of the first of them, fail alone.
_FAILING, _FIRST_RECORDS = 2, 4
# None of them is a length that environment `local` or a test has.
_CLIP_LENGTHS = (10, 15, 20, 45)


@dataclass(frozen=True)
class Kill:
    """When the delivery engine was killed, epoch seconds: the signal was sent between the two."""

    began: float
    done: float


@dataclass(frozen=True)
class Outage:
    """When a lane's transform function could not be invoked, or one invocation was killed; epoch seconds."""

    factory: str
    lane: Lane
    began: float
    ended: float
    is_crash: bool = False


@dataclass(frozen=True)
class PutBackFault:
    """When something happened to what a factory's transform puts back; epoch seconds.

    Some calls were throttled, as a whole or in part; or all refused for good; or late, so that the function made them
    again; or batches were redriven.
    """

    factory: str
    kind: Literal["throttled", "refused", "late", "redriven"]
    began: float
    ended: float


@dataclass
class FaultContext:
    """What faults work on, and what they leave for the reconciliation.

    Attributes:
        targets: The lake.
        gateways: Those that send.
        cameras: Those that film.
        recovering: Set when every fault is to end.
        kills: Of the delivery engine.
        outages: Of transform functions, crashes among them.
        slow_paths: Paths in S3 whose puts a fault delays or refuses; a second one would have no effect there.
        refused: How many records data streams refused, by fault.
        put_backs: Faults of what the transforms put back.
        put_back_calls: How many calls of the transforms these met, by fault.
        drops: When the broker dropped every connection, of gateways that take no part as well.
    """

    targets: Targets
    gateways: Gateways
    cameras: Cameras
    recovering: threading.Event = field(default_factory=threading.Event)
    kills: list[Kill] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    slow_paths: set[str] = field(default_factory=set)
    refused: list[int] = field(default_factory=list)
    put_backs: list[PutBackFault] = field(default_factory=list)
    put_back_calls: list[int] = field(default_factory=list)
    drops: list[Drop] = field(default_factory=list)
    _engine: threading.Lock = field(default_factory=threading.Lock)
    _archiver: threading.Lock = field(default_factory=threading.Lock)

    @property
    def cloud(self) -> LocalCloud:
        """The local cloud."""
        return self.targets.lake.cloud


# Takes the context, the fault's own randomness and the seconds that it has; returns whether it had an effect.
Inject = Callable[[FaultContext, Random, float], bool]


@dataclass(frozen=True)
class FaultType:
    """One type of fault."""

    inject: Inject
    min_seconds: float
    max_seconds: float


def _transform_crash(context: FaultContext, chance: Random, seconds: float) -> bool:
    """A transform function is killed in the middle of a batch; the delivery stream invokes it again."""
    place, began = chance.choice(context.targets.lanes), time.time()
    wanted = {"function": place.transform, "within": _CRASH_SECONDS}
    crash = partial(context.cloud.control, "POST", "lambda-crash", wanted)
    was_killed = _until(context, seconds, lambda: crash()["killed"])
    context.outages.append(Outage(place.factory, place.lane, began, time.time(), is_crash=True))
    return was_killed


def _transform_fails(context: FaultContext, chance: Random, seconds: float, error: str) -> bool:
    """Lambda refuses to invoke a transform function."""
    place, began = chance.choice(context.targets.lanes), time.time()
    hit = _calls_hit(context, seconds, service="lambda", operation="Invoke", resource=place.transform, error=error)
    context.outages.append(Outage(place.factory, place.lane, began, time.time()))
    return hit > 0


def _engine_kill(context: FaultContext, _: Random, seconds: float) -> bool:
    """The delivery engine is killed at any moment, and is away for a while."""
    with _turn(context._engine, seconds) as left:
        if left <= 0:
            return False
        try:
            _kill_engine(context)
            context.recovering.wait(left)
        finally:
            context.cloud.firehose.start()
        return True


def _engine_kill_while_writing(context: FaultContext, chance: Random, seconds: float) -> bool:
    """The delivery engine is killed while it writes: what S3 has taken, it writes again.

    Either the object that is held is written after all, when its sender is dead, or it is not, and another
    one of the same delivery was written before it.
    """
    lanes = [place for place in context.targets.lanes if place.lane == "measurements"]
    place = chance.choice([one for one in lanes if one.data_path not in context.slow_paths] or lanes)
    put = partial(context.cloud.faults.add, service="s3", operation="PutObject", resource=place.data_path)
    is_late = chance.random() < 0.5
    with _turn(context._engine, seconds) as left:
        if left <= 0:
            return False
        faults = [] if is_late else [put()]
        faults.append(put(error=None if is_late else "InternalError", times=None, delay=left))
        flushing = threading.Thread(target=_flush, args=(context, place, left))
        flushing.start()
        try:
            is_writing = _until(context, left, lambda: context.cloud.faults.hits(faults[-1]))
            if is_writing:
                _kill_engine(context)
        finally:
            for fault in faults:
                context.cloud.faults.remove(fault)
            context.cloud.firehose.start()
            flushing.join()
        return is_writing


def _gateway_disconnect(context: FaultContext, chance: Random, seconds: float) -> bool:
    """A gateway loses its line for a while; sometimes the broker's last answers are lost with it."""
    line = chance.choice(context.gateways.gateways).line
    try:
        if chance.random() < 0.5:
            line.answers_pass = False
            context.recovering.wait(min(2.0, seconds / 2))
        line.is_up = False
        line.cut()
        line.answers_pass = True
        context.recovering.wait(seconds)
    finally:
        line.answers_pass = line.is_up = True
    return True


def _broker_disconnect(context: FaultContext, chance: Random, seconds: float) -> bool:
    """The broker drops every connection, a few times over."""
    dropped = 0
    for _ in range(chance.randint(1, 3)):
        began_ms = time.time_ns() // 1_000_000
        dropped += context.cloud.control("POST", "iot-disconnect")["disconnected"]
        context.drops.append(Drop(began_ms, time.time_ns() // 1_000_000))
        context.recovering.wait(seconds / 3)
    return dropped > 0


def _clock_skew(context: FaultContext, chance: Random, seconds: float, ranges: Sequence[tuple[int, int]]) -> bool:
    """A gateway's clock is off."""
    gateway = chance.choice(context.gateways.gateways)
    gateway.clock_off_ms = chance.randint(*chance.choice(ranges))
    context.recovering.wait(seconds)
    gateway.clock_off_ms = 0
    return True


def _s3_slow(context: FaultContext, chance: Random, seconds: float) -> bool:
    """S3 takes its time for data or clips."""
    return _s3(context, chance, seconds, delay=chance.uniform(1.0, 8.0))


def _s3_error(context: FaultContext, chance: Random, seconds: float) -> bool:
    """S3 refuses data, rejected messages or clips."""
    return _s3(context, chance, seconds, error=chance.choice(("SlowDown", "InternalError")))


def _s3(context: FaultContext, chance: Random, seconds: float, **fault: Any) -> bool:
    paths = [path for place in context.targets.lanes for path in (place.data_path, place.rejected_path)]
    paths += [place.clips_path for place in context.targets.archivers]
    path = chance.choice([path for path in paths if path not in context.slow_paths] or paths)
    context.slow_paths.add(path)
    hit = _calls_hit(context, seconds, service="s3", operation="PutObject", resource=path, **fault)
    context.slow_paths.discard(path)
    return hit > 0


def _stream_unavailable(context: FaultContext, chance: Random, seconds: float) -> bool:
    """A data stream takes no records: the topic rule's error action gets the messages."""
    refused = _stream_throttled(context, chance, seconds, "PutRecord")
    context.refused.append(refused)
    return refused > 0


def _put_back_throttled(context: FaultContext, chance: Random, seconds: float) -> bool:
    """A data stream takes nothing, or not all, of what the transform puts back."""
    fault: dict[str, Any] = {"error": chance.choice(("ProvisionedThroughputExceededException", "InternalFailure"))}
    if chance.random() < 0.5:
        fault["entries"] = sorted(chance.sample(range(_FIRST_RECORDS), _FAILING))
    return _put_back(context, chance, seconds, "throttled", **fault)


def _put_back_refused(context: FaultContext, chance: Random, seconds: float) -> bool:
    """A data stream refuses for good what the transform puts back: its batches cannot be split."""
    return _put_back(context, chance, seconds, "refused", error="KMSDisabledException")


def _put_back_late(context: FaultContext, chance: Random, seconds: float) -> bool:
    """A data stream takes what the transform puts back, and answers too late."""
    return _put_back(context, chance, seconds, "late", delay=_LATE_SECONDS)


def _put_back(
    context: FaultContext,
    chance: Random,
    seconds: float,
    kind: Literal["throttled", "refused", "late"],
    **fault: Any,
) -> bool:
    place = chance.choice([place for place in context.targets.lanes if place.lane == "measurements"])
    began = time.time()
    hit = _calls_hit(context, seconds, service="kinesis", operation="PutRecords", resource=place.data_stream, **fault)
    context.put_backs.append(PutBackFault(place.factory, kind, began, time.time()))
    context.put_back_calls.append(hit)
    return hit > 0


def _stream_unreadable(context: FaultContext, chance: Random, seconds: float) -> bool:
    """A data stream cannot be read."""
    return _stream_throttled(context, chance, seconds, "GetRecords") > 0


def _stream_throttled(context: FaultContext, chance: Random, seconds: float, operation: str) -> int:
    stream, error = chance.choice(context.targets.lanes).data_stream, "ProvisionedThroughputExceededException"
    return _calls_hit(context, seconds, service="kinesis", operation=operation, resource=stream, error=error)


def _camera_loss(context: FaultContext, chance: Random, seconds: float) -> bool:
    """A camera is away for a while, and comes back."""
    filming = chance.choice(context.cameras.filming)
    filming.is_away.set()
    context.recovering.wait(seconds)
    filming.is_away.clear()
    return True


def _clip_crash(context: FaultContext, chance: Random, seconds: float) -> bool:
    """A run of the archiver is killed while it stores a clip."""
    place = chance.choice(context.targets.archivers)
    try:
        crash_while_storing(context.cloud, place.function, place.clips_path, seconds)
    except TimeoutError:
        return False
    return True


def _clip_length(context: FaultContext, chance: Random, seconds: float) -> bool:
    """The length of clips changes, and changes back."""
    name, length = chance.choice(context.targets.archivers).function, str(chance.choice(_CLIP_LENGTHS))
    with _turn(context._archiver, seconds) as left:
        if left <= 0:
            return False
        with function_environment(context.cloud, name, CLIP_SECONDS=length):
            run_archiver(context.cloud, name)
            context.recovering.wait(left)
        return True


def _video_unavailable(context: FaultContext, chance: Random, seconds: float) -> bool:
    """Kinesis Video Streams is too busy to list or to give footage."""
    operation, place = chance.choice(("ListFragments", "GetClip")), chance.choice(context.targets.cameras)
    service, error = "kinesis-video-archived-media", "ClientLimitExceededException"
    return _calls_hit(context, seconds, service=service, operation=operation, resource=place.stream, error=error) > 0


def _missed_runs(context: FaultContext, chance: Random, seconds: float) -> bool:
    """The schedule of an archiver does not fire."""
    with schedule_off(context.cloud, chance.choice(context.targets.archivers).rules):
        context.recovering.wait(seconds)
    return True


FAULT_TYPES: Mapping[str, FaultType] = {
    "transform_crash": FaultType(_transform_crash, 10, 30),
    "transform_throttle": FaultType(partial(_transform_fails, error="TooManyRequestsException"), 10, 20),
    "transform_error": FaultType(partial(_transform_fails, error="ServiceException"), 10, 20),
    "engine_kill": FaultType(_engine_kill, 1, 10),
    "engine_kill_while_writing": FaultType(_engine_kill_while_writing, 20, 40),
    "gateway_disconnect": FaultType(_gateway_disconnect, 1, 10),
    "broker_disconnect": FaultType(_broker_disconnect, 1, 6),
    "clock_skew_within": FaultType(partial(_clock_skew, ranges=_PLAUSIBLE_MS), 5, 30),
    "clock_skew_beyond": FaultType(partial(_clock_skew, ranges=_REFUSED_MS), 2, 10),
    "s3_slow": FaultType(_s3_slow, 60, 90),
    "s3_error": FaultType(_s3_error, 60, 90),
    "stream_unavailable": FaultType(_stream_unavailable, 2, 8),
    "put_back_throttled": FaultType(_put_back_throttled, 8, 20),
    "put_back_refused": FaultType(_put_back_refused, 8, 15),
    "put_back_late": FaultType(_put_back_late, 15, 25),
    "stream_unreadable": FaultType(_stream_unreadable, 5, 15),
    "camera_loss": FaultType(_camera_loss, 4, 40),
    "clip_crash": FaultType(_clip_crash, 30, 60),
    "clip_length": FaultType(_clip_length, 20, 90),
    "video_unavailable": FaultType(_video_unavailable, 20, 70),
    "missed_runs": FaultType(_missed_runs, 70, 140),
}


def _calls_hit(context: FaultContext, seconds: float, **fault: Any) -> int:
    """Inject a fault of the local cloud for so long; return how many calls it hit."""
    added = context.cloud.faults.add(**fault, times=None)
    try:
        context.recovering.wait(seconds)
    finally:
        calls = context.cloud.faults.remove(added)
    return calls


@contextmanager
def _turn(lock: threading.Lock, seconds: float) -> Iterator[float]:
    """Wait for the end of another fault of the same sort; yields the seconds that are left."""
    began = time.monotonic()
    has_turn = lock.acquire(timeout=seconds)
    try:
        yield seconds - (time.monotonic() - began) if has_turn else 0.0
    finally:
        if has_turn:
            lock.release()


def _until(context: FaultContext, seconds: float, condition: Callable[[], object]) -> bool:
    """Wait for a condition, and return whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not (is_so := bool(condition())) and time.monotonic() < deadline:
        if context.recovering.wait(_POLL_SECONDS):
            break
    return is_so


def _kill_engine(context: FaultContext) -> None:
    began = time.time()
    context.cloud.firehose.kill()
    context.kills.append(Kill(began, time.time()))


def _flush(context: FaultContext, place: LanePlace, seconds: float) -> None:
    # The engine is killed meanwhile; what it could not deliver is delivered later.
    with suppress(FlushError):
        context.cloud.flush([place.delivery_stream], seconds)
