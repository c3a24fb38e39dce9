"""Faults of a gateway, injected one at a time and undone: each knows only how it breaks things.

A device goes on trying all the while, as gateways do: it connects anew whenever its connection ends.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from paho.mqtt.enums import CallbackAPIVersion

from factory_lake.gateway.csr import key_path
from factory_lake.gateway.identities import Source
from harness.lake import LocalLake
from harness.lake.local import CERTIFICATE
from localcloud.testing.datapoints import sums
from tests.e2e.plant import broken_code, sample, wait_until

#: Gateways connect again after seconds; AWS IoT takes one CONNECT a second of a client ID.
_AGAIN_SECONDS = 1.1
_BETWEEN_SECONDS = 0.4
_SOME = 3


@dataclass
class Settings:
    """How a device is set; the defaults are right."""

    client_id: str = ""
    topic: str = ""
    retain: bool = False
    will: Mapping[str, Any] | None = None
    protocol: int = mqtt.MQTTv311
    address: str = ""  # that it connects from
    identity: Source | None = None  # whose certificate and key it has
    subscribes: bool = False
    between_seconds: float = _BETWEEN_SECONDS
    payload: Callable[[], bytes] = sample


class Device(threading.Thread):
    """A gateway's lane that publishes until it is stopped."""

    def __init__(self, site: Site, settings: Settings) -> None:
        super().__init__(daemon=True)
        identity = settings.identity or site.source
        folder = site.folder / identity.client_id
        folder.mkdir(parents=True, exist_ok=True)
        self._certificate = folder / "device.pem"
        self._certificate.write_text(site.pem(identity))
        self._key = key_path(site.lake.key_dir, identity.client_id, CERTIFICATE)
        self._site, self._settings = site, settings
        self._stopped = threading.Event()
        self.acknowledged = 0
        self.minutes: set[int] = set()  # in which something was acknowledged
        self.attempts = 0  # to connect or to publish

    def run(self) -> None:
        """Connect and publish, again and again."""
        while not self._stopped.is_set():
            self.attempts += 1
            with suppress(OSError):
                self._connect_once()
            self._stopped.wait(_AGAIN_SECONDS)

    def stop(self) -> None:
        """End the device."""
        self._stopped.set()
        self.join()

    def _connect_once(self) -> None:
        settings, cloud = self._settings, self._site.lake.cloud
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id or self._site.source.client_id,
            protocol=settings.protocol,  # type: ignore[arg-type] # paho declares an enum and exports plain numbers
            reconnect_on_failure=False,
        )
        client.tls_set(str(cloud.ca_file), str(self._certificate), str(self._key))
        if settings.will is not None:
            client.will_set(**settings.will)
        client.on_publish = self._on_publish
        client.connect(cloud.mqtt_host, cloud.mqtt_port, bind_address=settings.address)
        if settings.subscribes:
            client.on_connect = self._on_connect
        due = time.monotonic()
        while not self._stopped.is_set() and client.loop(0.1) == mqtt.MQTT_ERR_SUCCESS:
            if client.is_connected() and time.monotonic() >= due:
                due = time.monotonic() + settings.between_seconds
                self.attempts += 1
                topic = settings.topic or self._site.source.topic
                client.publish(topic, settings.payload(), qos=1, retain=settings.retain)
        client.disconnect()

    def _on_connect(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe(self._site.source.topic)

    def _on_publish(self, _client: Any, _data: Any, _mid: int, reason: Any, _properties: Any) -> None:
        if not getattr(reason, "is_failure", False):
            self.acknowledged += 1
            self.minutes.add(int(time.time() // 60))


@dataclass
class Site:
    """The gateway's lane that is broken, in its lake."""

    lake: LocalLake
    source: Source
    folder: Path
    running: list[Device] = field(default_factory=list)

    def pem(self, source: Source) -> str:
        """The certificate of an identity."""
        entry = self.lake.outputs["gateways"][source.factory][source.gateway][source.lane]
        return str(entry["certificate_pems"][f"{CERTIFICATE}.pem"])

    def certificate_id(self, source: Source | None = None) -> str:
        """AWS IoT's ID of an identity's certificate."""
        read = x509.load_pem_x509_certificate(self.pem(source or self.source).encode())
        return read.fingerprint(hashes.SHA256()).hex()

    def certificate_arn(self) -> str:
        """The ARN of the lane's certificate."""
        return str(
            self.iot.describe_certificate(certificateId=self.certificate_id())["certificateDescription"][
                "certificateArn"
            ]
        )

    @property
    def iot(self) -> Any:
        """AWS IoT's control plane."""
        return self.lake.cloud.client("iot")

    @property
    def rule(self) -> str:
        """The lane's topic rule."""
        entry = self.lake.outputs["gateways"][self.source.factory][self.source.gateway][self.source.lane]
        return str(entry["basic_ingest_topic"]).split("/")[2]

    def has_tried(self) -> bool:
        """Whether each of its devices has made some attempts."""
        return all(device.attempts > _SOME for device in self.running)

    @contextmanager
    def device(self, **settings: Any) -> Iterator[Device]:
        """A device that runs meanwhile."""
        device = Device(self, Settings(**settings))
        self.running.append(device)
        device.start()
        try:
            yield device
        finally:
            device.stop()
            self.running.remove(device)


Fault = Callable[[Site], AbstractContextManager[object]]


@contextmanager
def thing_deleted(site: Site) -> Iterator[None]:
    name, arn = site.source.client_id, site.certificate_arn()
    site.iot.detach_thing_principal(thingName=name, principal=arn)
    site.iot.delete_thing(thingName=name)
    try:
        yield
    finally:
        site.iot.create_thing(thingName=name)
        site.iot.attach_thing_principal(thingName=name, principal=arn)


@contextmanager
def _status(site: Site, status: str) -> Iterator[None]:
    site.iot.update_certificate(certificateId=site.certificate_id(), newStatus=status)
    try:
        with site.device():
            yield
    finally:
        site.iot.update_certificate(certificateId=site.certificate_id(), newStatus="ACTIVE")


def certificate_inactive(site: Site) -> AbstractContextManager[None]:
    return _status(site, "INACTIVE")


def certificate_revoked(site: Site) -> AbstractContextManager[None]:
    return _status(site, "REVOKED")


@contextmanager
def certificate_expired(site: Site) -> Iterator[None]:
    """The only certificate that is active is one that was valid last year."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "old")])
    now = datetime.now(UTC)
    old = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=700))
        .not_valid_after(now - timedelta(days=300))
        .sign(key, hashes.SHA256())
    )
    pem = old.public_bytes(Encoding.PEM).decode()
    made = site.iot.register_certificate_without_ca(certificatePem=pem, status="ACTIVE")
    client_id = site.source.client_id
    site.iot.attach_policy(policyName=client_id, target=made["certificateArn"])
    site.iot.attach_thing_principal(thingName=client_id, principal=made["certificateArn"])
    try:
        with certificate_inactive(site):
            yield
    finally:
        site.iot.detach_thing_principal(thingName=client_id, principal=made["certificateArn"])
        site.iot.detach_policy(policyName=client_id, target=made["certificateArn"])
        site.iot.update_certificate(certificateId=made["certificateId"], newStatus="INACTIVE")
        site.iot.delete_certificate(certificateId=made["certificateId"])


def certificate_of_another(site: Site) -> AbstractContextManager[Device]:
    other = Source(site.source.factory, site.source.gateway, "configuration")
    return site.device(identity=other)


@contextmanager
def policy_detached(site: Site) -> Iterator[None]:
    name, arn = site.source.client_id, site.certificate_arn()
    site.iot.detach_policy(policyName=name, target=arn)
    try:
        with site.device():
            yield
    finally:
        site.iot.attach_policy(policyName=name, target=arn)


@contextmanager
def policy_changed(site: Site) -> Iterator[None]:
    """It names another topic."""
    name = site.source.client_id
    before = site.iot.get_policy(policyName=name)
    document = before["policyDocument"].replace(f"/{site.source.lane}", "/other")
    assert json.loads(document) != json.loads(before["policyDocument"])
    made = site.iot.create_policy_version(policyName=name, policyDocument=document, setAsDefault=True)
    try:
        with site.device():
            yield
    finally:
        site.iot.set_default_policy_version(policyName=name, policyVersionId=before["defaultVersionId"])
        site.iot.delete_policy_version(policyName=name, policyVersionId=made["policyVersionId"])


@contextmanager
def connected_twice(site: Site) -> Iterator[None]:
    with site.device(address="127.0.0.2"), site.device(address="127.0.0.3"):
        yield


def last_will(site: Site) -> AbstractContextManager[Device]:
    return site.device(will={"topic": "status", "payload": b"gone", "qos": 1})


def retained(site: Site) -> AbstractContextManager[Device]:
    return site.device(retain=True)


def wrong_topic(site: Site) -> AbstractContextManager[Device]:
    return site.device(topic=f"{site.source.topic}/press-1")


def wrong_topic_of_mqtt_5(site: Site) -> AbstractContextManager[Device]:
    """It keeps its connection."""
    return site.device(topic=f"{site.source.topic}/press-1", protocol=mqtt.MQTTv5)


def subscribes(site: Site) -> AbstractContextManager[Device]:
    return site.device(subscribes=True)


def wrong_client_id(site: Site) -> AbstractContextManager[Device]:
    return site.device(client_id="gateway-1")


def payload_too_large(site: Site) -> AbstractContextManager[Device]:
    return site.device(payload=lambda: b"x" * (128 * 1024 + 1))


@contextmanager
def rule_disabled(site: Site) -> Iterator[None]:
    site.iot.disable_topic_rule(ruleName=site.rule)
    try:
        with site.device():
            yield
    finally:
        site.iot.enable_topic_rule(ruleName=site.rule)


@contextmanager
def rule_denied(site: Site) -> Iterator[None]:
    """The rule's role may write neither to the stream nor to the errors prefix."""
    iam = site.lake.cloud.client("iam")
    role = site.lake.outputs["roles"][site.source.factory][site.source.lane]["rule"].rpartition("/")[2]
    document = iam.get_role_policy(RoleName=role, PolicyName="forward")["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName="forward")
    try:
        with site.device():
            yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName="forward", PolicyDocument=json.dumps(document))


@contextmanager
def stream_throttled(site: Site) -> Iterator[None]:
    """The data stream takes nothing; the error action works."""
    fault = site.lake.cloud.faults.add(
        service="kinesis", operation="PutRecord", error="ProvisionedThroughputExceededException", times=None
    )
    try:
        with site.device():
            yield
    finally:
        site.lake.cloud.faults.remove(fault)


@contextmanager
def transform_broken(site: Site) -> Iterator[None]:
    function = site.lake.outputs["transform_functions"][site.source.factory][site.source.lane]
    with ExitStack() as stack:
        stack.enter_context(broken_code(site.lake, function, "raise RuntimeError('broken')"))
        stack.enter_context(site.device())
        wait_until(
            lambda: bool(sums(site.lake.cloud, "AWS/Lambda", {"FunctionName": function}, "Errors").get("Errors"))
        )
        yield


def clock_ahead(site: Site) -> AbstractContextManager[Device]:
    def payload() -> bytes:
        return sample(timestamp=time.time_ns() // 1_000_000 + 3 * 86_400_000)

    return site.device(payload=payload)


def clock_behind(site: Site) -> AbstractContextManager[Device]:
    """By less than the lake refuses; it sends too seldom to be noticed beside another fault."""

    def payload() -> bytes:
        return sample(timestamp=time.time_ns() // 1_000_000 - 2 * 3_600_000)

    return site.device(payload=payload, between_seconds=5.0)


def not_json(site: Site) -> AbstractContextManager[Device]:
    return site.device(payload=lambda: b"temperature=44.1")


@contextmanager
def switched_off(_: Site) -> Iterator[None]:
    yield


def none(site: Site) -> AbstractContextManager[Device]:
    """Nothing is wrong."""
    return site.device()
