"""What the Firehose tests share: a description like the one Terraform's provider makes, a clock, and a fake AWS."""

from __future__ import annotations

import pytest

from tests.localcloud.firehose.fakes import Clock, FakeAws


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def aws(clock: Clock) -> FakeAws:
    return FakeAws(clock)
