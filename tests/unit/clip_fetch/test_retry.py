"""Calls that fail are repeated before the deadline, if the failure is transient."""

from __future__ import annotations

import io
import random
from collections.abc import Callable

import pytest

from clip_fetch.deadline import MARGIN_MS, Deadline
from clip_fetch.errors import DeadlineExceededError, is_transient
from clip_fetch.retry import RetryPolicy
from tests.support.clip_fetch_aws import Answerless, Aws, error


def failing(times: int, fault: Exception) -> Callable[[], int]:
    """Fails so often, then tells how often it was called."""
    calls: list[int] = []

    def call() -> int:
        calls.append(1)
        if len(calls) <= times:
            raise fault
        return len(calls)

    return call


def test_a_passing_failure_is_tried_again_after_a_growing_pause() -> None:
    aws = Aws()
    begun_ms = aws.now_ms
    assert aws.timing().retry.call(failing(5, error("SlowDown", 503))) == 6
    # pauses of 200, 400, 800, 1600 and 3200 ms, each shortened by at most a half
    assert 3_100 <= aws.now_ms - begun_ms <= 6_300


def test_a_failure_that_stays_is_raised_after_eight_attempts() -> None:
    aws = Aws()
    call = failing(100, error("InternalFailure", 500))
    with pytest.raises(Exception, match="InternalFailure"):
        aws.timing().retry.call(call)
    assert call.__closure__ is not None
    calls = next(cell.cell_contents for cell in call.__closure__ if isinstance(cell.cell_contents, list))
    assert len(calls) == 8


def test_a_refusal_is_not_tried_again() -> None:
    aws = Aws()
    with pytest.raises(Exception, match="AccessDenied"):
        aws.timing().retry.call(failing(1, error("AccessDenied", 403)))
    assert aws.timing().retry.call(failing(0, error("AccessDenied", 403))) == 1


def test_no_pause_passes_the_deadline() -> None:
    aws = Aws()
    aws.remaining_ms = MARGIN_MS + 500
    with pytest.raises(DeadlineExceededError):
        aws.timing().retry.call(failing(100, error("SlowDown", 503)))
    assert aws.remaining_ms >= MARGIN_MS


def test_nothing_is_called_when_the_time_is_up() -> None:
    aws = Aws()
    aws.remaining_ms = MARGIN_MS
    with pytest.raises(DeadlineExceededError):
        aws.timing().retry.call(lambda: pytest.fail("called"))


@pytest.mark.parametrize(
    ("fault", "passes"),
    [
        (error("ClientLimitExceededException"), True),
        (error("ConditionalRequestConflict", 409), True),
        (error("Unheard", 502), True),
        (error("404", 404), False),
        (error("ResourceNotFoundException", 404), False),
        (error("InvalidCodecPrivateDataException"), False),
        (Answerless(), True),
        (ConnectionResetError(), True),
        (ValueError(), False),
        (DeadlineExceededError(), False),
    ],
)
def test_what_passes_by_itself(fault: Exception, passes: bool) -> None:
    assert is_transient(fault) is passes


def test_jitter_differs_between_runs() -> None:
    pauses = []
    for seed in (1, 2):
        aws = Aws()
        slept: list[float] = []
        deadline = Deadline(aws.read_clock, lambda: 900_000)
        RetryPolicy(deadline, slept.append, random.Random(seed)).call(failing(2, io.BlockingIOError()))
        pauses.append(slept)
    assert pauses[0] != pauses[1]
