"""Devices for the tests: a key, a certificate made from its CSR, and an MQTT connection."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from paho.mqtt.enums import CallbackAPIVersion

from localcloud import LocalCloud

PATIENCE = 60.0


@dataclass(frozen=True)
class Device:
    """A key and its certificate; ``arn`` and ``certificate_id`` name the certificate."""

    arn: str
    certificate_id: str
    certificate_file: Path
    key_file: Path


def enrol(cloud: LocalCloud, folder: Path, *, active: bool = True) -> Device:
    """A new key with a certificate that the account signed."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "device")])
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    made = cloud.client("iot").create_certificate_from_csr(
        certificateSigningRequest=csr.public_bytes(Encoding.PEM).decode(), setAsActive=active
    )
    device = Device(made["certificateArn"], made["certificateId"], folder / "cert.pem", folder / "key.pem")
    device.certificate_file.write_text(made["certificatePem"])
    device.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return device


def allow(cloud: LocalCloud, device: Device, name: str, *statements: dict[str, Any]) -> None:
    """Attach a policy of these statements to the device's certificate."""
    iot = cloud.client("iot")
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
    iot.create_policy(policyName=name, policyDocument=json.dumps(document))
    iot.attach_policy(policyName=name, target=device.arn)


def arn(cloud: LocalCloud, resource: str) -> str:
    """An IoT resource's ARN."""
    return f"arn:aws:iot:{cloud.region}:{cloud.account_id}:{resource}"


class Connection:
    """An MQTT client that records what the broker did; ``reason`` is what it said last, with MQTT 5."""

    def __init__(self, client: mqtt.Client) -> None:
        self.client = client
        self.accepted = threading.Event()
        self.dropped = threading.Event()
        self.reason = ""
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Publish at QoS 1; whether the broker acknowledged it before it dropped the connection."""
        published = self.client.publish(topic, payload, qos=1, retain=retain)
        if published.rc != mqtt.MQTT_ERR_SUCCESS:  # the connection was gone before the publish
            return False
        while not published.is_published() and not self.dropped.is_set():
            self.dropped.wait(0.005)
        return published.is_published()

    def wait_for_answer(self) -> None:
        """Return when the broker has accepted or dropped the connection."""
        deadline = time.monotonic() + PATIENCE
        while not (self.accepted.is_set() or self.dropped.wait(0.005)):
            if time.monotonic() > deadline:
                raise TimeoutError("the broker did not answer")

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.reason = str(reason)
        (self.dropped if reason.is_failure else self.accepted).set()

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if not self.dropped.is_set():  # a refused CONNECT has said why
            self.reason = str(reason)
        self.dropped.set()


@contextmanager
def connection(
    cloud: LocalCloud,
    device: Device | None,
    client_id: str,
    *,
    protocol: int = mqtt.MQTTv311,
    will: Mapping[str, Any] | None = None,
) -> Iterator[Connection]:
    """A connection attempt that has been answered; without a device the client has no certificate.

    The protocol is paho's number of the MQTT version, the last will as paho's ``will_set`` takes it.
    """
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=protocol,  # type: ignore[arg-type] # paho declares an enum and exports plain numbers
        reconnect_on_failure=False,
    )
    client.tls_set(
        str(cloud.ca_file),
        None if device is None else str(device.certificate_file),
        None if device is None else str(device.key_file),
    )
    if will is not None:
        client.will_set(**will)
    attempt = Connection(client)
    try:
        client.connect(cloud.mqtt_host, cloud.mqtt_port)
        client.loop_start()
    except OSError:  # the TLS handshake already failed
        attempt.dropped.set()
    try:
        attempt.wait_for_answer()
        yield attempt
    finally:
        client.disconnect()
        client.loop_stop()
