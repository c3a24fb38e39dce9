"""Causes outages in a factory of their own, and has a coverage of it judged."""

import json
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import cycle, islice
from typing import Any, Self

from factory_lake.clients import Clients
from factory_lake.coverage.collect import Scope, collect
from factory_lake.gateway.batches import join
from factory_lake.gateway.identities import Source
from factory_lake.gateway.proxy import Proxy
from factory_lake.lake import open_lake
from harness.camera.archiver import schedule_off
from harness.lake.draining import drain
from harness.lake.targets import Targets
from harness.outages.footage import CAMERAS, Footage
from harness.outages.gateway import BATCH, TAGS, Gateway, Pace, StoppedError, sample
from harness.outages.judge import Verdict, judge
from harness.outages.kinds import KINDS
from harness.outages.log import Outage, OutageLog
from harness.workers import Workers

#: The factory that has the outages. Nothing but them acts on it.
FACTORY = "gdansk"
_LATE = "depot"
_CLOCK = "kiln"
# A clock that is off shows in whole minutes, three at least.
_CLOCK_OFF_SECONDS, _CLOCK_BEHIND_MS = 250, 7_200_000
_LATE_TAGS = ("level", "flow")
_LATE_PERIOD_MS = 300_000
_DAY_MS = 86_400_000
_FLUSH_SECONDS = 180.0
_DRAINS = 3
_POLL_SECONDS = 0.1
_CALM_SECONDS = 600.0
_HELD = "delivery_held"


def factory(gateways: int, *, has_minutes: bool = True) -> dict[str, Any]:
    """The factory of the outages, with so many gateways, each of which has one outage after the other."""
    return {
        "gateways": [*_names(gateways), _LATE, *([_CLOCK] if has_minutes else [])],
        "cameras": dict(CAMERAS),
        "video": {"clip_seconds": 30, "settle_seconds": 3, "quiet_seconds": 15, "schedule": "rate(1 minute)"},
    }


def _names(gateways: int) -> list[str]:
    return [f"mill-{number}" for number in range(1, gateways + 1)]


@dataclass(frozen=True)
class Drop:
    """When the broker dropped all connections, epoch ms."""

    began_ms: int
    done_ms: int


@dataclass
class _Calm:
    """Whether a gateway's outages are over."""

    gateway: Gateway
    since_ms: int = 0
    causes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Extent:
    """Which outages there are.

    Attributes:
        gateways: How many gateways have one outage after the other.
        kinds: Of which kinds these are.
        rounds: How many each gateway has; as many as there is time for without.
        has_others: Whether a buffer that arrives late and cameras have outages as well.
        has_minutes: Whether there is time for those of them that take minutes: footage that expires, and a clock that
            is off.
    """

    gateways: int
    kinds: Sequence[str] = tuple(KINDS)
    rounds: int | None = None
    has_others: bool = True
    has_minutes: bool = True


class Outages:
    """The outages of a lake, from `start` until `finish`.

    Args:
        targets: Of that factory alone, in a lake that is applied.
        extent: Which.
        pace: How the gateways sample.
        drops: When the broker dropped all connections, by others' hands; it may grow meanwhile.
    """

    def __init__(self, targets: Targets, extent: Extent, pace: Pace, drops: Sequence[Drop] = ()) -> None:
        self._lake, self._targets, self._extent = targets.lake, targets, extent
        (self._factory,) = targets.factories
        self._pace, self._drops = pace, drops
        self._log = OutageLog(targets.folder / "outages.jsonl")
        self._over, self._stop = threading.Event(), threading.Event()
        self._filmed = threading.Event()
        self._footage = Footage(targets, self._log, self._stop, extent.has_minutes)
        self._workers, self._open = Workers(), ExitStack()
        self._gateways: list[_Calm] = []
        self._late: Gateway | None = None
        self._clock: _Calm | None = None
        self._began_ms = self._ended_ms = self._judged = 0

    def __enter__(self) -> Self:
        for name in _names(self._extent.gateways):
            self._gateways.append(_Calm(self._gateway(name)))
        if self._extent.has_others:
            self._open.enter_context(schedule_off(self._lake.cloud, self._footage.archiver.rules))
            self._late = self._gateway(_LATE)
            self._clock = _Calm(self._gateway(_CLOCK)) if self._extent.has_minutes else None
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._open.close()

    def start(self) -> None:
        """Begin to send, to film and to cause outages."""
        self._began_ms = time.time_ns() // 1_000_000
        kinds = list(self._extent.kinds)
        for place, one in enumerate(self._gateways):
            first = place * len(kinds) // len(self._gateways)
            one.causes = [*kinds[first:], *kinds[:first]]
            self._workers.start(partial(self._run, one), one.gateway.source.client_id)
        if self._late is not None:
            self._workers.start(self._film, "footage")
            self._workers.start(partial(self._send_late, self._late), _LATE)
        if self._clock is not None:
            self._workers.start(partial(self._be_behind, self._clock), _CLOCK)

    def check(self) -> None:
        """Raise what has ended a gateway or a camera."""
        self._workers.check()

    @property
    def caused(self) -> int:
        """How many outages have been caused so far."""
        return len(self._log.outages())

    def await_rounds(self) -> None:
        """Return when every gateway has had its outages."""
        self._await_calm()

    def finish(self) -> Verdict:
        """Let the last outages end, hold a delivery back, and judge what a coverage says of everything.

        Raises:
            FlushError: When the lake did not come to rest.
            TimeoutError: When a gateway's outages do not end.
        """
        self._over.set()
        self._await_calm()
        verdict = self._hold_back()
        self._ended_ms = to_ms = min(one.gateway.sent_ms for one in self._gateways) + 1
        self._await_footage()
        self._end()
        self._workers.check()
        self._deliver(None)
        caused = [self._with_drops(outage) for outage in self._log.outages([_HELD])]
        for scope in self._scopes(to_ms):
            verdict.add(self._judge(caused, scope))
        return verdict

    def stop(self) -> None:
        """End everything now; who waits for an outage is told that there will be none."""
        self._over.set()
        self._stop.set()

    @property
    def begin_ms(self) -> int:
        """When the outages began."""
        return self._began_ms

    @property
    def end_ms(self) -> int:
        """What was judged last."""
        return self._ended_ms

    def _gateway(self, name: str) -> Gateway:
        cloud = self._lake.cloud
        line = self._open.enter_context(Proxy(cloud.mqtt_host, cloud.mqtt_port))
        source = Source(self._factory, name, "measurements")
        return Gateway(self._lake, source, line, self._pace, self._targets.folder / "outages", self._stop)

    def _end(self) -> None:
        """Stop the gateways; a sample under way is sent whole."""
        self._over.set()
        self._stop.set()
        self._workers.join()

    def _run(self, one: _Calm) -> None:
        gateway = one.gateway
        try:
            gateway.connect()
            gateway.send_history()
            gateway.send_steadily(self._pace.steady)
            for name in islice(cycle(one.causes), self._extent.rounds):
                if self._over.is_set():
                    break
                gateway.catch_up()
                self._log.add(KINDS[name].cause(name, gateway))
                gateway.send_steadily(self._pace.steady)
            one.since_ms = gateway.sent_ms
            while True:
                gateway.send_steadily(1)
        except StoppedError:
            pass
        finally:
            gateway.disconnect()

    def _be_behind(self, one: _Calm) -> None:
        """Send with a clock that is off for a while, though by no more than the lake takes."""
        gateway, period_ms = one.gateway, self._pace.period_ms
        try:
            gateway.connect()
            gateway.send_history()
            gateway.send_steadily(self._pace.steady)
            begin_ms = gateway.next_ms
            for at_ms in gateway.slots(_CLOCK_OFF_SECONDS * 1000 // period_ms):
                gateway.deliver([sample(tag, at_ms - _CLOCK_BEHIND_MS) for tag in TAGS])
            reasons = ("CLOCK_BEHIND",)
            self._log.add(
                Outage("clock_off", gateway.subjects, begin_ms, gateway.next_ms, "clock_off", reasons, period_ms)
            )
            gateway.send_steadily(self._pace.steady)
            one.since_ms = gateway.sent_ms
        except StoppedError:
            pass
        finally:
            gateway.disconnect()

    def _film(self) -> None:
        try:
            self._footage.film()
            self._filmed.set()
        except StoppedError:
            pass

    def _send_late(self, gateway: Gateway) -> None:
        """Send what a buffer has of yesterday, and what has been taken since."""
        now_ms = self._began_ms
        midnight_ms = now_ms - now_ms % _DAY_MS
        gateway.connect()
        for hours, tag in enumerate(_LATE_TAGS, start=1):
            begin_ms = midnight_ms - hours * 3_600_000
            times = range(begin_ms, now_ms + _LATE_PERIOD_MS, _LATE_PERIOD_MS)
            samples = [sample(tag, at_ms) for at_ms in times]
            gateway.deliver([join(samples[at : at + BATCH]) for at in range(0, len(samples), BATCH)])
            subject = gateway.tag(tag)
            self._log.add(Outage("late", (subject,), begin_ms, midnight_ms, "late", ("",), _LATE_PERIOD_MS))
        gateway.disconnect()

    def _await_footage(self) -> None:
        while self._late is not None and not self._filmed.wait(_POLL_SECONDS):
            self._workers.check()
            if self._stop.is_set():
                raise StoppedError

    def _await_calm(self) -> None:
        deadline = time.monotonic() + _CALM_SECONDS
        awaited = [*self._gateways, *([self._clock] if self._clock else [])]
        while not all(one.since_ms for one in awaited):
            self._workers.check()
            if self._stop.is_set():
                raise StoppedError
            if time.monotonic() > deadline:
                raise TimeoutError(f"a gateway of {self._factory} did not end its outages in {_CALM_SECONDS:.0f} s")
            time.sleep(_POLL_SECONDS)

    def _hold_back(self) -> Verdict:
        """S3 takes no data for a while, and a coverage is judged meanwhile."""
        pace, cloud = self._pace, self._lake.cloud
        self._deliver(_DRAINS)
        begin_ms = time.time_ns() // 1_000_000
        (place,) = [place for place in self._targets.lanes if place.lane == "measurements"]
        fault = cloud.faults.add(
            service="s3", operation="PutObject", resource=place.data_path, error="SlowDown", times=None
        )
        try:
            enough_ms = begin_ms + (pace.missing + 2) * pace.period_ms
            while any(one.gateway.sent_ms < enough_ms for one in self._gateways):
                self._workers.check()
                if self._stop.is_set():
                    raise StoppedError
                time.sleep(_POLL_SECONDS)
            to_ms = min(one.gateway.sent_ms for one in self._gateways)
            held = [
                Outage(_HELD, one.gateway.subjects, begin_ms, to_ms, "waiting", ("",), 2 * pace.period_ms)
                for one in self._gateways
            ]
            for outage in held:
                self._log.add(outage)
            names = tuple(_names(self._extent.gateways))
            return self._judge(held, Scope(begin_ms, to_ms, (self._factory,), gateways=names))
        finally:
            cloud.faults.remove(fault)

    def _deliver(self, most: int | None) -> None:
        streams = self._targets.delivery_streams
        drain(self._lake.cloud, streams, _FLUSH_SECONDS, most)
        events = str(self._lake.outputs["connections"][self._factory]["delivery_stream"])
        self._lake.cloud.flush([events], _FLUSH_SECONDS)

    def _scopes(self, to_ms: int) -> Iterable[Scope]:
        """What is judged, and from when on: each subject while it was there."""
        at_work_ms = max(one.gateway.first_ms for one in self._gateways)
        yield Scope(at_work_ms, to_ms, (self._factory,), gateways=tuple(_names(self._extent.gateways)))
        if self._late is None:
            return
        if self._clock is not None:
            yield Scope(self._clock.gateway.first_ms, self._clock.since_ms, (self._factory,), gateways=(_CLOCK,))
        midnight_ms = self._began_ms - self._began_ms % _DAY_MS
        begin_ms = midnight_ms - len(_LATE_TAGS) * 3_600_000
        yield Scope(begin_ms, self._began_ms, (self._factory,), gateways=(_LATE,))
        for camera, (first_ms, last_ms) in self._footage.ranges.items():
            yield Scope(first_ms, last_ms, (self._factory,), cameras=(camera,))

    def _judge(self, caused: Sequence[Outage], scope: Scope) -> Verdict:
        lake = open_lake(self._lake.describe())
        found = collect(lake, Clients(lake), scope).coverage
        self._judged += 1
        file = self._targets.folder / f"coverage-{self._judged}.json"
        file.write_text(json.dumps(found.to_json()), encoding="utf-8")
        subjects = {timeline.subject for timeline in found.timelines}
        return judge([outage for outage in caused if subjects & set(outage.subjects)], found)

    def _with_drops(self, outage: Outage) -> Outage:
        """An outage of a connection that the broker dropped as well has another reason than its own."""
        if outage.state == "gateway_offline" and any(
            drop.began_ms < outage.end_ms and outage.begin_ms < drop.done_ms for drop in self._drops
        ):
            return replace(outage, reasons=(*outage.reasons, "CONNECTION_LOST"))
        return outage
