"""`python -m tools.plancheck`: fail on findings without an explanation, and on explanations without a finding."""

import argparse
import dataclasses
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.lake.terraform import REPOSITORY, TerraformError
from tools.localcloud.processes import StartError
from tools.plancheck.explanations import complaints, explanations
from tools.plancheck.findings import Block, CheckovError, Finding, find
from tools.plancheck.plans import ENVIRONMENTS, SOURCES, make_plans

KEPT = REPOSITORY / "build" / "plancheck" / "findings.json"
# Besides the Terraform sources, what decides the findings.
_DECIDING = ("tools/plancheck", "tools/lake/terraform.py", "requirements/checkov.txt")


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, print what is wrong, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.plancheck", description=__doc__)
    parser.add_argument("--again", action="store_true", help="plan and scan even if nothing changed since the last time")
    again: bool = parser.parse_args(arguments).again
    try:
        findings = current_findings(again=again)
    except (CheckovError, StartError, TerraformError) as error:
        print(f"plancheck: {error}", file=sys.stderr)
        return 1
    explained = list(explanations(REPOSITORY))
    wrong = complaints(findings, explained)
    for complaint in wrong:
        print(f"plancheck: {complaint}")
    print(f"plancheck: {len(findings)} findings in the plans of {' and '.join(ENVIRONMENTS)}, {len(explained)} explanations, {len(wrong)} wrong")
    return 1 if wrong else 0


def current_findings(*, again: bool = False) -> list[Finding]:
    """The findings in the sources as they are: kept from the last scan, if nothing that decides them has changed.

    Args:
        again: Scan anyway.

    Raises:
        CheckovError: When checkov fails.
        StartError: When the local cloud does not come up.
        TerraformError: When an environment cannot be planned.
    """
    fingerprint = _fingerprint()
    if not again and KEPT.exists():
        kept = json.loads(KEPT.read_text(encoding="utf-8"))
        if kept["fingerprint"] == fingerprint:
            return [Finding(**{**each, "block": Block(**each["block"])}) for each in kept["findings"]]
    with tempfile.TemporaryDirectory(prefix="plancheck-") as workdir:
        findings = find(make_plans(Path(workdir)))
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    content = {"fingerprint": fingerprint, "findings": [dataclasses.asdict(each) for each in findings]}
    KEPT.write_text(json.dumps(content, indent=2), encoding="utf-8")
    return findings


def _fingerprint() -> str:
    digest = hashlib.sha256()
    version = subprocess.run(["terraform", "version", "-json"], cwd=REPOSITORY, capture_output=True, check=False).stdout
    digest.update(version)
    for file in sorted(_deciding_files()):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(REPOSITORY)}\0{content}\0".encode())
    return digest.hexdigest()


def _deciding_files() -> Iterator[Path]:
    for name in (*SOURCES, *_DECIDING):
        path = REPOSITORY / name
        for file in (path,) if path.is_file() else path.rglob("*"):
            if file.is_file() and not {".terraform", "__pycache__"} & set(file.parts) and ".tfstate" not in file.name:
                yield file


if __name__ == "__main__":
    sys.exit(main())
