import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from factory_lake.cli import main
from factory_lake.gateway.csr import KeyType, make_csr
from factory_lake.gateway.errors import ConfigurationError

CLIENT_ID = "krakow-line-1-measurements"


@pytest.mark.parametrize("key_type", ["ec", "rsa"])
def test_key_and_request_belong_together_and_the_key_is_its_owners_alone(tmp_path: Path, key_type: KeyType) -> None:
    made = make_csr(CLIENT_ID, "2026-03-04", tmp_path / "csr", tmp_path / "keys", key_type)

    assert made.csr == tmp_path / "csr" / CLIENT_ID / "2026-03-04.pem"
    assert made.key == tmp_path / "keys" / CLIENT_ID / "2026-03-04.key"
    request = x509.load_pem_x509_csr(made.csr.read_bytes())
    key = load_pem_private_key(made.key.read_bytes(), password=None)
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.key.parent.stat().st_mode) == 0o700
    assert request.is_signature_valid
    assert request.public_key() == key.public_key()
    assert request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == CLIENT_ID
    if key_type == "ec":
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        assert isinstance(key.curve, ec.SECP256R1)
    else:
        assert isinstance(key, rsa.RSAPrivateKey)
        assert key.key_size == 2048


@pytest.mark.parametrize("kept", ["csr", "keys"])
def test_nothing_is_overwritten(tmp_path: Path, kept: str) -> None:
    """Not even one of the two: its other half may be in use."""
    first = make_csr(CLIENT_ID, "a", tmp_path / "csr", tmp_path / "keys")
    (first.key if kept == "csr" else first.csr).unlink()
    remaining = first.csr if kept == "csr" else first.key
    content = remaining.read_bytes()

    with pytest.raises(ConfigurationError, match=f"{remaining} exists and is not overwritten"):
        make_csr(CLIENT_ID, "a", tmp_path / "csr", tmp_path / "keys")

    assert remaining.read_bytes() == content


@pytest.mark.parametrize("name", ["", "../a", "a/b", ".hidden", "x" * 65, "ä"])
def test_names_that_are_no_file_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="certificate name must be"):
        make_csr(CLIENT_ID, name, tmp_path / "csr", tmp_path / "keys")
    assert not list(tmp_path.iterdir())


def test_a_long_client_id_fits_the_common_name(tmp_path: Path) -> None:
    made = make_csr(f"{'f' * 32}-{'g' * 32}-measurements", "a", tmp_path / "csr", tmp_path / "keys")
    (name,) = x509.load_pem_x509_csr(made.csr.read_bytes()).subject
    assert len(name.value) == 64


def test_command_makes_several_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = ("--csr-dir", str(tmp_path / "csr"), "--key-dir", str(tmp_path / "keys"), "--name", "a")
    both = ("--client-id", CLIENT_ID, "--client-id", "krakow-line-1-configuration")

    assert main(["gateway", "csr", *both, *folders]) == 0

    printed = capsys.readouterr().out
    assert str(tmp_path / "keys" / CLIENT_ID / "a.key") in printed
    assert (tmp_path / "csr" / "krakow-line-1-configuration" / "a.pem").exists()
    assert "PRIVATE" not in printed

    assert main(["gateway", "csr", *both, *folders]) == 2
    assert "is not overwritten" in capsys.readouterr().err
