"""What a delivery stream measures of itself, sent to CloudWatch once a second and at the end of a flush.

Source: Amazon Data Firehose Developer Guide, "Monitor Amazon Data Firehose with CloudWatch metrics". The
guide gives names, units and meanings. Where a metric is a share ("the sum of successful ... over the sum of
all"), each attempt is a data point of 1 or 0, so that the average is the share. When a metric is reported is
not in the guide: here counts and shares when something happened, ages and numbers of partitions while
something is held, which a delivery stream without data is not.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from localcloud.calls import CallError, control

log = logging.getLogger(__name__)

NAMESPACE: Final = "AWS/Firehose"
PUBLISH_SECONDS: Final = 1.0
_MOST_KEPT: Final = 100_000


class Outbox:
    """Measurements of all delivery streams that are not with CloudWatch yet."""

    def __init__(self) -> None:
        self._data: deque[dict[str, Any]] = deque(maxlen=_MOST_KEPT)

    def add(self, datum: dict[str, Any]) -> None:
        """Take one; the oldest goes when there are too many."""
        self._data.append(datum)

    def take(self) -> list[dict[str, Any]]:
        """All of them, which are gone then."""
        return [self._data.popleft() for _ in range(len(self._data))]

    def give_back(self, data: list[dict[str, Any]]) -> None:
        """Take back what could not be sent."""
        self._data.extendleft(reversed(data))


class Meter:
    """Measures one delivery stream.

    Args:
        clock: epoch seconds.
    """

    def __init__(self, name: str, outbox: Outbox, clock: Callable[[], float] = time.time) -> None:
        self._name = name
        self._outbox = outbox
        self._clock = clock

    def add(self, metric: str, value: float, unit: str = "Count") -> None:
        """Say what was measured now."""
        self._outbox.add(
            {
                "namespace": NAMESPACE,
                "name": metric,
                "dimensions": {"DeliveryStreamName": self._name},
                "value": value,
                "unit": unit,
                "timestamp": self._clock(),
            }
        )

    def records(self, metric: str, count: int, size: int) -> None:
        """A number of records, and their bytes: ``<metric>.Records`` and ``<metric>.Bytes``."""
        if count:
            self.add(f"{metric}.Records", count)
            self.add(f"{metric}.Bytes", size, "Bytes")


class Publisher:
    """Sends measurements to the local cloud at ``endpoint``."""

    def __init__(self, endpoint: str, outbox: Outbox) -> None:
        self._endpoint = endpoint
        self._outbox = outbox
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)

    def start(self) -> None:
        """Send from now on."""
        self._thread.start()

    def stop(self) -> None:
        """End the sending."""
        self._stopping.set()
        self._thread.join()

    def publish(self) -> None:
        """Send what there is. What cannot be sent is kept for the next time."""
        with self._lock:
            data = self._outbox.take()
            if not data:
                return
            try:
                control(self._endpoint, "POST", "metrics", {"data": data})
            except (CallError, OSError) as error:
                log.warning("metrics cannot be sent: %s", error)
                self._outbox.give_back(data)

    def _run(self) -> None:
        while not self._stopping.wait(PUBLISH_SECONDS):
            self.publish()
