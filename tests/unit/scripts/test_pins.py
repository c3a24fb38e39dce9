"""What is pinned in two places is pinned alike."""

import re
from pathlib import Path

from harness.lake.terraform import REPOSITORY
from scripts.lock import SETS

_WORKFLOW = REPOSITORY / ".github" / "workflows" / "ci.yml"
_REQUIRED = r'^  required_version = ">= ([\d.]+)"$'


def _only(pattern: str, file: Path) -> str:
    """The one place of a file that a pattern is about."""
    (found,) = re.findall(pattern, file.read_text(encoding="utf-8"), re.MULTILINE)
    return str(found)


def _version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def test_continuous_integration_runs_the_tflint_that_lint_builds() -> None:
    built = _only(r"/tflint@(v[\d.]+) ;;$", REPOSITORY / "scripts" / "install_linter.sh")
    assert _only(r"tflint_version: (v[\d.]+)$", _WORKFLOW) == built


def test_continuous_integration_runs_a_terraform_that_every_configuration_takes() -> None:
    run = _version(_only(r'terraform_version: "([\d.]+)"$', _WORKFLOW))
    assert run >= max(_version(_only(_REQUIRED, file)) for file in REPOSITORY.glob("*/*/versions.tf"))


def test_the_lowest_terraform_that_modules_take_is_tried() -> None:
    lowest = _only(r'^ +terraform: \["([\d.]+)", "latest"\]$', _WORKFLOW)
    required = {_version(_only(_REQUIRED, file)) for file in REPOSITORY.glob("modules/*/versions.tf")}
    # Those that need less are used with the others.
    assert _version(lowest)[:2] == max(required)


def test_every_set_of_requirements_is_locked_by_the_same_command() -> None:
    """A set that `make lock` forgets is never updated."""
    names = set(SETS)
    assert names == {file.stem for file in (REPOSITORY / "requirements").glob("*.in")}
    assert names == {file.stem for file in (REPOSITORY / "requirements").glob("*.txt")}


def test_every_requirement_has_a_hash() -> None:
    for file in (REPOSITORY / "requirements").glob("*.txt"):
        text = file.read_text(encoding="utf-8")
        pins = re.findall(r"^[\w.\[\],-]+==[^\n]* \\\n +--hash=sha256:", text, re.MULTILINE)
        assert len(pins) == len(re.findall(r"^[\w.\[\],-]+==", text, re.MULTILINE)) > 0, file.name


def test_workflows_run_the_same_version_of_each_action() -> None:
    uses = [
        found
        for file in _WORKFLOW.parent.glob("*.yml")
        for found in re.findall(r"uses: ([\w/-]+)@(\w+)  # (v[\d.]+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert len(set(uses)) == len({action for action, _, _ in uses}) > 0
