"""Fixtures of the Kinesis Video tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from localcloud.testing.footage import TestStream

from localcloud import LocalCloud

_ORDINARY = {
    "listing_lag_ms": 0,
    "clock_offset_ms": 0,
    "streams_a_page": 10_000,
    "content_length": False,
    "quotas": {"metadata_points": 1_000_000, "media_points": 1_000_000},
}


@pytest.fixture(autouse=True)
def _ordinary_behaviour(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests that are not about quotas or lag do not meet them."""
    if request.node.get_closest_marker("cloud") is None:
        yield
        return
    cloud: LocalCloud = request.getfixturevalue("cloud")
    cloud.control("POST", "kinesisvideo/behaviour", _ORDINARY)
    yield
    cloud.faults.clear()


@pytest.fixture
def stream(cloud: LocalCloud) -> TestStream:
    """A new stream that retains a day."""
    return TestStream.create(cloud)
