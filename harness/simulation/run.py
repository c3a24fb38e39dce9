"""Run a history with the real archiving code and return its outcome."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from clip_fetch import run as clip_run
from clip_fetch.archive import Cache
from clip_fetch.report import Report
from clip_fetch.run import Dependencies, Timing
from clip_fetch.settings import Settings, Shard
from clip_fetch.spool import Spool
from clip_fetch.video import Endpoints
from harness.simulation.clock import Killed
from harness.simulation.history import Action, History, Run
from harness.simulation.simulated_aws import GARBLED, PREFIX, Clients, RunContext, SimulatedAws, Stored

BUCKET = "lake-clips"
FACTORY = "plant"

#: Operators wait until what a dead run has sent can no longer arrive.
_SILENCE_MS = 120_000

#: Downloads are a few hundred bytes here, but there are many: memory, where the system offers it as a folder.
_SPOOL = "/dev/shm" if Path("/dev/shm").is_dir() else tempfile.gettempdir()  # noqa: S108

_FINAL_RUNS = 60
_FINAL_TIMEOUT_MS = 900_000
_AFTER_MS = 300_000


@dataclass
class Outcome:
    """The outcome of a history.

    Attributes:
        settings: Of each run, by the name that its objects bear.
        garbled: Names of the runs that get no whole clip from GetClip.
        deleted: Objects that the operator removed.
        errors: What went wrong that nothing in the history explains.
    """

    aws: SimulatedAws
    settings: dict[str, Settings] = field(default_factory=dict)
    garbled: set[str] = field(default_factory=set)
    deleted: list[Stored] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    end_ms: int = 0


def run_history(history: History) -> Outcome:
    """Run all invocations and actions, then let clean ones finish the archive."""
    return _Runner(history).run()


class _Runner:
    def __init__(self, history: History) -> None:
        self._history = history
        self._aws = SimulatedAws(history)
        self._outcome = Outcome(self._aws)
        self._warm = (Endpoints(), Cache.empty())
        self._warm_is_taken = False
        self._summary: Mapping[str, Any] = {}

    def run(self) -> Outcome:
        clock = self._aws.clock
        for index, run in enumerate(self._history.runs):
            clock.start(run.at_ms, partial(self._run, run, f"run-{index}"))
        for action in self._history.actions:
            clock.at(action.at_ms, partial(self._act, action))
        clock.run()
        self._finish()
        self._outcome.end_ms = clock.now_ms
        return self._outcome

    def _finish(self) -> None:
        clock = self._aws.clock
        last_settings = self._history.runs[-1].settings if self._history.runs else {}
        settings = self._settings(last_settings)
        footage_ms = max((f.server_ms + f.length_ms for s in self._history.streams for f in s.fragments), default=0)
        at_ms = max(clock.now_ms, footage_ms) + settings.quiet_ms + settings.settle_ms + _AFTER_MS
        for index in range(_FINAL_RUNS):
            run = Run(at_ms, _FINAL_TIMEOUT_MS, last_settings, seed=index, pace=20)
            clock.start(at_ms, partial(self._run, run, f"final-{index}"))
            clock.run()
            summary = self._summary
            if summary["errors"]:
                self._outcome.errors.append(f"a clean run failed: {summary['errors']}")
                return
            if not summary["clips"] and not summary["gap_records"] and not summary["unfinished"]:
                return
            at_ms = clock.now_ms + 1000
        self._outcome.errors.append(f"{_FINAL_RUNS} clean runs did not finish the archive")

    def _settings(self, overrides: dict[str, Any]) -> Settings:
        return Settings(
            factory=FACTORY, bucket=BUCKET, stream_prefix=PREFIX, streams_at_once=1, log_level="ERROR", **overrides
        )

    def _run(self, run: Run, name: str) -> None:
        context = RunContext(self._aws, run)
        settings = self._settings(run.settings)
        self._outcome.settings[name] = settings
        if any(fault.kind == GARBLED for fault in run.faults):
            self._outcome.garbled.add(name)
        takes_warm = run.warm and not self._warm_is_taken
        endpoints, cache = self._warm if takes_warm else (Endpoints(), Cache.empty())
        self._warm_is_taken = self._warm_is_taken or takes_warm
        jitter = random.Random(run.seed)  # noqa: S311 - seeded on purpose
        timing = Timing.start(context.now_ms, context.remaining_ms, context.sleep, jitter)
        log: list[str] = []
        report = Report(settings, name, log.append, context.now_ms)
        dependencies = Dependencies(Clients(context), endpoints, cache, Spool(_SPOOL, 10**12))
        try:
            self._summary = clip_run.run(settings, Shard(), dependencies, timing, report, name)
        except Killed:
            pass
        except Exception as error:
            if not context.had_faults:
                self._outcome.errors.append(f"{name} raised {type(error).__name__}: {error}")
            self._summary = {"errors": {"": type(error).__name__}}
        else:
            errors = set(self._summary["errors"].values())
            if self._was_lowered(run):  # what the run lists may have been deleted since it began
                errors -= {"InvalidArgumentException"}
            if errors and not context.had_faults:
                failed = [line for line in log if '"camera failed"' in line]
                self._outcome.errors.append(f"{name}: {failed}")
        finally:
            if takes_warm:
                self._warm_is_taken = False

    def _was_lowered(self, run: Run) -> bool:
        """Whether a retention was lowered while the run was under way."""
        changes = [(each.change, each.retention_ms) for each in self._history.streams if each.change]
        now_ms = self._aws.clock.now_ms
        return any(run.at_ms <= at_ms <= now_ms and new < old for (at_ms, new), old in changes)

    def _act(self, action: Action) -> None:
        clock = self._aws.clock
        ready_ms = clock.quiet_since_ms + _SILENCE_MS
        if clock.under_way or clock.now_ms < ready_ms:
            clock.at(max(clock.now_ms + 1000, ready_ms), partial(self._act, action))
            return
        prefix = f"factory={FACTORY}/camera={action.camera}/"
        bucket = self._aws.bucket
        clips = sorted(
            key
            for key, stored in bucket.objects.items()
            if key.startswith(prefix + "year=2023") and "first-fragment" in stored.metadata
        )
        if action.kind == "delete-newest":
            if clips:
                self._outcome.deleted.append(bucket.objects[clips[-1]])
                bucket.delete(clips[-1])
            return
        stray_objects = [prefix + "year=2023/notes.txt", prefix + "year=2039/month=01/day=01/x.mp4"]
        stray_objects.append(prefix + "year=2038/month=01/day=01/20380101T000000.000Z-7.mp4")
        for key in stray_objects:
            bucket.put(Stored(key, b"stray", {"made-by": "hand"}, clock.now_ms), if_none_match=False)
