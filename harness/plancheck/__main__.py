"""`python -m harness.plancheck`: fail on findings that nothing explains, and on explanations of nothing."""

import dataclasses
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.commands import run_app
from harness.lake.terraform import REPOSITORY
from harness.plancheck.explanations import complaints, explanations
from harness.plancheck.findings import Block, CheckovError, Finding, Scan, scan
from harness.plancheck.plans import ENVIRONMENTS, SOURCES, make_plans

KEPT = REPOSITORY / "build" / "plancheck.json"
# Besides the Terraform sources, what decides the findings.
_DECIDING = ("harness/plancheck", "harness/lake/terraform.py", "requirements/checkov.txt")


def command(
    *,
    again: Annotated[
        bool, typer.Option("--again", help="Scan even if nothing has changed since the last scan.")
    ] = False,
) -> int:
    """Fail on findings of checkov that nothing explains, and on explanations of nothing."""
    found = current_scan(again=again)
    explained = list(explanations(REPOSITORY))
    wrong = complaints(found, explained)
    for complaint in wrong:
        print(f"plancheck: {complaint}")
    plans = " and ".join(ENVIRONMENTS)
    print(f"plancheck: {len(found.findings)} findings in {plans}, {len(explained)} explanations")
    return 1 if wrong else 0


def current_scan(*, again: bool = False) -> Scan:
    """A scan of the sources as they are; the last one, if nothing that decides it has changed."""
    fingerprint = _fingerprint()
    if not again and KEPT.exists():
        kept = json.loads(KEPT.read_text(encoding="utf-8"))
        if kept["fingerprint"] == fingerprint:
            return _read(kept["scan"])
    with tempfile.TemporaryDirectory(prefix="plancheck-") as workdir:
        found = scan(make_plans(Path(workdir)))
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    # A set is no JSON.
    content = {**dataclasses.asdict(found), "planned": [dataclasses.asdict(each) for each in sorted(found.planned)]}
    KEPT.write_text(json.dumps({"fingerprint": fingerprint, "scan": content}, indent=2), encoding="utf-8")
    return found


def _read(kept: dict[str, Any]) -> Scan:
    findings = (Finding(**{**each, "block": Block(**each["block"])}) for each in kept["findings"])
    return Scan(frozenset(Block(**each) for each in kept["planned"]), tuple(findings))


def _fingerprint() -> str:
    digest = hashlib.sha256()
    digest.update(subprocess.run(["terraform", "version"], capture_output=True, check=False).stdout)
    for file in sorted(_deciding_files()):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(REPOSITORY)}\0{content}\0".encode())
    return digest.hexdigest()


def _deciding_files() -> Iterator[Path]:
    for name in (*SOURCES, *_DECIDING):
        path = REPOSITORY / name
        for file in (path,) if path.is_file() else path.rglob("*"):
            made = {".terraform", "__pycache__"} & set(file.parts) or ".tfstate" in file.name
            if file.is_file() and not made and not file.name.endswith((".md", ".tftest.hcl")):
                yield file


if __name__ == "__main__":
    sys.exit(run_app(command, "harness.plancheck", None, CheckovError))
