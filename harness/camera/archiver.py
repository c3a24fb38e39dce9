"""The archiver of a lake's footage, clip_fetch, under the control of the harness: runs, faults, settings."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from harness.camera.journal import SentFragment
from harness.camera.reconciliation import archived_to
from harness.lake.targets import Targets
from localcloud import LocalCloud

_POLL_SECONDS = 0.05
_BETWEEN_RUNS_SECONDS = 1.0


class ArchiveError(Exception):
    """Footage is never archived, though no fault is active any more."""


def run_archiver(cloud: LocalCloud, function: str) -> dict[str, Any]:
    """Run a clip_fetch function once; returns its summary, or its error under `errorMessage`."""
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    result: dict[str, Any] = json.load(answer["Payload"])
    return result


def archive_all(targets: Targets, sent: Iterable[SentFragment], seconds: float) -> None:
    """Run the archivers until they have every fragment.

    Raises:
        ArchiveError: When they do not have it in time, with what the functions returned last.
    """
    last = {fragment.stream: fragment.number for fragment in sent}
    deadline = time.monotonic() + seconds
    results: dict[str, Any] = {}
    while waiting := _behind(targets, last):
        if time.monotonic() > deadline:
            raise ArchiveError(f"{', '.join(waiting)}: the last fragments were never archived; {results}")
        for place in targets.archivers:
            results[place.function] = run_archiver(targets.lake.cloud, place.function)
        time.sleep(_BETWEEN_RUNS_SECONDS)


def _behind(targets: Targets, last: dict[str, int]) -> list[str]:
    """Streams whose last fragment is not in the archive."""
    s3 = targets.lake.cloud.client("s3")
    return [
        place.stream
        for place in targets.cameras
        if archived_to(s3, targets.clips, place.clips_prefix) < last.get(place.stream, -1)
    ]


@contextmanager
def schedule_off(cloud: LocalCloud, rules: Sequence[str]) -> Iterator[None]:
    """Disable the rules that start an archiver, so that only the caller runs it."""
    events = cloud.client("events")
    for rule in rules:
        events.disable_rule(Name=rule)
    try:
        yield
    finally:
        for rule in rules:
            events.enable_rule(Name=rule)


def crash_while_storing(cloud: LocalCloud, function: str, clips_path: str, seconds: float = 60.0) -> None:
    """Run a clip_fetch function, and kill it when it has begun to store a clip, which must be due within the seconds.

    Raises:
        TimeoutError: When none was.
    """
    functions, faults = cloud.client("lambda"), cloud.faults
    held = faults.add(
        service="s3",
        operation="PutObject",
        resource=clips_path,
        error="InternalError",  # without it, the put would happen after all when the fault is removed
        times=None,
        delay=seconds,
    )
    deadline = time.monotonic() + seconds
    try:
        while not faults.hits(held):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{function} had no clip to store in {seconds:.0f} s")
            run = threading.Thread(target=functions.invoke, kwargs={"FunctionName": function, "Payload": b"{}"})
            run.start()
            while run.is_alive() and not faults.hits(held):
                time.sleep(_POLL_SECONDS)
            cloud.control("POST", "lambda-crash", {"function": function})
            run.join()
    finally:
        faults.remove(held)
