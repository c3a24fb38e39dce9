"""A drain ends when nothing has arrived since the flush before, and not earlier."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, cast

import pytest

from harness.lake.draining import drain
from localcloud import LocalCloud
from localcloud.cloud import FlushError


class Cloud:
    """A cloud whose transform puts something back in the first flushes."""

    def __init__(self, put_backs: int) -> None:
        self.put_backs = put_backs
        self.flushes = 0
        self.position = 0

    def flush(self, names: Sequence[str] | None, timeout: float) -> None:
        """Deliver what is there."""
        assert names in (["krakow"], None)
        if timeout <= 0:
            raise FlushError("not delivered within 0 s: krakow", {})
        self.flushes += 1
        if self.put_backs >= 0:
            self.position += 1
            self.put_backs -= 1

    def status(self) -> dict[str, Any]:
        """How far the streams are read, and that one is refused."""
        at = {"shards": {"shard-1": {"position": str(self.position)}}}
        others = {"shards": {"shard-1": {"position": str(time.monotonic_ns())}}}
        streams = {"krakow": at, "lyon": others, "refused": {"state": "refused"}}
        return {"engine": {"streams": {"delivery_streams": streams}}}


@pytest.mark.parametrize(("put_backs", "flushes"), [(-1, 2), (0, 2), (1, 3), (2, 4)])
def test_flushes_go_on_until_nothing_has_arrived_since(put_backs: int, flushes: int) -> None:
    cloud = Cloud(put_backs)
    drain(cast(LocalCloud, cloud), ["krakow"])
    assert cloud.flushes == flushes


def test_gateways_that_go_on_sending_are_not_waited_for() -> None:
    cloud = Cloud(1_000_000)
    drain(cast(LocalCloud, cloud), None, most=3)
    assert cloud.flushes == 3


def test_what_arrives_for_longer_than_the_patience_is_said() -> None:
    with pytest.raises(FlushError):
        drain(cast(LocalCloud, Cloud(1_000_000)), ["krakow"], timeout=0.01)
