"""What the Firehose tests share: a clock, and an AWS in memory that keeps time by it."""

from __future__ import annotations

import pytest

from localcloud.testing.firehose import Clock, FakeAws


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def aws(clock: Clock) -> FakeAws:
    return FakeAws(clock)
