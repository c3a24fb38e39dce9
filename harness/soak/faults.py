"""The faults that strike a soak. Each heals itself before it returns, also when it is told to end early.

What is not among them: a data stream that is unavailable while S3 refuses the objects of the rule's error
action. AWS gives a message two places to go and loses it when neither takes it (AWS IoT Core Developer Guide,
"Error handling (error action)"), and so does the local cloud.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from factory_lake.gateway.identities import Lane
from harness.demo.video import crash_while_storing
from harness.soak.cameras import Cameras
from harness.soak.gateways import Gateways
from harness.soak.targets import Grounds, LanePlace
from localcloud import LocalCloud
from localcloud.cloud import FlushError

_POLL_SECONDS = 0.02
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
# A call that waits for a function to be put to work waits so long, so that healing has not to wait longer.
_CRASH_SECONDS = 1.0
# None of them is a length that environment `local` or a test has.
_CLIP_LENGTHS = (10, 15, 20, 45)


@dataclass(frozen=True)
class Kill:
    """When the delivery engine was killed, epoch seconds: the signal was sent between the two."""

    asked: float
    done: float


@dataclass(frozen=True)
class Outage:
    """When a lane's transform function could not be invoked, or one invocation was killed; epoch seconds."""

    factory: str
    lane: Lane
    began: float
    ended: float
    is_crash: bool = False


@dataclass
class Field:
    """What strikes work on, and what they leave for the reckoning.

    Attributes:
        grounds: The lake.
        gateways: Those that send.
        cameras: Those that film.
        healing: Set when every strike is to end.
        kills: Of the delivery engine.
        outages: Of transform functions, crashes among them.
        slow_paths: Paths in S3 whose puts a strike delays or refuses; a second fault would not meet them.
        refused: How many records each strike has had a data stream refuse.
    """

    grounds: Grounds
    gateways: Gateways
    cameras: Cameras
    healing: threading.Event = field(default_factory=threading.Event)
    kills: list[Kill] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    slow_paths: set[str] = field(default_factory=set)
    refused: list[int] = field(default_factory=list)
    _engine: threading.Lock = field(default_factory=threading.Lock)
    _archiver: threading.Lock = field(default_factory=threading.Lock)

    @property
    def cloud(self) -> LocalCloud:
        """The local cloud."""
        return self.grounds.lake.cloud


# What a strike gets: where, its own randomness, and how many seconds it has; it says whether it met anything.
Strike = Callable[[Field, Random, float], bool]


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    Attributes:
        strike: Does it.
        lasts: Least and greatest number of seconds that it lasts.
    """

    strike: Strike
    lasts: tuple[float, float]


def _transform_crash(ground: Field, chance: Random, seconds: float) -> bool:
    """A transform function is killed in the middle of a batch; the delivery stream invokes it again."""
    place, began = chance.choice(ground.grounds.lanes), time.time()
    wanted = {"function": place.transform, "within": _CRASH_SECONDS}
    crash = partial(ground.cloud.control, "POST", "lambda-crash", wanted)
    met = _until(ground, seconds, lambda: crash()["killed"])
    ground.outages.append(Outage(place.factory, place.lane, began, time.time(), is_crash=True))
    return met


def _transform_throttle(ground: Field, chance: Random, seconds: float) -> bool:
    """Lambda has no capacity for a transform function."""
    return _transform_fails(ground, chance, seconds, "TooManyRequestsException")


def _transform_error(ground: Field, chance: Random, seconds: float) -> bool:
    """Lambda itself is out of order for a transform function."""
    return _transform_fails(ground, chance, seconds, "ServiceException")


def _transform_fails(ground: Field, chance: Random, seconds: float, error: str) -> bool:
    place = chance.choice(ground.grounds.lanes)
    began = time.time()
    met = _injected(
        ground, seconds, service="lambda", operation="Invoke", resource=place.transform, error=error
    )
    ground.outages.append(Outage(place.factory, place.lane, began, time.time()))
    return met > 0


def _engine_kill(ground: Field, _: Random, seconds: float) -> bool:
    """The delivery engine is killed at any moment, and is away for a while."""
    with _turn(ground._engine, seconds) as left:
        if left <= 0:
            return False
        try:
            _kill_engine(ground)
            ground.healing.wait(left)
        finally:
            ground.cloud.firehose.start()
        return True


def _engine_kill_while_writing(ground: Field, chance: Random, seconds: float) -> bool:
    """The delivery engine is killed while it writes: what S3 has taken, it writes again.

    Either the object that is held is written after all, when its sender is dead, or it is not, and another
    one of the same delivery was written before it.
    """
    lanes = [place for place in ground.grounds.lanes if place.lane == "measurements"]
    place = chance.choice([one for one in lanes if one.data_path not in ground.slow_paths] or lanes)
    put = partial(ground.cloud.faults.add, service="s3", operation="PutObject", resource=place.data_path)
    is_late = chance.random() < 0.5
    with _turn(ground._engine, seconds) as left:
        if left <= 0:
            return False
        faults = [] if is_late else [put()]
        faults.append(put(error=None if is_late else "InternalError", times=None, delay=left))
        flushing = threading.Thread(target=_flush, args=(ground, place, left))
        flushing.start()
        try:
            met = _until(ground, left, lambda: ground.cloud.faults.hits(faults[-1]))
            if met:
                _kill_engine(ground)
        finally:
            for fault in faults:
                ground.cloud.faults.remove(fault)
            ground.cloud.firehose.start()
            flushing.join()
        return met


def _gateway_disconnect(ground: Field, chance: Random, seconds: float) -> bool:
    """A gateway loses its line for a while; sometimes the broker's last answers are lost with it."""
    line = chance.choice(ground.gateways.gateways).line
    try:
        if chance.random() < 0.5:
            line.answers_pass = False
            ground.healing.wait(min(2.0, seconds / 2))
        line.is_up = False
        line.cut()
        line.answers_pass = True
        ground.healing.wait(seconds)
    finally:
        line.answers_pass = line.is_up = True
    return True


def _broker_disconnect(ground: Field, chance: Random, seconds: float) -> bool:
    """The broker drops every connection, a few times over."""
    dropped = 0
    for _ in range(chance.randint(1, 3)):
        dropped += ground.cloud.control("POST", "iot-disconnect")["disconnected"]
        ground.healing.wait(seconds / 3)
    return dropped > 0


def _clock_skew_within(ground: Field, chance: Random, seconds: float) -> bool:
    """A gateway's clock is off, and its samples still plausible."""
    return _skew(ground, chance, seconds, chance.choice((-1, 1)) * chance.randint(_HOUR_MS, 20 * _HOUR_MS))


def _clock_skew_beyond(ground: Field, chance: Random, seconds: float) -> bool:
    """A gateway's clock is so far off that its samples are refused."""
    return _skew(ground, chance, seconds, chance.choice((-500 * _DAY_MS, 3 * _DAY_MS)))


def _skew(ground: Field, chance: Random, seconds: float, off_ms: int) -> bool:
    gateway = chance.choice(ground.gateways.gateways)
    gateway.clock_off_ms = off_ms
    ground.healing.wait(seconds)
    gateway.clock_off_ms = 0
    return True


def _s3_slow(ground: Field, chance: Random, seconds: float) -> bool:
    """S3 takes its time for data or clips."""
    delay = chance.uniform(1.0, 8.0)
    return _s3(ground, chance, seconds, delay=delay)


def _s3_error(ground: Field, chance: Random, seconds: float) -> bool:
    """S3 refuses data, rejected messages or clips."""
    return _s3(ground, chance, seconds, error=chance.choice(("SlowDown", "InternalError")))


def _s3(ground: Field, chance: Random, seconds: float, **fault: Any) -> bool:
    paths = [path for place in ground.grounds.lanes for path in (place.data_path, place.rejected_path)]
    paths += [place.clips_path for place in ground.grounds.archivers]
    path = chance.choice([path for path in paths if path not in ground.slow_paths] or paths)
    ground.slow_paths.add(path)
    met = _injected(ground, seconds, service="s3", operation="PutObject", resource=path, **fault)
    ground.slow_paths.discard(path)
    return met > 0


def _stream_unavailable(ground: Field, chance: Random, seconds: float) -> bool:
    """A data stream takes no records: the topic rule's error action gets the messages."""
    stream = chance.choice(ground.grounds.lanes).data_stream
    refused = _injected(
        ground,
        seconds,
        service="kinesis",
        operation="PutRecord",
        resource=stream,
        error="ProvisionedThroughputExceededException",
    )
    ground.refused.append(refused)
    return refused > 0


def _stream_unreadable(ground: Field, chance: Random, seconds: float) -> bool:
    """A data stream cannot be read."""
    stream = chance.choice(ground.grounds.lanes).data_stream
    error = "ProvisionedThroughputExceededException"
    return (
        _injected(ground, seconds, service="kinesis", operation="GetRecords", resource=stream, error=error)
        > 0
    )


def _camera_loss(ground: Field, chance: Random, seconds: float) -> bool:
    """A camera is away for a while, and comes back."""
    filming = chance.choice(ground.cameras.filming)
    filming.is_away.set()
    ground.healing.wait(seconds)
    filming.is_away.clear()
    return True


def _clip_crash(ground: Field, chance: Random, seconds: float) -> bool:
    """A run of the archiver is killed while it stores a clip."""
    place = chance.choice(ground.grounds.archivers)
    try:
        crash_while_storing(ground.grounds.lake, place.function, seconds, place.clips_path)
    except TimeoutError:
        return False
    return True


def _clip_length(ground: Field, chance: Random, seconds: float) -> bool:
    """The length of clips changes, and changes back."""
    functions = ground.cloud.client("lambda")
    name, length = chance.choice(ground.grounds.archivers).function, str(chance.choice(_CLIP_LENGTHS))
    with _turn(ground._archiver, seconds) as left:
        if left <= 0:
            return False
        before = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        changed = {**before, "CLIP_SECONDS": length}
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": changed})
        try:
            run_archiver(ground.cloud, name)
            ground.healing.wait(left)
        finally:
            functions.update_function_configuration(FunctionName=name, Environment={"Variables": before})
        return True


def _video_unavailable(ground: Field, chance: Random, seconds: float) -> bool:
    """Kinesis Video Streams is too busy to list or to give footage."""
    operation = chance.choice(("ListFragments", "GetClip"))
    stream = chance.choice(ground.grounds.cameras).stream
    met = _injected(
        ground,
        seconds,
        service="kinesis-video-archived-media",
        operation=operation,
        resource=stream,
        error="ClientLimitExceededException",
    )
    return met > 0


def _missed_runs(ground: Field, chance: Random, seconds: float) -> bool:
    """The schedule of an archiver does not fire."""
    events, rules = ground.cloud.client("events"), chance.choice(ground.grounds.archivers).rules
    for rule in rules:
        events.disable_rule(Name=rule)
    try:
        ground.healing.wait(seconds)
    finally:
        for rule in rules:
            events.enable_rule(Name=rule)
    return True


KINDS: Mapping[str, Kind] = {
    "transform_crash": Kind(_transform_crash, (10, 30)),
    "transform_throttle": Kind(_transform_throttle, (10, 20)),
    "transform_error": Kind(_transform_error, (10, 20)),
    "engine_kill": Kind(_engine_kill, (1, 10)),
    "engine_kill_while_writing": Kind(_engine_kill_while_writing, (20, 40)),
    "gateway_disconnect": Kind(_gateway_disconnect, (1, 10)),
    "broker_disconnect": Kind(_broker_disconnect, (1, 6)),
    "clock_skew_within": Kind(_clock_skew_within, (5, 30)),
    "clock_skew_beyond": Kind(_clock_skew_beyond, (2, 10)),
    "s3_slow": Kind(_s3_slow, (60, 90)),
    "s3_error": Kind(_s3_error, (60, 90)),
    "stream_unavailable": Kind(_stream_unavailable, (2, 8)),
    "stream_unreadable": Kind(_stream_unreadable, (5, 15)),
    "camera_loss": Kind(_camera_loss, (4, 40)),
    "clip_crash": Kind(_clip_crash, (30, 60)),
    "clip_length": Kind(_clip_length, (20, 90)),
    "video_unavailable": Kind(_video_unavailable, (20, 70)),
    "missed_runs": Kind(_missed_runs, (70, 140)),
}


def run_archiver(cloud: LocalCloud, function: str) -> dict[str, Any]:
    """Run a clip_fetch function once; its summary, or its error under `errorMessage`."""
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    result: dict[str, Any] = json.load(answer["Payload"])
    return result


def _injected(ground: Field, seconds: float, **fault: Any) -> int:
    """Keep a fault up for so long; says how many calls it met."""
    added = ground.cloud.faults.add(**fault, times=None)
    try:
        ground.healing.wait(seconds)
    finally:
        met = ground.cloud.faults.remove(added)
    return met


@contextmanager
def _turn(lock: threading.Lock, seconds: float) -> Iterator[float]:
    """Wait for a strike's turn, where no two of its sort may meet; gives the seconds that it has left."""
    began = time.monotonic()
    has_turn = lock.acquire(timeout=seconds)
    try:
        yield seconds - (time.monotonic() - began) if has_turn else 0.0
    finally:
        if has_turn:
            lock.release()


def _until(ground: Field, seconds: float, condition: Callable[[], object]) -> bool:
    """Whether something comes about in time."""
    deadline = time.monotonic() + seconds
    while not (met := bool(condition())) and time.monotonic() < deadline:
        if ground.healing.wait(_POLL_SECONDS):
            break
    return met


def _kill_engine(ground: Field) -> None:
    asked = time.time()
    ground.cloud.firehose.kill()
    ground.kills.append(Kill(asked, time.time()))


def _flush(ground: Field, place: LanePlace, seconds: float) -> None:
    # The engine is killed meanwhile; what it could not deliver is delivered later.
    with suppress(FlushError):
        ground.cloud.flush([place.delivery_stream], seconds)
