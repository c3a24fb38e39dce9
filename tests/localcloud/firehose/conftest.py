"""What the Firehose tests share: a clock, and an AWS in memory that keeps time by it."""

from __future__ import annotations

import pytest

from tests.localcloud.firehose.fakes import Clock, FakeAws


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def aws(clock: Clock) -> FakeAws:
    return FakeAws(clock)
