"""Private keys that stay with the gateway, and the requests from which AWS IoT makes certificates.

AWS IoT makes certificates from CSRs whose key is RSA of at least 2048 bits or ECC on P-256, P-384 or P-521
(CreateCertificateFromCsr in the AWS IoT API reference). P-256 is the default: small, and quick on a small
gateway. RSA 2048 is for clients that cannot do ECC.

cryptography is imported where a key is made: most commands need the paths alone.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from factory_lake.gateway.errors import ConfigurationError
from factory_lake.gateway.identities import check_client_id

KeyType = Literal["ec", "rsa"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
# X.520 limits a common name to 64 characters; AWS IoT does not read it.
_COMMON_NAME_LENGTH = 64


@dataclass(frozen=True)
class KeyAndCsr:
    """Where a new key (PEM, PKCS 8, readable by its owner alone) and its request are."""

    key: Path
    csr: Path


def key_path(key_dir: Path, client_id: str, name: str) -> Path:
    """The private key that belongs to the CSR `<csr-dir>/<client ID>/<name>.pem`."""
    return key_dir / client_id / f"{name}.key"


def csr_path(csr_dir: Path, client_id: str, name: str) -> Path:
    """The CSR file that Terraform reads."""
    return csr_dir / client_id / f"{name}.pem"


def make_csr(client_id: str, name: str, csr_dir: Path, key_dir: Path, key_type: KeyType = "ec") -> KeyAndCsr:
    """Make a key and its CSR.

    The request becomes `<csr_dir>/<client_id>/<name>.pem`, the key `<key_dir>/<client_id>/<name>.key`, mode 0600. A
    second name beside the first is a rotation. Keys are P-256 (`ec`) or RSA with 2048 bits.

    Raises:
        ConfigurationError: When a name cannot be used, or one of the two files exists: a key that a
            certificate may depend on is never overwritten.
    """
    check_client_id(client_id)
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            "certificate name", "must be letters, digits, dots, hyphens and underscores, at most 64 characters", name
        )
    made = KeyAndCsr(key=key_path(key_dir, client_id, name), csr=csr_path(csr_dir, client_id, name))
    for path in (made.key, made.csr):
        if path.exists():
            raise ConfigurationError(path, "exists and is not overwritten; give the new certificate another --name")

    pem, request = new_request(client_id, key_type)
    # The key first: a CSR without its key would become a certificate without use.
    _write_new(made.key, pem, mode=0o600, folder_mode=0o700)
    _write_new(made.csr, request, mode=0o644, folder_mode=0o755)
    return made


def new_request(common_name: str, key_type: KeyType = "ec") -> tuple[bytes, bytes]:
    """Make a key (PEM, PKCS 8) and the request for its certificate (PEM)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.x509.oid import NameOID

    private = ec.generate_private_key(ec.SECP256R1()) if key_type == "ec" else rsa.generate_private_key(65537, 2048)
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:_COMMON_NAME_LENGTH])]))
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem, request.public_bytes(serialization.Encoding.PEM)


def _write_new(path: Path, content: bytes, mode: int, folder_mode: int) -> None:
    path.parent.mkdir(mode=folder_mode, parents=True, exist_ok=True)
    # O_EXCL: of two commands at the same time, one fails instead of taking the other's key away.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
