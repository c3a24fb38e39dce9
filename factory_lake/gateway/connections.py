"""From Terraform's outputs to identities that can connect: broker, client IDs, topics, certificates, keys."""

import re
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory_lake.gateway.csr import key_path
from factory_lake.gateway.errors import ConfigurationError
from factory_lake.gateway.identities import LANES, Source
from factory_lake.lake import mapping_at, output_at

MQTT_PORT = 8883
# On port 443 AWS IoT serves HTTPS and MQTT; a client says by ALPN which it means ("Protocols, port mappings,
# and authentication" in the AWS IoT Core developer guide).
_ALPN_PORT = 443
_ALPN_PROTOCOL = "x-amzn-mqtt-ca"


@dataclass(frozen=True)
class Broker:
    """An MQTT broker."""

    host: str
    port: int = MQTT_PORT  # 8883, or 443 where only that one is open (AWS IoT serves both)
    # PEM that verifies its certificate; None for the system's trust store, which has Amazon's roots.
    ca_file: Path | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Identity:
    """What one connection needs."""

    source: Source
    certificate: str  # PEM of the certificate that AWS IoT made from the CSR
    key_file: Path
    basic_ingest_topic: str | None = None  # the topic behind `$aws/rules/<rule>/`; None where the lake names none

    def topic(self, *, basic_ingest: bool = False) -> str:
        """Where to publish.

        Raises:
            ConfigurationError: When it shall be Basic Ingest's topic, and the lake names none.
        """
        if not basic_ingest:
            return self.source.topic
        if self.basic_ingest_topic is None:
            place = f"output gateways.{self.source.factory}.{self.source.gateway}.{self.source.lane}"
            rule = "must hold basic_ingest_topic for --basic-ingest; apply modules that have it"
            raise ConfigurationError(place, rule)
        return self.basic_ingest_topic


@dataclass(frozen=True)
class Connections:
    """Every identity of a lake whose key is here, and where they connect."""

    broker: Broker
    identities: tuple[Identity, ...]  # by factory, gateway and lane, in that order

    def identity(self, source: Source) -> Identity:
        """The identity of one source.

        Raises:
            ConfigurationError: When the lake has no such source.
        """
        for identity in self.identities:
            if identity.source == source:
                return identity
        known = ", ".join(str(identity.source) for identity in self.identities)
        raise ConfigurationError("the lake", f"has no gateway {source}; it has {known}")

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source, in order."""
        return tuple(identity.source for identity in self.identities)


def sources_of(outputs: Mapping[str, Any]) -> tuple[Source, ...]:
    """Every source of the output `gateways`, by factory, gateway and lane, in that order.

    Raises:
        LakeError: When the output is missing.
        ConfigurationError: When the lake has no gateway.
    """
    sources = tuple(
        Source(factory, gateway, lane)
        for factory in sorted(mapping_at(outputs, "gateways"))
        for gateway in sorted(mapping_at(outputs, "gateways", factory))
        for lane in LANES
    )
    if not sources:
        raise ConfigurationError("output gateways", "must have a gateway; the lake has none")
    return sources


def load_connections(
    outputs: Mapping[str, Any], key_dir: Path, broker: Broker, only: Collection[Source] | None = None
) -> Connections:
    """Read the output `gateways` and find the keys that belong to it, or to some of its sources.

    Of several certificates (a rotation), the last name in alphabetical order whose key is in `key_dir` is
    used: with names that are dates, the newest.

    Raises:
        LakeError: When the output is missing.
        ConfigurationError: When a gateway has no certificate whose key is here, or a key does not fit its
            certificate.
    """
    identities = [
        _identity(source, output_at(outputs, "gateways", source.factory, source.gateway, source.lane), key_dir)
        for source in sources_of(outputs)
        if only is None or source in only
    ]
    return Connections(broker, tuple(identities))


def tls_context(broker: Broker, identity: Identity, certificate_file: Path) -> ssl.SSLContext:
    """Make a context that verifies the broker and shows the identity's certificate, in a file for OpenSSL.

    Raises:
        ConfigurationError: When a file cannot be used.
    """
    try:
        certificate_file.parent.mkdir(parents=True, exist_ok=True)
        certificate_file.write_text(identity.certificate, encoding="ascii")
        return client_context(broker, certificate_file, identity.key_file)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            identity.source.client_id,
            f"certificate authority {broker.ca_file or 'of the system'} or key {identity.key_file} "
            f"cannot be used: {error}",
        ) from error


def client_context(broker: Broker, certificate_file: Path, key_file: Path) -> ssl.SSLContext:
    """Make a context that verifies the broker and shows a certificate.

    Raises:
        OSError, ValueError: When a file cannot be used.
    """
    context = ssl.create_default_context(cafile=str(broker.ca_file) if broker.ca_file else None)
    context.load_cert_chain(certificate_file, key_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if broker.port == _ALPN_PORT:
        context.set_alpn_protocols([_ALPN_PROTOCOL])
    return context


def _identity(source: Source, entry: Mapping[str, Any], key_dir: Path) -> Identity:
    place = f"output gateways.{source.factory}.{source.gateway}.{source.lane}"
    try:
        given = (entry["client_id"], entry["topic"])
        certificates: dict[str, str] = entry["certificate_pems"]
    except (KeyError, TypeError) as error:
        raise ConfigurationError(place, "must hold client_id, topic and certificate_pems") from error
    if given != (source.client_id, source.topic):
        raise ConfigurationError(place, f"must be {source.client_id} on {source.topic}", " on ".join(map(str, given)))
    basic = entry.get("basic_ingest_topic")
    if basic is not None and not re.fullmatch(rf"\$aws/rules/\w+/{re.escape(source.topic)}", str(basic), re.ASCII):
        raise ConfigurationError(f"{place}.basic_ingest_topic", f"must be $aws/rules/<rule>/{source.topic}", basic)
    for file in sorted(certificates, reverse=True):
        key_file = key_path(key_dir, source.client_id, Path(file).stem)
        if key_file.exists():
            _check_pair(certificates[file], key_file)
            return Identity(source, certificates[file], key_file, basic)
    raise ConfigurationError(
        key_dir / source.client_id,
        f"must hold the key of one of {source.client_id}'s certificates: {sorted(certificates)}",
    )


def _check_pair(certificate: str, key_file: Path) -> None:
    # Here: all commands import this module, and few connect.
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        of_certificate = x509.load_pem_x509_certificate(certificate.encode()).public_key()
        of_key = load_pem_private_key(key_file.read_bytes(), password=None).public_key()
    except (ValueError, TypeError) as error:
        raise ConfigurationError(key_file, f"must be PEM, and its certificate too: {error}") from error
    encoding = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if of_certificate.public_bytes(*encoding) != of_key.public_bytes(*encoding):
        raise ConfigurationError(key_file, "must be the key of its certificate; which file was replaced?")
