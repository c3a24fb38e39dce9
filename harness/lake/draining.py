"""Delivering everything that is on its way through a lake, samples that come twice included."""

import time
from collections.abc import Sequence
from typing import Any

from localcloud import LocalCloud


def drain(
    cloud: LocalCloud, streams: Sequence[str] | None = None, timeout: float = 60.0, most: int | None = None
) -> None:
    """Flush delivery streams until nothing has arrived since.

    A flush delivers what was in the data streams when it began. Samples that a transform puts back arrive later.

    Args:
        cloud: The local cloud.
        streams: Names of delivery streams; all of them without.
        timeout: Seconds to wait at most.
        most: Flushes at most, where gateways may go on sending; until nothing arrives without.

    Raises:
        FlushError: Something was not delivered in time, or the engine does not run.
    """
    deadline = time.monotonic() + timeout
    before: object = None
    flushes = 0
    while most is None or flushes < most:
        cloud.flush(streams, max(0.0, deadline - time.monotonic()))
        flushes += 1
        reached = _reached(cloud, streams)
        if reached == before:
            return
        before = reached


def _reached(cloud: LocalCloud, streams: Sequence[str] | None) -> dict[tuple[str, str], str | None]:
    """How far each shard is read and delivered."""
    every: dict[str, Any] = cloud.status()["engine"]["streams"]["delivery_streams"]
    return {
        (name, shard): state["position"]
        for name, status in every.items()
        if streams is None or name in streams
        for shard, state in status.get("shards", {}).items()
    }
