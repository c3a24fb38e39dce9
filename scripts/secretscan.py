"""Search every file of the repository for secrets, with detect-secrets.

`python -m scripts.secretscan` fails on what looks like a secret and is not in `.secrets.toml`, and on entries
there that are no longer found. An entry names a file, the detector, the values (by the first digits of their
SHA-1) and why they are none; a value that is none wherever it stands has the path `*`.
"""

import hashlib
import importlib.metadata
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings, get_settings

REPOSITORY = Path(__file__).resolve().parents[1]
BASELINE = ".secrets.toml"
_DIGITS = 12
# A comment in the file could hide a secret there without a reason; entries have one.
_FILTER_OF_COMMENTS = "detect_secrets.filters.allowlist.is_line_allowlisted"


class BaselineError(Exception):
    """The baseline's file is not as it must be; the message names the entry."""


@dataclass(frozen=True, order=True)
class Secret:
    """Something that looks like a secret.

    Attributes:
        path: The file, relative to the repository; in the baseline also `*`, any file.
        kind: What detect-secrets calls it.
        digest: The first digits of its SHA-1.
    """

    path: str
    kind: str
    digest: str


def scan(repository: Path, cache: Path | None = None) -> dict[Secret, int]:
    """Every candidate in the files that git tracks or would add, and its line (the last, if in several).

    Args:
        repository: The folder of a git repository.
        cache: File that keeps what was found, by path and content; what has not changed is not scanned again.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=repository,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    # What decides the result besides a file's path and content.
    version = f"{importlib.metadata.version('detect-secrets')} {_sha256(Path(__file__))}"
    known = _read_cache(cache, version)
    seen: dict[str, list[list[Any]]] = {}
    found: dict[Secret, int] = {}
    with default_settings():
        get_settings().disable_filters(_FILTER_OF_COMMENTS)
        for name in sorted(filter(None, listed.split("\0"))):
            path = repository / name
            # The baseline's own digests would be found. A link is scanned where it leads; a file may be
            # deleted and the deletion not committed.
            if name == BASELINE or path.is_symlink() or not path.is_file():
                continue
            key = f"{name} {_sha256(path)}"
            seen[key] = known[key] if key in known else _scan_file(path)
            found |= {Secret(name, kind, digest): line for kind, digest, line in seen[key]}
    if cache is not None:
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_text(json.dumps({"version": version, "files": seen}), encoding="utf-8")
    return found


def accepted(baseline: str) -> set[Secret]:
    """The candidates that a baseline, TOML, says are none.

    Raises:
        BaselineError: When an entry lacks something, or has no reason.
    """
    secrets: set[Secret] = set()
    for number, entry in enumerate(tomllib.loads(baseline).get("accepted", []), start=1):
        if set(entry) != {"path", "kind", "digests", "reason"} or not str(entry["reason"]).strip():
            raise BaselineError(
                f"{BASELINE}: accepted[{number}] must have path, kind, digests and a reason, "
                f"got {', '.join(f'{key} {value!r}' for key, value in sorted(entry.items()))}"
            )
        secrets |= {Secret(entry["path"], entry["kind"], digest) for digest in entry["digests"]}
    return secrets


def complaints(found: Mapping[Secret, int], expected: Iterable[Secret]) -> list[str]:
    """What is wrong: candidates that the baseline does not know, and entries that are not found."""
    expected = set(expected)
    everywhere = {replace(secret, path="*") for secret in found}
    return [
        *(
            f"{secret.path}:{line}: {secret.kind}, digest {secret.digest}: take it out, and change it where "
            f"it is valid; or, if it is none, say why in {BASELINE}"
            for secret, line in sorted(found.items())
            if not {secret, replace(secret, path="*")} & expected
        ),
        *(
            f"{BASELINE}: {secret.path} has no {secret.kind} with digest {secret.digest}; delete it"
            for secret in sorted(expected - set(found) - everywhere)
        ),
    ]


def main(arguments: Sequence[str] | None = None, repository: Path = REPOSITORY) -> int:
    """Scan, print what is wrong, and return the exit code."""
    if arguments:
        print("usage: python -m scripts.secretscan", file=sys.stderr)
        return 2
    try:
        expected = accepted((repository / BASELINE).read_text(encoding="utf-8"))
    except BaselineError as error:
        print(f"secretscan: {error}", file=sys.stderr)
        return 1
    wrong = complaints(scan(repository, repository / "build" / "secretscan.json"), expected)
    for complaint in wrong:
        print(f"secretscan: {complaint}")
    return 1 if wrong else 0


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _scan_file(path: Path) -> list[list[Any]]:
    return [[each.type, each.secret_hash[:_DIGITS], each.line_number] for each in scan_file(str(path))]


def _read_cache(cache: Path | None, version: str) -> dict[str, list[list[Any]]]:
    try:
        content = json.loads(cache.read_text(encoding="utf-8")) if cache else {}
    except (FileNotFoundError, ValueError):
        return {}
    files: dict[str, list[list[Any]]] = content.get("files", {}) if content.get("version") == version else {}
    return files


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
