"""What the tests of connections stand on: identities in a local cloud, a listener, a line that can be cut."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from factory_lake.gateway.connections import Broker, Connections, Identity, tls_context
from factory_lake.gateway.csr import make_csr
from factory_lake.gateway.identities import Source
from localcloud import LocalCloud


@dataclass
class IotLake:
    """Makes things, certificates and policies, as the factory's Terraform module does."""

    cloud: LocalCloud
    folder: Path

    def broker(self, port: int | None = None) -> Broker:
        return Broker(self.cloud.mqtt_host, port or self.cloud.mqtt_port, self.cloud.ca_file)

    def identity(self, source: Source, topic: str | None = None, client_id: str | None = None) -> Identity:
        """A gateway's identity, whose policy allows this topic and client ID, or its own."""
        arn = f"arn:aws:iot:{self.cloud.region}:{self.cloud.account_id}"
        return self.principal(
            source,
            [
                ("iot:Connect", f"{arn}:client/{client_id or source.client_id}"),
                ("iot:Publish", f"{arn}:topic/{topic or source.topic}"),
            ],
        )

    def principal(self, source: Source, allowed: list[tuple[str, str]]) -> Identity:
        iot = self.cloud.client("iot")
        made = make_csr(source.client_id, "first", self.folder / "csr", self.folder / "keys")
        certificate = iot.create_certificate_from_csr(certificateSigningRequest=made.csr.read_text(), setAsActive=True)
        statements = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in allowed]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iot.create_policy(policyName=source.client_id, policyDocument=document)
        iot.attach_policy(policyName=source.client_id, target=certificate["certificateArn"])
        iot.create_thing(thingName=source.client_id)
        iot.attach_thing_principal(thingName=source.client_id, principal=certificate["certificateArn"])
        return Identity(source, certificate["certificatePem"], made.key)

    def connections(self, *identities: Identity, port: int | None = None) -> Connections:
        return Connections(self.broker(port), identities)

    def listener(self, source: Source) -> "Listener":
        """Somebody who hears everything that is published on the source's topic."""
        watcher = Source(source.factory, f"{source.gateway}-ear", source.lane)
        arn = f"arn:aws:iot:{self.cloud.region}:{self.cloud.account_id}"
        allowed = [
            ("iot:Connect", f"{arn}:client/{watcher.client_id}"),
            ("iot:Subscribe", f"{arn}:topicfilter/{source.topic}"),
            ("iot:Receive", f"{arn}:topic/{source.topic}"),
        ]
        identity = self.principal(watcher, allowed)
        return Listener(self.broker(), identity, source.topic, self.folder / f"{watcher.client_id}.crt")


class Listener:
    """Counts what the broker really took."""

    def __init__(self, broker: Broker, identity: Identity, topic: str, certificate_file: Path) -> None:
        self.heard: list[bytes] = []
        self._came = threading.Condition()
        self._subscribed = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=identity.source.client_id, protocol=MQTTProtocolVersion.MQTTv311
        )
        self._client.tls_set_context(tls_context(broker, identity, certificate_file))
        self._client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()

    def __enter__(self) -> Self:
        assert self._subscribed.wait(60), "the listener could not subscribe"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def wait_for(self, condition: Callable[[list[bytes]], bool]) -> list[bytes]:
        with self._came:
            assert self._came.wait_for(lambda: condition(self.heard), 20), f"heard only {len(self.heard)} messages"
            return list(self.heard)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        with self._came:
            self.heard.append(bytes(message.payload))
            self._came.notify_all()
