"""What an environment's folder says of the lake that it will apply: read from its files, without Terraform."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from factory_lake.doctor.model import Known, Unknown
from factory_lake.errors import LakeError
from factory_lake.gateway.identities import LANES

PACKAGES = ("transform.zip", "clip_fetch.zip")
#: Digests of a release's packages, as it puts them beside (docs/upgrading.md).
CODE_HASHES = "source_code_hashes.json"
_MIN_RSA_BITS = 2048
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_MAX_CSR = 4096


@dataclass(frozen=True)
class Request:
    """A file below `csr/`, and what is wrong with it; empty when nothing is."""

    client_id: str
    file: str
    problem: str


@dataclass(frozen=True)
class Environment:
    """The plan in numbers and names."""

    folder: str
    name: str
    suffix: str  # of bucket names; empty for the account
    account: str  # that the settings name; empty where they name none
    region: str
    terraform: str  # the version that it requires, as `>= 1.11`
    backend: Known[str]  # the state's bucket; empty where the state is no object
    factories: Known[Mapping[str, Mapping[str, Any]]]
    packages: Mapping[str, str]  # what is wrong with each package; empty when nothing is
    packages_dir: str
    csr_dir: str
    requests: tuple[Request, ...]

    @property
    def client_ids(self) -> Iterator[str]:
        """The client IDs of all gateways of the plan."""
        if not isinstance(self.factories, Unknown):
            for factory, settings in self.factories.items():
                for gateway in settings.get("gateways") or []:
                    yield from (f"{factory}-{gateway}-{lane}" for lane in LANES)


def read_environment(folder: Path) -> Environment:
    """Read a folder.

    Raises:
        LakeError: It is no environment's folder.
    """
    if not folder.is_dir() or not any(folder.glob("*.tf")):
        raise LakeError(folder, "must be an environment's folder (*.tf)")
    blocks = [_loaded(file) for file in sorted(folder.glob("*.tf"))]
    settings: dict[str, Any] = {}
    for file in sorted(folder.glob("*.auto.tfvars")):
        settings |= _plain(_loaded(file))
    for file in sorted(folder.glob("*.auto.tfvars.json")):
        settings |= json.loads(file.read_text(encoding="utf-8"))
    calls = [_plain(call) for block in blocks for one in block.get("module", []) for call in one.values()]
    lakes = [call for call in calls if str(call.get("source", "")).endswith("modules/lake")]
    if len(lakes) != 1:
        raise LakeError(folder, f"must have one call of modules/lake, got {len(lakes)}")
    (call,) = lakes
    terraform = [_plain(one) for block in blocks for one in block.get("terraform", [])]
    packages_dir = _folder(folder, settings.get("packages_dir"), "../../build/packages")
    csr_dir = _folder(folder, settings.get("csr_dir"), "csr")
    return Environment(
        folder=str(folder),
        name=str(call.get("name", "")),
        suffix="" if "${" in str(call.get("suffix", "")) else str(call.get("suffix", "")),
        account=str(settings.get("account_id", "")),
        region=str(settings.get("region", "")),
        terraform=next((str(one["required_version"]) for one in terraform if "required_version" in one), ""),
        backend=_backend(folder, terraform),
        factories=_factories(call, blocks, settings),
        packages={name: _package_problem(packages_dir, name) for name in PACKAGES},
        packages_dir=str(packages_dir),
        csr_dir=str(csr_dir),
        requests=tuple(_requests(csr_dir)),
    )


def _loaded(file: Path) -> dict[str, Any]:
    import hcl2  # here: the help of all commands imports this module

    try:
        return dict(hcl2.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise LakeError(file, f"cannot be read: {error}") from error
    except Exception as error:  # the parser's own errors have no common base
        raise LakeError(file, f"must be HCL ({type(error).__name__})") from error


def _plain(value: Any) -> Any:
    """A parsed value without the parser's marks and quotes."""
    if isinstance(value, dict):
        return {str(key).strip('"'): _plain(one) for key, one in value.items() if not str(key).startswith("__")}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value[1:-1] if isinstance(value, str) and re.fullmatch('".*"', value, re.DOTALL) else value


def _factories(
    call: Mapping[str, Any], blocks: list[dict[str, Any]], settings: Mapping[str, Any]
) -> Known[Mapping[str, Mapping[str, Any]]]:
    """The map of factories, where it is written down as it is."""
    given = call.get("factories")
    if isinstance(given, str) and (found := re.fullmatch(r"\$\{(local|var)\.(\w+)\}", given)):
        if found[1] == "var":
            given = settings.get(found[2])
        else:
            every = [_plain(one) for block in blocks for one in block.get("locals", [])]
            given = next((one[found[2]] for one in every if found[2] in one), None)
    if not isinstance(given, dict) or not all(isinstance(one, dict) for one in given.values()):
        return Unknown("the map of factories is computed, and only a plan knows it")
    return given


def _backend(folder: Path, terraform: list[dict[str, Any]]) -> Known[str]:
    declared: dict[str, Any] = {
        kind: body for one in terraform for each in one.get("backend", []) for kind, body in each.items()
    }
    if "s3" not in declared:
        return ""
    given = _plain(_loaded(folder / "backend.hcl")) if (folder / "backend.hcl").is_file() else {}
    bucket = given.get("bucket") or declared["s3"].get("bucket")
    return str(bucket) if bucket else Unknown(f"{folder / 'backend.hcl'} is not there")


def _folder(folder: Path, given: object, otherwise: str) -> Path:
    return Path(str(given)) if given else (folder / otherwise).resolve()


def _package_problem(folder: Path, name: str) -> str:
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    try:
        known = json.loads((folder / CODE_HASHES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    if not isinstance(known, dict) or name not in known or known[name] == digest:
        return ""
    return f"has the digest {digest}, and {CODE_HASHES} says {known[name]}"


def _requests(folder: Path) -> Iterator[Request]:
    for file in sorted(folder.glob("*/*.pem")):
        yield Request(file.parent.name, str(file), _request_problem(file))


def _request_problem(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return "must be text in UTF-8"
    if "PRIVATE KEY" in text:
        return "holds a private key, which must never leave the gateway: make a new one"
    if "BEGIN NEW CERTIFICATE REQUEST" in text:
        return "says BEGIN NEW CERTIFICATE REQUEST: take the word NEW out of its first and its last line"
    begins = text.count("BEGIN CERTIFICATE REQUEST")
    if begins != 1:
        return f"must hold one certificate signing request, got {begins}"
    try:
        request = x509.load_pem_x509_csr(text[text.index("-----BEGIN") :].encode())
        key = request.public_key()
        is_signed = request.is_signature_valid
    except (ValueError, TypeError, InvalidSignature) as error:
        return f"must be a certificate signing request ({type(error).__name__})"
    if not is_signed:
        return "must be signed by its own key"
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _MIN_RSA_BITS:
        return f"must have an RSA key of {_MIN_RSA_BITS} bits or more, got {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name not in _CURVES:
        return f"must have a key on {', '.join(_CURVES)}, got {key.curve.name}"
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return "must have an RSA or an ECC key"
    return f"must be at most {_MAX_CSR} characters, got {len(text)}" if len(text) > _MAX_CSR else ""
