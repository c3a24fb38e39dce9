import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from factory_lake.gateway.connections import Broker, Identity, load_connections, tls_context
from factory_lake.gateway.csr import make_csr
from factory_lake.gateway.errors import ConfigurationError
from factory_lake.gateway.identities import LANES, Source

BROKER = Broker("localhost", 8883)
PRESS = Source("krakow", "line-1", "measurements")


def certificate_from(csr: Path) -> str:
    """A certificate for a CSR, as AWS IoT would make one."""
    request = x509.load_pem_x509_csr(csr.read_bytes())
    today = datetime.datetime(2026, 3, 4, tzinfo=datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(request.subject)
        .public_key(request.public_key())
        .serial_number(1)
        .not_valid_before(today)
        .not_valid_after(today + datetime.timedelta(days=365))
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
        .public_bytes(Encoding.PEM)
        .decode()
    )


def outputs_of(tmp_path: Path, *sources: Source, names: tuple[str, ...] = ("first",)) -> dict[str, Any]:
    """What Terraform puts out for gateways whose CSRs were made just now."""
    gateways: dict[str, Any] = {}
    for source in sources:
        certificates = {}
        for name in names:
            made = make_csr(source.client_id, name, tmp_path / "csr", tmp_path / "keys")
            certificates[f"{name}.pem"] = certificate_from(made.csr)
        lanes = gateways.setdefault(source.factory, {}).setdefault(source.gateway, {})
        lanes[source.lane] = {"client_id": source.client_id, "topic": source.topic, "certificate_pems": certificates}
    return {"iot_endpoint": "abc-ats.iot.eu-central-1.amazonaws.com", "gateways": gateways}


def both_lanes(factory: str, gateway: str) -> list[Source]:
    return [Source(factory, gateway, lane) for lane in LANES]


def test_every_identity_of_the_lake(tmp_path: Path) -> None:
    sources = [*both_lanes("krakow", "line-1"), *both_lanes("krakow", "line-2"), *both_lanes("lyon", "press-shop")]
    outputs = outputs_of(tmp_path, *reversed(sources))
    connections = load_connections(outputs, tmp_path / "keys", BROKER)
    assert connections.sources == tuple(sources)
    assert connections.broker == BROKER
    identity = connections.identity(PRESS)
    assert identity.key_file == tmp_path / "keys" / PRESS.client_id / "first.key"
    assert identity.certificate.startswith("-----BEGIN CERTIFICATE-----")


def test_of_some_sources_alone_the_keys_have_to_be_here(tmp_path: Path) -> None:
    outputs = outputs_of(tmp_path, *both_lanes("krakow", "line-1"), *both_lanes("lyon", "press-shop"))
    (tmp_path / "keys" / "lyon-press-shop-measurements" / "first.key").unlink()
    assert load_connections(outputs, tmp_path / "keys", BROKER, [PRESS]).sources == (PRESS,)


def test_a_rotation_uses_the_last_name_whose_key_is_here(tmp_path: Path) -> None:
    outputs = outputs_of(tmp_path, *both_lanes("krakow", "line-1"), names=("2026-01-01", "2026-06-01", "2027-01-01"))
    keys = tmp_path / "keys"
    (keys / PRESS.client_id / "2027-01-01.key").unlink()  # that one was made on the gateway itself
    assert load_connections(outputs, keys, BROKER).identity(PRESS).key_file.name == "2026-06-01.key"


def test_a_gateway_without_key_is_named(tmp_path: Path) -> None:
    outputs = outputs_of(tmp_path, *both_lanes("krakow", "line-1"))
    (tmp_path / "keys" / PRESS.client_id / "first.key").unlink()
    with pytest.raises(ConfigurationError, match=r"one of krakow-line-1-measurements's certificates: \['first.pem'\]"):
        load_connections(outputs, tmp_path / "keys", BROKER)


def test_a_key_of_another_certificate_is_named(tmp_path: Path) -> None:
    outputs = outputs_of(tmp_path, *both_lanes("krakow", "line-1"))
    one, other = (tmp_path / "keys" / source.client_id / "first.key" for source in both_lanes("krakow", "line-1"))
    one.write_bytes(other.read_bytes())
    with pytest.raises(ConfigurationError, match=f"{one} must be the key of its certificate"):
        load_connections(outputs, tmp_path / "keys", BROKER)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"gateways": None}, "gateways must have a gateway"),
        (
            {"gateways": {"krakow": {"line-1": {"measurements": {}}}}},
            "must hold client_id, topic and certificate_pems",
        ),
        ({"gateways": {"Krakow": {"line-1": {}}}}, "factory must be lower-case"),
    ],
)
def test_outputs_that_cannot_be_used(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    outputs = {"iot_endpoint": "x", **change}
    outputs["gateways"] = outputs["gateways"] or {}
    with pytest.raises(ConfigurationError, match=complaint):
        load_connections(outputs, tmp_path / "keys", BROKER)


def test_a_foreign_topic_is_not_believed(tmp_path: Path) -> None:
    outputs = outputs_of(tmp_path, *both_lanes("krakow", "line-1"))
    outputs["gateways"]["krakow"]["line-1"]["measurements"]["topic"] = "factories/lyon/line-1/measurements"
    with pytest.raises(
        ConfigurationError, match=r"gateways\.krakow\.line-1\.measurements must be krakow-line-1-measurements on"
    ):
        load_connections(outputs, tmp_path / "keys", BROKER)


def test_the_topic_of_basic_ingest_is_taken_where_it_fits(tmp_path: Path) -> None:
    outputs = outputs_of(tmp_path, *both_lanes("krakow", "line-1"))
    entry = outputs["gateways"]["krakow"]["line-1"]["measurements"]
    assert load_connections(outputs, tmp_path / "keys", BROKER).identity(PRESS).basic_ingest_topic is None
    entry["basic_ingest_topic"] = f"$aws/rules/lake__krakow__measurements/{PRESS.topic}"
    identity = load_connections(outputs, tmp_path / "keys", BROKER).identity(PRESS)
    assert identity.topic(basic_ingest=True) == entry["basic_ingest_topic"]
    assert identity.topic() == PRESS.topic


@pytest.mark.parametrize(
    "topic",
    [
        "",
        PRESS.topic,
        f"$aws/rules//{PRESS.topic}",
        f"$aws/rules/a/b/{PRESS.topic}",
        f"$aws/rules/a/{PRESS.topic}/x",
        "$aws/rules/a/factories/lyon/line-1/measurements",
        5,
    ],
)
def test_a_foreign_topic_of_basic_ingest_is_not_believed(tmp_path: Path, topic: object) -> None:
    outputs = outputs_of(tmp_path, *both_lanes("krakow", "line-1"))
    outputs["gateways"]["krakow"]["line-1"]["measurements"]["basic_ingest_topic"] = topic
    with pytest.raises(ConfigurationError, match=r"measurements\.basic_ingest_topic must be \$aws/rules/<rule>/fact"):
        load_connections(outputs, tmp_path / "keys", BROKER)


def test_unknown_sources_are_refused(tmp_path: Path) -> None:
    connections = load_connections(outputs_of(tmp_path, *both_lanes("krakow", "line-1")), tmp_path / "keys", BROKER)
    with pytest.raises(ConfigurationError, match="the lake has no gateway lyon/x/measurements; it has krakow/line-1"):
        connections.identity(Source("lyon", "x", "measurements"))


def test_a_ca_file_that_is_not_there(tmp_path: Path) -> None:
    outputs = outputs_of(tmp_path, *both_lanes("krakow", "line-1"))
    identity: Identity = load_connections(outputs, tmp_path / "keys", BROKER).identity(PRESS)
    with pytest.raises(ConfigurationError, match=r"certificate authority .*none\.pem"):
        tls_context(Broker("localhost", 8883, tmp_path / "none.pem"), identity, tmp_path / "x.crt")
