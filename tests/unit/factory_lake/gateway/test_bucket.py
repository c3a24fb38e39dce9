import pytest

from factory_lake.gateway.bucket import FASTEST, PUBLISHES_PER_SECOND, TokenBucket
from tests.unit.factory_lake.fixtures import Clock


def publish_for(bucket: TokenBucket, clock: Clock, seconds: float) -> list[float]:
    times = []
    end = clock.now + seconds
    while clock.now < end:
        if bucket.take():
            times.append(clock.now)
        else:
            clock.now += max(bucket.wait(), 1e-6)
    return times


def most_in_a_second(times: list[float]) -> int:
    return max(sum(1 for other in times if start <= other < start + 1) for start in times)


def test_never_more_than_the_limit_in_any_second() -> None:
    clock = Clock()
    bucket = TokenBucket(PUBLISHES_PER_SECOND, clock)
    clock.now += 3600  # an idle hour saves up no more than the burst
    times = publish_for(bucket, clock, 5)
    assert most_in_a_second(times) <= PUBLISHES_PER_SECOND
    assert len(times) == pytest.approx(5 * FASTEST, abs=7)


@pytest.mark.parametrize("rate", [0.5, 3, 20, 95])
def test_the_average_is_the_rate(rate: float) -> None:
    clock = Clock()
    times = publish_for(TokenBucket(rate, clock), clock, 60)
    assert len(times) == pytest.approx(60 * rate, abs=6)


def test_wait_ends_when_a_token_is_there() -> None:
    clock = Clock()
    bucket = TokenBucket(10, clock)
    while bucket.take():
        pass
    pause = bucket.wait()
    assert 0 < pause <= 0.1
    clock.now += pause * 0.9
    assert not bucket.take()
    clock.now += pause * 0.1 + 1e-9
    assert bucket.wait() == 0
    assert bucket.take()


def test_publishes_that_happened_anyway_are_paid_later() -> None:
    """The messages that go out again with a new connection count into its first second."""
    clock = Clock()
    bucket = TokenBucket(PUBLISHES_PER_SECOND, clock)
    bucket.charge(32)
    times = publish_for(bucket, clock, 1)
    assert 32 + len(times) <= PUBLISHES_PER_SECOND


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_rates_that_are_none(rate: float) -> None:
    with pytest.raises(ValueError, match="rate must be above 0"):
        TokenBucket(rate, Clock())
