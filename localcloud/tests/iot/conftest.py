"""A device that may connect and publish, for the tests of the broker."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from localcloud import LocalCloud
from localcloud.testing.devices import Device, allow, arn, enrol


@pytest.fixture
def name() -> str:
    """A client ID that no other test has."""
    return f"device-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def topic(name: str) -> str:
    """The topic that the device may publish to."""
    return f"stations/krakow/{name}/measurements"


@pytest.fixture
def device(cloud: LocalCloud, tmp_path: Path, name: str, topic: str) -> Device:
    """A device that may connect as ``name`` and publish to ``topic``."""
    device = enrol(cloud, tmp_path / "device")
    allow(
        cloud,
        device,
        name,
        {"Action": "iot:Connect", "Resource": arn(cloud, f"client/{name}")},
        {"Action": "iot:Publish", "Resource": arn(cloud, f"topic/{topic}")},
    )
    return device
