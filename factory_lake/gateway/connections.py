"""From Terraform's outputs to identities that can connect: broker, client IDs, topics, certificates, keys."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from factory_lake.gateway.csr import key_path
from factory_lake.gateway.errors import ConfigurationError
from factory_lake.gateway.identities import LANES, Lane, Source
from factory_lake.outputs import lake_outputs

MQTT_PORT = 8883
# On port 443 AWS IoT serves HTTPS and MQTT; a client says by ALPN which it means ("Protocols, port mappings,
# and authentication" in the AWS IoT Core developer guide).
_ALPN_PORT = 443
_ALPN_PROTOCOL = "x-amzn-mqtt-ca"


@dataclass(frozen=True)
class Broker:
    """An MQTT broker.

    Attributes:
        host: Its name or address, which its certificate must be for.
        port: 8883, or 443 where only that one is open (AWS IoT serves both).
        ca_file: PEM that verifies its certificate; None for the system's trust store, which has Amazon's
            roots.
    """

    host: str
    port: int = MQTT_PORT
    ca_file: Path | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Identity:
    """What one connection needs.

    Attributes:
        source: Whose it is.
        certificate: PEM of the certificate that AWS IoT made from the CSR.
        key_file: The private key.
    """

    source: Source
    certificate: str
    key_file: Path


@dataclass(frozen=True)
class Connections:
    """Every identity of a lake whose key is here, and where they connect.

    Attributes:
        broker: Where.
        identities: By factory, gateway and lane, in that order.
    """

    broker: Broker
    identities: tuple[Identity, ...]

    def identity(self, source: Source) -> Identity:
        """The identity of one source.

        Raises:
            ConfigurationError: When the lake has no such source.
        """
        for identity in self.identities:
            if identity.source == source:
                return identity
        known = ", ".join(str(identity.source) for identity in self.identities)
        raise ConfigurationError(f"the lake has no gateway {source}; it has {known}")

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source, in order."""
        return tuple(identity.source for identity in self.identities)


def load_connections(outputs: Mapping[str, Any], key_dir: Path, broker: Broker | None = None) -> Connections:
    """Read Terraform's outputs `iot_endpoint` and `gateways` and find the keys that belong to them.

    Of several certificates (a rotation), the last name in alphabetical order whose key is in `key_dir` is
    used: with names that are dates, the newest.

    Args:
        outputs: The lake's outputs, name to value.
        key_dir: The folder that `make_csr` put the keys in.
        broker: Where to connect, when it is not `iot_endpoint` at port 8883.

    Raises:
        ConfigurationError: When an output is missing, a gateway has no certificate whose key is here, or a
            key does not fit its certificate.
    """
    gateways = output_value(outputs, "gateways")
    where = broker or Broker(str(output_value(outputs, "iot_endpoint")))
    identities = [
        _identity(Source(factory, gateway, lane), gateways[factory][gateway], key_dir)
        for factory in sorted(gateways)
        for gateway in sorted(gateways[factory])
        for lane in LANES
    ]
    if not identities:
        raise ConfigurationError("Terraform's output gateways is empty: the lake has no gateway")
    return Connections(where, tuple(identities))


def read_outputs(path: Path) -> dict[str, Any]:
    """Read a file that `terraform output -json` wrote.

    Raises:
        ConfigurationError: When it cannot be read or is no JSON object.
    """
    try:
        outputs = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} must hold what `terraform output -json` prints: {error}") from error
    if not isinstance(outputs, dict):
        raise ConfigurationError(f"{path} must hold a JSON object, as `terraform output -json` prints it")
    return lake_outputs(outputs)


def output_value(outputs: Mapping[str, Any], name: str) -> Any:
    """One of Terraform's outputs.

    Raises:
        ConfigurationError: When there is none of that name.
    """
    if name not in outputs:
        raise ConfigurationError(f"Terraform's outputs have no {name!r}; was the environment applied?")
    return outputs[name]


def tls_context(broker: Broker, identity: Identity, certificate_file: Path) -> ssl.SSLContext:
    """A context that verifies the broker and shows the identity's certificate.

    Args:
        broker: Whom to trust.
        identity: Whose certificate and key to use.
        certificate_file: Where the certificate's PEM is written, since OpenSSL reads it from a file.

    Raises:
        ConfigurationError: When a file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=str(broker.ca_file) if broker.ca_file else None)
        certificate_file.parent.mkdir(parents=True, exist_ok=True)
        certificate_file.write_text(identity.certificate, encoding="ascii")
        context.load_cert_chain(certificate_file, identity.key_file)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{identity.source.client_id}: certificate authority {broker.ca_file or 'of the system'} "
            f"or key {identity.key_file} cannot be used: {error}"
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if broker.port == _ALPN_PORT:
        context.set_alpn_protocols([_ALPN_PROTOCOL])
    return context


def _identity(source: Source, lanes: Mapping[Lane, Any], key_dir: Path) -> Identity:
    try:
        entry = lanes[source.lane]
        told = (entry["client_id"], entry["topic"])
        certificates: dict[str, str] = entry["certificate_pems"]
    except (KeyError, TypeError) as error:
        raise ConfigurationError(
            f"Terraform's output gateways must hold client_id, topic and certificate_pems for {source}"
        ) from error
    if told != (source.client_id, source.topic):
        raise ConfigurationError(
            f"{source} must be {source.client_id} on {source.topic}, Terraform says {told}"
        )
    for file in sorted(certificates, reverse=True):
        key_file = key_path(key_dir, source.client_id, Path(file).stem)
        if key_file.exists():
            _check_pair(certificates[file], key_file)
            return Identity(source, certificates[file], key_file)
    raise ConfigurationError(
        f"{source.client_id} has certificates {sorted(certificates)}, but no key of theirs is in "
        f"{key_dir / source.client_id}"
    )


def _check_pair(certificate: str, key_file: Path) -> None:
    try:
        of_certificate = x509.load_pem_x509_certificate(certificate.encode()).public_key()
        of_key = load_pem_private_key(key_file.read_bytes(), password=None).public_key()
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{key_file} or its certificate is not PEM: {error}") from error
    encoding = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if of_certificate.public_bytes(*encoding) != of_key.public_bytes(*encoding):
        raise ConfigurationError(f"{key_file} is not the key of its certificate; which file was replaced?")
