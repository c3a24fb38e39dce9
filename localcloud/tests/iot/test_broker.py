"""The broker refuses what AWS IoT Core refuses."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from localcloud import LocalCloud
from localcloud.iot.broker import BURST_SECONDS, PUBLISHES_PER_SECOND, Allowance
from localcloud.testing.devices import PATIENCE, Connection, Device, allow, arn, connection, enrol

pytestmark = pytest.mark.cloud

Connect = Callable[..., AbstractContextManager[Connection]]


@pytest.fixture
def connect(cloud: LocalCloud, device: Device, name: str) -> Connect:
    """Connect as the device."""
    return partial(connection, cloud, device, name)


@pytest.mark.parametrize("protocol", [mqtt.MQTTv311, mqtt.MQTTv5])
def test_its_own_client_id_and_topic_are_served(connect: Connect, topic: str, protocol: int) -> None:
    with connect(protocol=protocol) as mine:
        assert mine.accepted.is_set()
        assert mine.publish(topic, b"x" * (128 * 1024))


def test_a_broker_that_drops_its_connections_takes_new_ones(connect: Connect, cloud: LocalCloud, topic: str) -> None:
    with connect() as mine:
        assert mine.accepted.is_set()
        assert cloud.control("POST", "iot-disconnect")["disconnected"] >= 1
        assert mine.dropped.wait(PATIENCE)
    with connect() as again:
        assert again.publish(topic, b"{}")


def test_a_foreign_client_id_is_refused_at_connect(cloud: LocalCloud, device: Device) -> None:
    with connection(cloud, device, "krakow-line-2-measurements") as foreign:
        assert not foreign.accepted.is_set()


@pytest.mark.parametrize("other", ["stations/lyon/press-shop/measurements", "stations", "$aws/things/x/shadow/update"])
def test_a_foreign_topic_ends_the_connection(connect: Connect, other: str) -> None:
    with connect() as mine:
        assert not mine.publish(other, b"x")


VERSIONS = pytest.mark.parametrize("protocol", [mqtt.MQTTv311, mqtt.MQTTv5], ids=["3.1.1", "5"])


@VERSIONS
@pytest.mark.parametrize("qos", [0, 1])
def test_a_retained_publish_ends_the_connection(connect: Connect, topic: str, protocol: int, qos: int) -> None:
    with connect(protocol=protocol) as mine:
        mine.client.publish(topic, b"x", qos=qos, retain=True)
        assert mine.dropped.wait(PATIENCE)
        if protocol == mqtt.MQTTv5:
            assert mine.reason == "Not authorized"


def test_a_publish_may_be_retained_where_the_policy_says_so(
    connect: Connect, cloud: LocalCloud, device: Device, name: str, topic: str
) -> None:
    """But on no reserved topic."""
    allow(cloud, device, f"{name}-all", {"Action": ["iot:Publish", "iot:RetainPublish"], "Resource": "*"})
    reserved = f"$aws/rules/none/{topic}"
    with connect(protocol=mqtt.MQTTv5) as mine:
        assert mine.publish(topic, b"x", retain=True)
        assert mine.publish(reserved, b"x")
        assert not mine.publish(reserved, b"x", retain=True)


@VERSIONS
def test_a_will_on_its_own_topic_is_served(connect: Connect, topic: str, protocol: int) -> None:
    will = {"topic": topic, "payload": b"{}", "qos": 1}
    with connect(protocol=protocol, will=will) as mine:
        assert mine.publish(topic, b"x")


@VERSIONS
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"topic": "stations/krakow/status"}, "Not authorized"),
        ({"retain": True}, "Not authorized"),
        ({"qos": 2}, "QoS not supported"),
        ({"qos": 2, "retain": True}, "QoS not supported"),
    ],
    ids=["another topic", "retained", "QoS 2", "QoS 2 and retained"],
)
def test_a_will_that_aws_does_not_take_ends_the_connection(
    connect: Connect, topic: str, protocol: int, changed: dict[str, Any], reason: str
) -> None:
    will = {"topic": topic, "payload": b"{}", "qos": 1, **changed}
    with connect(protocol=protocol, will=will) as mine:
        assert not mine.accepted.is_set()
        if protocol == mqtt.MQTTv5:
            assert mine.reason == reason


@VERSIONS
def test_a_publish_of_qos_2_is_neither_acknowledged_nor_passed_on(
    connect: Connect, cloud: LocalCloud, tmp_path: Path, name: str, topic: str, protocol: int
) -> None:
    """With MQTT 5 it ends the connection: the broker has said that QoS 1 is the highest."""
    reader = enrol(cloud, tmp_path / "reader")
    allow(cloud, reader, f"{name}-reader", {"Action": "iot:*", "Resource": "*"})
    received: list[bytes] = []
    last = threading.Event()

    def on_message(_client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        received.append(bytes(message.payload))
        if message.payload == b"QoS 1":
            last.set()

    with connection(cloud, reader, f"{name}-reader") as reading:
        subscribed = threading.Event()
        reading.client.on_message = on_message
        reading.client.on_subscribe = lambda *_: subscribed.set()
        reading.client.subscribe(topic, qos=1)
        assert subscribed.wait(PATIENCE)
        with connect(protocol=protocol) as mine:
            published = mine.client.publish(topic, b"QoS 2", qos=2)
            if protocol == mqtt.MQTTv5:
                assert mine.dropped.wait(PATIENCE)
                assert mine.reason == "QoS not supported"
            else:
                assert mine.publish(topic, b"QoS 1")
            # The connection may end before the client has handed the packet on; then it cannot be asked.
            assert published.rc == mqtt.MQTT_ERR_NO_CONN or not published.is_published()
        if protocol == mqtt.MQTTv5:
            with connect() as again:
                assert again.publish(topic, b"QoS 1")
        assert last.wait(PATIENCE)
    assert received == [b"QoS 1"]


def test_subscribing_is_refused(connect: Connect, topic: str) -> None:
    with connect() as mine:
        mine.client.subscribe(topic, qos=1)
        assert mine.dropped.wait(PATIENCE)


def test_a_client_without_a_certificate_is_refused(cloud: LocalCloud, name: str) -> None:
    with connection(cloud, None, name) as anonymous:
        assert not anonymous.accepted.is_set()


def test_the_handshake_itself_wants_a_certificate(cloud: LocalCloud) -> None:
    context = ssl.create_default_context(cafile=str(cloud.ca_file))
    # TLS 1.3 lets a client believe that its handshake is done before the server has refused it.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection((cloud.mqtt_host, cloud.mqtt_port), timeout=PATIENCE) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain, server_hostname=cloud.mqtt_host)


def test_an_unsigned_websocket_is_refused(cloud: LocalCloud, name: str) -> None:
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id=name, transport="websockets", reconnect_on_failure=False
    )
    client.ws_set_options("/mqtt", {"Host": f"data.iot.{cloud.region}.amazonaws.com"})
    attempt = Connection(client)
    host, _, port = cloud.endpoint.removeprefix("http://").partition(":")
    try:
        client.connect(host, int(port))
    except OSError:
        return
    client.loop_start()
    attempt.wait_for_answer()
    client.disconnect()
    client.loop_stop()
    assert not attempt.accepted.is_set()


def test_a_certificate_of_another_ca_is_refused(cloud: LocalCloud, tmp_path: Path, name: str) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    someone = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "someone")])
    device = enrol(cloud, tmp_path / "known")
    times = x509.load_pem_x509_certificate(device.certificate_file.read_bytes())
    own = (
        x509.CertificateBuilder()
        .subject_name(someone)
        .issuer_name(someone)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(times.not_valid_before_utc)
        .not_valid_after(times.not_valid_after_utc)
        .sign(key, hashes.SHA256())
    )
    device.certificate_file.write_bytes(own.public_bytes(Encoding.PEM))
    device.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with connection(cloud, device, name) as stranger:
        assert not stranger.accepted.is_set()


@pytest.mark.parametrize("status", ["INACTIVE", "REVOKED"])
def test_a_certificate_that_is_not_active_is_refused(
    connect: Connect, cloud: LocalCloud, device: Device, status: Any
) -> None:
    cloud.client("iot").update_certificate(certificateId=device.certificate_id, newStatus=status)
    with connect() as mine:
        assert not mine.accepted.is_set()


@pytest.mark.parametrize("status", ["INACTIVE", "REVOKED"])
def test_a_certificate_that_stops_being_active_ends_its_connection(
    connect: Connect, cloud: LocalCloud, device: Device, topic: str, status: Any
) -> None:
    with connect() as mine:
        assert mine.publish(topic, b"x")
        cloud.client("iot").update_certificate(certificateId=device.certificate_id, newStatus=status)
        assert not mine.publish(topic, b"x")


def test_a_detached_policy_ends_the_right_to_publish(
    connect: Connect, cloud: LocalCloud, device: Device, name: str, topic: str
) -> None:
    with connect() as mine:
        cloud.client("iot").detach_policy(policyName=name, target=device.arn)
        assert not mine.publish(topic, b"x")


@pytest.mark.parametrize("attached", [True, False])
def test_a_thing_condition_holds_for_attached_things_alone(
    cloud: LocalCloud, tmp_path: Path, name: str, attached: bool
) -> None:
    iot = cloud.client("iot")
    device = enrol(cloud, tmp_path)
    condition = {"Bool": {"iot:Connection.Thing.IsAttached": "true"}}
    resource = arn(cloud, f"client/{name}")
    allow(cloud, device, name, {"Action": "iot:Connect", "Resource": resource, "Condition": condition})
    iot.create_thing(thingName=name)
    if attached:
        iot.attach_thing_principal(thingName=name, principal=device.arn)
    with connection(cloud, device, name) as mine:
        assert mine.accepted.is_set() is attached


def test_a_wildcard_in_a_client_id_is_no_wildcard_of_its_policy(cloud: LocalCloud, tmp_path: Path, name: str) -> None:
    device = enrol(cloud, tmp_path)
    own = arn(cloud, "topic/stations/${iot:ClientId}/measurements")
    allow(
        cloud,
        device,
        name,
        {"Action": "iot:Connect", "Resource": arn(cloud, "client/*")},
        {"Action": "iot:Publish", "Resource": own},
    )
    with connection(cloud, device, name) as honest:
        assert honest.publish(f"stations/{name}/measurements", b"x")
    with connection(cloud, device, "*") as greedy:
        assert not greedy.publish("stations/krakow/line-1/measurements", b"x")


def test_the_newer_of_two_connections_with_one_client_id_wins(connect: Connect, topic: str) -> None:
    with connect() as first, connect() as second:
        assert first.dropped.wait(PATIENCE)
        assert second.publish(topic, b"x")


def test_a_payload_above_128_kib_ends_the_connection(connect: Connect, topic: str) -> None:
    with connect() as mine:
        assert not mine.publish(topic, b"x" * (128 * 1024 + 1))


def test_a_topic_of_more_than_seven_slashes_ends_the_connection(cloud: LocalCloud, tmp_path: Path, name: str) -> None:
    device = enrol(cloud, tmp_path)
    anything = {"Action": ["iot:Connect", "iot:Publish"], "Resource": "*"}
    allow(cloud, device, name, anything)
    with connection(cloud, device, name) as mine:
        assert mine.publish("1/2/3/4/5/6/7/8", b"x")
        assert not mine.publish("1/2/3/4/5/6/7/8/9", b"x")


def test_a_packet_before_connect_ends_the_connection(cloud: LocalCloud, device: Device, topic: str) -> None:
    context = ssl.create_default_context(cafile=str(cloud.ca_file))
    context.load_cert_chain(device.certificate_file, device.key_file)
    with (
        socket.create_connection((cloud.mqtt_host, cloud.mqtt_port), timeout=PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname=cloud.mqtt_host) as raw,
    ):
        body = _publish_packet(topic) + b"payload"
        raw.sendall(bytes([0x32, len(body)]) + body)
        assert raw.recv(16) == b""


def test_publishes_above_the_rate_are_discarded_without_an_acknowledgement(
    connect: Connect, cloud: LocalCloud, topic: str
) -> None:
    with connect() as mine:
        before = cloud.control("GET", "iot")["refused"].get("publish rate", 0)
        began = time.monotonic()
        for _ in range(1500):
            mine.client.publish(topic, b"x", qos=0)
        acknowledged = [mine.client.publish(topic, b"x", qos=1) for _ in range(20)]
        mine.client.subscribe("not/allowed")  # the answer to it shows that all before was read
        assert mine.dropped.wait(PATIENCE)
        # A busy machine reads slowly, and each second allows some more.
        allowed = PUBLISHES_PER_SECOND * (BURST_SECONDS + time.monotonic() - began)
        assert not all(message.is_published() for message in acknowledged)
        refused = cloud.control("GET", "iot")["refused"]["publish rate"] - before
        assert refused >= 1500 + len(acknowledged) - allowed


def test_the_rate_is_measured_over_seconds() -> None:
    allowance = Allowance(now=0.0)
    assert sum(allowance.take(0.0) for _ in range(1000)) == 500
    assert sum(allowance.take(1.0) for _ in range(1000)) == 100
    assert all(allowance.take(1.0 + n / 99) for n in range(1, 1000))


def _publish_packet(topic: str) -> bytes:
    """The variable header of a QoS 1 PUBLISH, for what paho refuses to send."""
    return len(topic).to_bytes(2, "big") + topic.encode() + (1).to_bytes(2, "big")
