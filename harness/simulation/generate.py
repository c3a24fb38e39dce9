"""Generate a history from a seed."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from harness.simulation.history import EPOCH_MS, Action, Fault, History, Run, Stream
from harness.simulation.simulated_aws import GARBLED
from localcloud.kinesisvideo import semantics

_MINUTE_MS = 60_000
_SETTLE_MS = 15_000

#: Share of runs that get no whole clip, and so disagree with others on what can only be kept as Matroska.
_GARBLED = 0.04

_FAULTS = (
    *("throttled", "failed", "reset", "lost", "late", "broken", "truncated", "killed", "killed"),
    *("killed-after", "killed-after", "held"),
)

_TRACKS = (
    (semantics.Track(),),
    (semantics.Track(private=b"\x02"),),
    (semantics.Track(), semantics.Track("A_AAC", b"\x11")),
    (semantics.Track("V_MJPEG"),),
    (semantics.Track(private=b""),),
)


def generate(seed: int) -> History:
    """Return the history of a seed; the same at any time and place."""
    history = _generate(seed, random.Random(seed))  # noqa: S311 - seeded on purpose
    rng = random.Random(f"{seed} garbled")  # noqa: S311 - likewise
    fault = Fault("GetClip", GARBLED)
    garbled = [
        dataclasses.replace(run, faults=(*run.faults, fault)) if rng.random() < _GARBLED else run
        for run in history.runs
    ]
    return dataclasses.replace(history, runs=tuple(garbled))


def _generate(seed: int, rng: random.Random) -> History:
    if rng.random() < 0.08:
        return _at_the_edge(seed, rng)
    streams = tuple(_stream(rng, f"cam-{index}") for index in range(rng.choice((1, 1, 1, 2, 3))))
    # from a source of their own, so that what is added to them leaves the rest of a seed's history as it is
    frames = random.Random(f"frames of {seed}")  # noqa: S311 - seeded on purpose
    changes = random.Random(f"changes of {seed}")  # noqa: S311
    streams = tuple(_with_change(changes, _with_frames(frames, stream)) for stream in streams)
    begin_ms = min(stream.fragments[0].server_ms for stream in streams)
    end_ms = max(stream.fragments[-1].server_ms + stream.fragments[-1].length_ms for stream in streams)
    runs = _runs(rng, begin_ms, end_ms)
    actions = _actions(rng, streams, runs[0].at_ms, runs[-1].at_ms)
    return History(seed, streams, runs, actions, page=rng.choice((2, 3, 10, 1000)))


def _at_the_edge(seed: int, rng: random.Random) -> History:
    """The function begins when footage already expires, and several runs meet there."""
    camera = _Camera(rng, EPOCH_MS)
    camera.send_without_end(rng.randint(230, 260), rng.choice((16_000, 20_000)))
    policy = semantics.Policy(head_refused=rng.random() < 0.5)
    stream = Stream("cam-0", EPOCH_MS, semantics.HOUR_MS, tuple(camera.sent), policy)
    settings = _settings(rng)
    runs: list[Run] = []
    at_ms = EPOCH_MS + semantics.HOUR_MS - rng.choice((600_000, 200_000, 0))
    for _ in range(rng.randint(2, 6)):
        runs.append(_run(rng, at_ms, {**settings, "clip_ms": rng.choice((1, 20, 60, 300)) * 1000}))
        at_ms += rng.choice((0, 10, 1000, 10_000, 30_000, 30_000, 120_000))
    return History(seed, (stream,), tuple(runs))


def _stream(rng: random.Random, camera: str) -> Stream:
    retention_ms = rng.choice((1, 1, 2, 24, 72)) * semantics.HOUR_MS
    begin_ms = EPOCH_MS + rng.randrange(3 * _MINUTE_MS)
    fragments = _fragments(rng, begin_ms)
    shown = {}
    if rng.random() < 0.03:
        share = rng.choice((0.2, 0.5, 1.5))
        shown = {f.number: int(f.length_ms * share) for f in fragments if rng.random() < 0.9}
    created_ms = begin_ms - rng.choice((0, 1000, semantics.HOUR_MS, 4 * semantics.DAY_MS))
    policy = semantics.Policy(
        early_list_is_empty=rng.random() < 0.5,
        head_refused=rng.random() < 0.5,
        dedupe_server_clips=rng.random() < 0.5,
        short_pages=rng.random() < 0.5,
    )
    return Stream(camera, created_ms, retention_ms, fragments, policy, rng.random() < 0.3, shown)


def _with_frames(rng: random.Random, stream: Stream) -> Stream:
    """The stream with fragments of some frames, of two, or of one, as cameras send that film slowly."""
    kind = rng.choice(("quick", "quick", "quick", "quick", "slow", "two", "one", "one", "one or more"))

    def last_frames() -> Iterator[int]:
        for fragment in stream.fragments:
            length_ms = fragment.length_ms
            if kind == "one" or (kind == "one or more" and rng.random() < 0.5):
                yield length_ms
            elif kind == "two":
                yield length_ms // 2
            else:
                yield min(200 if kind == "slow" else 40, length_ms // 2)

    fragments = tuple(
        replace(fragment, last_frame_ms=last_ms)
        for fragment, last_ms in zip(stream.fragments, last_frames(), strict=True)
    )
    shown_ms = 33 if rng.random() < 0.3 else None
    return replace(stream, fragments=fragments, last_frame_shown_ms=shown_ms)


def _with_change(rng: random.Random, stream: Stream) -> Stream:
    """The stream, perhaps with a change of its retention: amid its footage, or soon after."""
    if rng.random() >= 0.2:
        return stream
    first, last = stream.fragments[0], stream.fragments[-1]
    at_ms = rng.choice((rng.choice(stream.fragments).server_ms, last.server_ms + rng.randrange(600_000)))
    at_ms = max(first.server_ms, at_ms + rng.choice((-1, 0, 1, 500, 5000)))
    return replace(stream, change=(at_ms, rng.choice((1, 2, 24, 48, 168)) * semantics.HOUR_MS))


def _fragments(rng: random.Random, begin_ms: int) -> tuple[semantics.Fragment, ...]:
    camera = _Camera(rng, begin_ms)
    wanted = rng.choice((5, 20, 40, 40, 80, 80, 80, 260))
    if rng.random() < 0.03:
        camera.send_without_end(450, 1000)
    while len(camera.sent) < wanted:
        camera.session(min(wanted - len(camera.sent), rng.randint(1, max(2, wanted))))
    return tuple(camera.sent)


class _Camera:
    """Sends footage as cameras do: live, late in a burst, slowly; stops, resumes, loses its clock."""

    def __init__(self, rng: random.Random, begin_ms: int) -> None:
        self.sent: list[semantics.Fragment] = []
        self._rng = rng
        self._server_ms = begin_ms
        self._producer_ms = begin_ms - rng.choice((0, 0, 3000, semantics.DAY_MS))
        # near a power of ten, where the order of texts and the order of numbers part
        self._number = 10 ** rng.choice((3, 20, 46)) - rng.randint(1, 200)
        self._usual_ms = rng.choice((1000, 2000, 2000, 5000, 10_000, 20_000))
        self._usual_size = rng.choice((1000, 200_000, 200_000, 2_000_000, 9_000_000))
        self._tracks: tuple[semantics.Track, ...] = _TRACKS[0]
        self._lag_ms = rng.choice((0, 300, 1000, _SETTLE_MS - 1000))

    def send_without_end(self, count: int, length_ms: int) -> None:
        """Send small fragments, more of them than a clip or the retention can hold."""
        self._usual_size = 1000
        for _ in range(count):
            self._send(length_ms, length_ms, readable=True)

    def session(self, count: int) -> None:
        """Send fragments without a pause."""
        rng = self._rng
        kind = rng.choice(("live", "live", "live", "burst", "slow"))
        if rng.random() < 0.15:
            self._tracks = rng.choice(_TRACKS)
        bad = rng.random() < 0.05
        for index in range(count):
            length_ms = self._length()
            spacing_ms = self._spacing(kind, length_ms)
            again = kind == "burst" and rng.random() < 0.1
            self._send(length_ms, spacing_ms, readable=not (bad and rng.random() < 0.3))
            if again:  # sent once more, as after an acknowledgement that was lost
                self._producer_ms -= length_ms
            if bad and rng.random() < 0.1 and index < count - 1:
                self._tracks = rng.choice(_TRACKS)
        self._pause()

    def _length(self) -> int:
        if self._rng.random() < 0.8:
            return max(100, self._usual_ms + self._rng.randint(-50, 50))
        return self._rng.randint(1000, 20_000)

    def _spacing(self, kind: str, length_ms: int) -> int:
        if kind == "live":
            return max(0, length_ms + self._rng.randint(-40, 40))
        if kind == "burst":
            return self._rng.choice((0, 1, 2, 3, 50, 200, 300))
        return length_ms * self._rng.randint(1, 6)

    def _send(self, length_ms: int, spacing_ms: int, readable: bool) -> None:
        rng = self._rng
        size = max(500, int(self._usual_size * rng.uniform(0.5, 1.5)))
        if rng.random() < 0.01:
            size = rng.randint(20_000_000, 50_000_000)
        persisted_ms = self._server_ms + min(spacing_ms, length_ms)
        self.sent.append(
            semantics.Fragment(
                number=self._number,
                server_ms=self._server_ms,
                producer_ms=self._producer_ms,
                length_ms=length_ms,
                size=size,
                persisted_ms=persisted_ms,
                listed_ms=persisted_ms + rng.randint(0, self._lag_ms),
                tracks=self._tracks,
                readable=readable,
            )
        )
        self._number += rng.choice((1, 1, 7, 90))
        self._server_ms += spacing_ms
        self._producer_ms += length_ms

    def _pause(self) -> None:
        rng = self._rng
        away_ms = rng.choice((0, 700, 3000, 8000, 100_000, 400_000, 400_000, 2 * semantics.HOUR_MS))
        if rng.random() < 0.02:
            away_ms = 26 * semantics.HOUR_MS
        self._server_ms += away_ms
        change = rng.random()
        if change < 0.7:
            self._producer_ms += away_ms
        elif change < 0.8:
            self._producer_ms -= rng.choice((1000, 60_000, semantics.DAY_MS))
        elif change < 0.9 and self.sent:
            self._producer_ms = self.sent[-1].producer_ms  # the last fragment comes again


def _settings(rng: random.Random) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "clip_ms": rng.choice((1, 5, 20, 60, 60, 300, 3600, 3600)) * 1000,
        "settle_ms": rng.choice((_SETTLE_MS, 2 * _SETTLE_MS)),
        "quiet_ms": rng.choice((60, 120, 120, 600)) * 1000,
        "gap_ms": rng.choice((1, 5, 5, 60)) * 1000,
    }
    return settings


def _runs(rng: random.Random, begin_ms: int, end_ms: int) -> tuple[Run, ...]:
    every_ms = rng.choice((10_000, _MINUTE_MS, 3 * _MINUTE_MS, 5 * _MINUTE_MS, 15 * _MINUTE_MS))
    settings = _settings(rng)
    if rng.random() < 0.15:
        settings["start_from"] = "now"
    runs: list[Run] = []
    at_ms = begin_ms + rng.choice((0, _MINUTE_MS, 30 * _MINUTE_MS, 3 * semantics.HOUR_MS))
    wanted = rng.randint(1, 20 if every_ms < _MINUTE_MS else 8)
    while len(runs) < wanted:
        if rng.random() < 0.25:
            settings = {**_settings(rng), **{k: v for k, v in settings.items() if k == "start_from"}}
        runs.append(_run(rng, at_ms, settings))
        if rng.random() < 0.35:  # a second one at the same time, perhaps with other settings
            other = {**settings, "clip_ms": rng.choice((1, 5, 20, 60, 300)) * 1000}
            runs.append(_run(rng, at_ms + rng.choice((0, 5, 100, 2000, 30_000)), rng.choice((settings, other))))
        missed = rng.choice((1, 1, 1, 2, 10))
        at_ms += every_ms * missed
        if at_ms > end_ms and rng.random() < 0.7:
            break
    return tuple(sorted(runs, key=lambda run: run.at_ms))


def _run(rng: random.Random, at_ms: int, settings: dict[str, Any]) -> Run:
    faults = tuple(
        Fault(call, rng.choice(_FAULTS), rng.randrange(60_000))
        for call in sorted(rng.sample(range(30), rng.choice((0, 0, 0, 1, 1, 2, 4))))
    )
    return Run(
        at_ms=at_ms,
        timeout_ms=rng.choice((8, 30, 60, 300, 900)) * 1000,
        settings=settings,
        faults=faults,
        pace=rng.choice((20, 20, 200, 3000)),
        bytes_per_ms=rng.choice((500, 5000, 50_000)),
        seed=rng.randrange(2**32),
        warm=rng.random() < 0.5,
    )


def _actions(rng: random.Random, streams: tuple[Stream, ...], begin_ms: int, end_ms: int) -> tuple[Action, ...]:
    actions: list[Action] = []
    for kind, chance in (("delete-newest", 0.2), ("stray-objects", 0.1)):
        if rng.random() < chance:
            at_ms = rng.randint(begin_ms, end_ms + 10 * _MINUTE_MS)
            actions.append(Action(at_ms, kind, rng.choice(streams).camera))
    return tuple(actions)
