"""GetConnection: how a client is connected, or how its connection ended."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud
from localcloud.testing.devices import PATIENCE, allow, arn, connection, enrol

pytestmark = pytest.mark.cloud


def test_a_connection_while_it_lasts_and_after_it(cloud: LocalCloud, tmp_path: Path) -> None:
    name = f"device-{uuid.uuid4().hex[:12]}"
    device = enrol(cloud, tmp_path / "device")
    allow(cloud, device, name, {"Action": "iot:Connect", "Resource": arn(cloud, f"client/{name}")})
    data = cloud.client("iot-data")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        data.get_connection(clientId=name)

    began_ms = time.time_ns() // 1_000_000
    with connection(cloud, device, name):
        found = data.get_connection(clientId=name, includeSocketInformation=True)
        assert found["connected"]
        assert (found["cleanSession"], found["keepAliveDuration"]) == (True, 60)
        assert found["connectedSince"] >= began_ms
        assert found["sourceIp"] == "127.0.0.1"
        assert found["sourcePort"] > 0
        assert "sourceIp" not in data.get_connection(clientId=name)

    deadline = time.monotonic() + PATIENCE
    while (found := data.get_connection(clientId=name))["connected"]:
        assert time.monotonic() < deadline
    assert found["disconnectReason"] == "CLIENT_INITIATED_DISCONNECT"
    assert found["disconnectedSince"] >= began_ms
