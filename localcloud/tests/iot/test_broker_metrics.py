"""The broker counts what it took and what it refused, by the names of AWS's guide."""

from __future__ import annotations

import paho.mqtt.client as mqtt
import pytest

from localcloud import LocalCloud
from localcloud.testing.datapoints import sums
from localcloud.testing.devices import PATIENCE, Device, connection

pytestmark = pytest.mark.cloud

NAMES = (
    *("Connect.Success", "Connect.AuthError", "Connect.ClientError", "Connection.AuthNError"),
    *("PublishIn.Success", "PublishIn.AuthError", "PublishIn.ClientError", "PublishRetained.AuthError"),
    *("Subscribe.AuthError", "Subscribe.Success"),
)


class Counting:
    """What has been counted since it was made: the metrics are the account's."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._before = self._now()

    def _now(self) -> dict[str, float]:
        return sums(self._cloud, "AWS/IoT", {"Protocol": "MQTT"}, *NAMES)

    @property
    def counted(self) -> dict[str, float]:
        return {
            name: more for name, total in self._now().items() if (more := total - self._before.get(name, 0)) and more
        }


@pytest.fixture
def counting(cloud: LocalCloud, device: Device) -> Counting:
    assert device.certificate_id
    return Counting(cloud)


def test_what_is_taken(cloud: LocalCloud, device: Device, name: str, topic: str, counting: Counting) -> None:
    with connection(cloud, device, name) as mine:
        assert mine.publish(topic, b"{}")
        assert mine.publish(topic, b"{}")
    assert counting.counted == {"Connect.Success": 1, "PublishIn.Success": 2}


def test_another_topic(cloud: LocalCloud, device: Device, name: str, counting: Counting) -> None:
    """MQTT 5 keeps the connection."""
    with connection(cloud, device, name, protocol=mqtt.MQTTv5) as mine:
        mine.publish("stations/other", b"{}")
    with connection(cloud, device, name) as mine:
        assert not mine.publish("stations/other", b"{}")
    assert counting.counted == {"Connect.Success": 2, "PublishIn.AuthError": 2}


def test_a_retained_publish(cloud: LocalCloud, device: Device, name: str, topic: str, counting: Counting) -> None:
    with connection(cloud, device, name) as mine:
        assert not mine.publish(topic, b"{}", retain=True)
    assert counting.counted == {"Connect.Success": 1, "PublishRetained.AuthError": 1}


def test_a_payload_that_is_too_large(
    cloud: LocalCloud, device: Device, name: str, topic: str, counting: Counting
) -> None:
    with connection(cloud, device, name) as mine:
        assert not mine.publish(topic, b"x" * (128 * 1024 + 1))
    assert counting.counted == {"Connect.Success": 1, "PublishIn.ClientError": 1}


def test_a_subscription(cloud: LocalCloud, device: Device, name: str, topic: str, counting: Counting) -> None:
    with connection(cloud, device, name) as mine:
        mine.client.subscribe(topic)
        assert mine.dropped.wait(PATIENCE)
    assert counting.counted == {"Connect.Success": 1, "Subscribe.AuthError": 1}


@pytest.mark.parametrize(
    ("will", "counted"),
    [
        ({"topic": "stations/other", "payload": b"", "qos": 1}, "Connect.AuthError"),
        ({"topic": "stations/other", "payload": b"", "qos": 2}, "Connect.ClientError"),
    ],
    ids=["another topic", "QoS 2"],
)
def test_a_last_will(
    cloud: LocalCloud, device: Device, name: str, counting: Counting, will: dict[str, object], counted: str
) -> None:
    with connection(cloud, device, name, will=will) as mine:
        assert not mine.accepted.is_set()
    assert counting.counted == {counted: 1}


def test_another_client_id(cloud: LocalCloud, device: Device, name: str, counting: Counting) -> None:
    with connection(cloud, device, f"{name}-other") as mine:
        assert not mine.accepted.is_set()
    assert counting.counted == {"Connect.AuthError": 1}


def test_a_certificate_that_is_inactive(cloud: LocalCloud, device: Device, name: str, counting: Counting) -> None:
    cloud.client("iot").update_certificate(certificateId=device.certificate_id, newStatus="INACTIVE")
    with connection(cloud, device, name) as mine:
        assert not mine.accepted.is_set()
    assert counting.counted == {"Connection.AuthNError": 1}
