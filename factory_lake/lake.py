"""What `--lake` names: a lake on AWS or a local one, and its outputs.

It may be

- an environment's folder: `terraform output -json` reads the outputs of its state;
- a file that holds what `terraform output -json` printed, or the same reduced to `{name: value}`;
- a local lake's folder: its `lake.json` holds the outputs and how the lake is reached.

Without `--lake`, the environment variable `FACTORY_LAKE` names the lake; without that, it is the local lake
that is up in `build/local`.
"""

import json
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from factory_lake.errors import LakeError

VARIABLE = "FACTORY_LAKE"
#: The file in a local lake's folder that holds everything about it.
LOCAL_FILE = "lake.json"
#: Where `make up` puts a local lake.
DEFAULT_LOCAL = Path("build/local")

_CONNECT_SECONDS = 2.0
# Reading a remote state takes seconds; this long means that it does not answer.
_TERRAFORM_SECONDS = 90


class Outputs(dict[str, Any]):
    """A lake's outputs, name to value."""

    def __init__(self, values: Mapping[str, Any], place: object) -> None:
        super().__init__(values)
        self.place = str(place)


@dataclass(frozen=True)
class LocalAccess:
    """How a local lake is reached, and where its gateways' files are."""

    endpoint: str  # base URL of every AWS service
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    ca_file: Path  # PEM that verifies the MQTT broker's certificate
    mqtt_host: str
    mqtt_port: int
    key_dir: Path
    journal_dir: Path

    def write(self, folder: Path, outputs: Mapping[str, Any]) -> None:
        """Describe the lake in its folder, so that `--lake FOLDER` finds it."""
        access = {name: str(value) for name, value in vars(self).items()}
        document = {"access": {**access, "mqtt_port": self.mqtt_port}, "outputs": dict(outputs)}
        partial = folder / f"{LOCAL_FILE}.partial"
        partial.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        partial.replace(folder / LOCAL_FILE)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `write` wrote.

        Raises:
            KeyError: When something is missing.
        """
        texts = {
            name: str(values[name])
            for name in ("endpoint", "region", "access_key_id", "secret_access_key", "mqtt_host")
        }
        paths = {name: Path(values[name]) for name in ("ca_file", "key_dir", "journal_dir")}
        return cls(**texts, **paths, mqtt_port=int(values["mqtt_port"]))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Lake:
    """A lake that commands work with."""

    place: str  # what the user named, for messages
    outputs: Outputs
    local: LocalAccess | None = None  # how it is reached, when it is a local one; None on AWS

    @property
    def key_dir(self) -> Path | None:
        """Where the gateways' keys are, when the lake says so."""
        return self.local.key_dir if self.local else None

    @property
    def journal_dir(self) -> Path | None:
        """Where the gateways' journals are, when the lake says so."""
        return self.local.journal_dir if self.local else None


def open_lake(given: Path | None) -> Lake:
    """Read the lake that `--lake` or `FACTORY_LAKE` names, or else the local lake that is up.

    Raises:
        LakeError: When there is none, or it cannot be read, or is a local lake that does not run.
    """
    if given is None:
        if not (DEFAULT_LOCAL / LOCAL_FILE).is_file():
            raise LakeError(
                f"--lake (or {VARIABLE})",
                f"must name a lake, since no local one is up in {DEFAULT_LOCAL}: "
                "an environment's folder, a file of outputs or a local lake's folder",
            )
        given = DEFAULT_LOCAL
    if (given / LOCAL_FILE).is_file():
        return _local(given)
    if given.is_dir():
        if not any(given.glob("*.tf")):
            raise LakeError(
                given, f"must be an environment's folder (*.tf) or that of a local lake that is up ({LOCAL_FILE})"
            )
        return Lake(str(given), _applied(given))
    return Lake(str(given), _saved(given))


def output_at(outputs: Mapping[str, Any], *path: str) -> Any:
    """A lake's output, or what lies at a path inside it.

    Raises:
        LakeError: When there is none.
    """
    place = getattr(outputs, "place", "Terraform's outputs")
    found: Any = outputs
    for depth, name in enumerate(path, start=1):
        if not isinstance(found, Mapping) or name not in found:
            raise LakeError(place, f"must have the output {'.'.join(path[:depth])}; was the environment applied?")
        found = found[name]
    return found


def mapping_at(outputs: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """A lake's output that is a map, or a map inside it.

    Raises:
        LakeError: When there is none.
    """
    found = output_at(outputs, *path)
    if not isinstance(found, Mapping):
        raise LakeError(getattr(outputs, "place", "Terraform's outputs"), f"the output {'.'.join(path)} must be a map")
    return found


def owner_of(outputs: Mapping[str, Any], factory: str, lane: str) -> tuple[str, str]:
    """Partition and account of a lake, of the ARN of a lane's role.

    Raises:
        LakeError: When there is none.
    """
    arn = str(output_at(outputs, "roles", factory, lane, "rule"))
    _, partition, _, _, account, *_ = [*arn.split(":"), "", "", "", "", ""]
    return partition, account


def cameras_of(outputs: Mapping[str, Any]) -> dict[str, str]:
    """The lake's cameras as `<factory>/<camera>`, in order, and their video streams.

    Raises:
        LakeError: When the output `video` is missing.
    """
    return {
        f"{factory}/{camera}": str(stream)
        for factory in sorted(mapping_at(outputs, "video"))
        for camera, stream in sorted(mapping_at(outputs, "video", factory, "streams").items())
    }


def alarms_of(outputs: Mapping[str, Any], factory: str) -> list[str]:
    """Names of a factory's alarms in CloudWatch, in order; none of a lake that has no such output."""
    return sorted(set(_leaves(outputs.get("alarms", {}).get(factory, {}))))


def _leaves(value: Any) -> Iterator[str]:
    """The names that a map of alarms has, at any depth."""
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _leaves(one)
    else:
        yield str(value)


def outputs_of(document: object, place: object) -> Outputs:
    """The lake's outputs that a JSON document holds.

    Args:
        document: What `terraform output -json` prints, whose one output `lake` holds them all; what
            `terraform output -json lake` prints; or `{name: {"value": ...}}` of a root module that has an
            output for each.
        place: Where it was read.

    Raises:
        LakeError: When it is no object.
    """
    if not isinstance(document, Mapping):
        raise LakeError(place, "must hold a JSON object, as `terraform output -json` prints it")
    values = {
        name: entry["value"] if isinstance(entry, dict) and {"value", "sensitive"} <= entry.keys() else entry
        for name, entry in document.items()
    }
    inside = values.get("lake")
    return Outputs(inside if values.keys() == {"lake"} and isinstance(inside, dict) else values, place)


def _saved(file: Path) -> Outputs:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise LakeError(
            file, "must be an environment's folder, a file of outputs or a local lake's folder; it is not there"
        ) from error
    except OSError as error:
        raise LakeError(file, f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise LakeError(file, f"must hold what `terraform output -json` prints: {error}") from error
    return outputs_of(document, file)


def _local(folder: Path) -> Lake:
    file = folder / LOCAL_FILE
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        access = LocalAccess.from_json(document["access"])
        outputs = Outputs(document["outputs"], file)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LakeError(
            file, f"must be what `factory-lake local up` writes: {type(error).__name__}: {error}"
        ) from error
    where = urlsplit(access.endpoint)
    try:
        socket.create_connection((where.hostname or "", where.port or 80), _CONNECT_SECONDS).close()
    except OSError as error:
        raise LakeError(
            folder,
            f"the local lake must be up, but {access.endpoint} does not answer; `factory-lake local up` starts it",
        ) from error
    return Lake(str(folder), outputs, access)


def _applied(folder: Path) -> Outputs:
    command = ["terraform", f"-chdir={folder}", "output", "-json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TERRAFORM_SECONDS)
    except FileNotFoundError as error:
        raise LakeError(
            folder, "terraform must be on PATH, since it reads the environment's outputs; or name a file of outputs"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise LakeError(folder, f"`terraform output` must answer within {_TERRAFORM_SECONDS} s") from error
    if done.returncode:
        said = " ".join(line.strip(" │╷╵") for line in done.stderr.splitlines() if line.strip(" │╷╵"))
        raise LakeError(folder, f"`terraform output` must work here; it says: {said or 'nothing'}")
    try:
        document = json.loads(done.stdout)
    except ValueError as error:
        raise LakeError(folder, f"`terraform output -json` must print JSON: {error}") from error
    return outputs_of(document, folder)
