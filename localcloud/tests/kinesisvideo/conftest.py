"""Fixtures of the Kinesis Video tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud import LocalCloud
from localcloud.testing.footage import ORDINARY_BEHAVIOUR, TestStream


@pytest.fixture(autouse=True)
def _ordinary_behaviour(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests that are not about quotas or lag do not meet them."""
    if request.node.get_closest_marker("cloud") is None:
        yield
        return
    cloud: LocalCloud = request.getfixturevalue("cloud")
    cloud.control("POST", "kinesisvideo/behaviour", ORDINARY_BEHAVIOUR)
    yield
    cloud.faults.clear()


@pytest.fixture
def stream(cloud: LocalCloud) -> TestStream:
    """A new stream that retains a day."""
    return TestStream.create(cloud)
