"""A token bucket: how one connection keeps below AWS IoT's limit of publishes."""

from collections.abc import Callable

# AWS IoT Core takes 100 publishes a second on one connection and discards the rest
# ("Publish requests per second per connection" among the message broker's quotas).
PUBLISHES_PER_SECOND = 100
# It processes 512 KiB a second of a connection and delays the rest ("Throughput per second per connection"), so a
# publish of more than this counts as several.
BYTES_PER_PUBLISH = 512 * 1024 // PUBLISHES_PER_SECOND
# What may go out at once after a pause. A bucket lets through its burst and its refill in the first second,
# so the two together must not pass the limit.
_BURST = 5
FASTEST = PUBLISHES_PER_SECOND - _BURST


class TokenBucket:
    """Lets `rate` publishes a second happen on average, and never more than 100 in any second.

    Args:
        rate: Publishes a second, above 0. More than `FASTEST` (95) is taken for that.
        clock: Seconds that only go forward, for example `time.monotonic`.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        if not rate > 0:
            raise ValueError(f"rate must be above 0, got {rate}")
        self._refill = min(rate, FASTEST)
        self._burst = max(1.0, self._refill * _BURST / FASTEST)
        self._clock = clock
        self._tokens = self._burst
        self._counted_at = clock()

    def take(self) -> bool:
        """Take a token when there is one."""
        self._count()
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def charge(self, publishes: float) -> None:
        """Take tokens for publishes that happen anyway; those that come later wait until the debt is paid."""
        self._count()
        self._tokens -= publishes

    def wait(self) -> float:
        """Seconds until `take` succeeds; 0 when it would now."""
        self._count()
        return max(0.0, (1 - self._tokens) / self._refill)

    def _count(self) -> None:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self._refill)
        self._counted_at = now
