"""What looks like a secret fails the scan until it is gone or said to be none; what is said must be true."""

import subprocess
from pathlib import Path

import pytest

from scripts.secretscan import BASELINE, BaselineError, Secret, accepted, complaints, main, scan

# Put together here, so that the scan of this repository does not find it in this file.
_ACCESS_KEY = "AKIA" + "QYLPMN5HNM3L7V2R"
_KIND = "AWS Access Key"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with a secret in a file that is not added yet, and one in a file that is ignored."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("/build/\n/ignored.txt\n")
    (tmp_path / "settings.py").write_text(f"\nACCESS = '{_ACCESS_KEY}'  # pragma: allowlist secret\n")
    (tmp_path / "ignored.txt").write_text(_ACCESS_KEY)
    (tmp_path / BASELINE).write_text("")
    return tmp_path


def _entry(secret: Secret, reason: str = "An example.") -> str:
    return (
        f'[[accepted]]\npath = "{secret.path}"\nkind = "{secret.kind}"\n'
        f'digests = ["{secret.digest}"]\nreason = "{reason}"\n'
    )


def test_a_secret_fails_also_behind_a_comment_that_asks_to_pass_over_it(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], repository) == 1
    printed = capsys.readouterr().out
    assert printed.startswith(f"secretscan: settings.py:2: {_KIND}, digest ")
    assert _ACCESS_KEY not in printed


def test_a_secret_that_is_said_to_be_none_passes_until_it_changes(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (secret,) = (each for each in scan(repository) if each.kind == _KIND)
    (repository / BASELINE).write_text("\n".join(_entry(each) for each in scan(repository)))
    assert main([], repository) == 0
    (repository / "settings.py").write_text(f"ACCESS = '{_ACCESS_KEY[::-1][:16]}'\n")
    assert main([], repository) == 1
    assert (
        f"secretscan: {BASELINE}: settings.py has no {_KIND} with digest {secret.digest}; delete it"
        in capsys.readouterr().out
    )


def test_what_is_kept_of_the_last_scan_answers_for_unchanged_files_alone(repository: Path) -> None:
    cache = repository / "build" / "scan.json"
    first = scan(repository, cache)
    assert scan(repository, cache) == first != {}
    (repository / "other.py").write_text(f"OTHER = '{_ACCESS_KEY}'\n")
    (repository / "settings.py").unlink()
    assert {each.path for each in scan(repository, cache)} == {"other.py"}
    # A cache of another version of the detectors, or a broken one, counts for nothing.
    cache.write_text(cache.read_text().replace('"version": "', '"version": "older ').replace(_KIND, "Nothing"))
    assert {each.kind for each in scan(repository, cache)} >= {_KIND}
    cache.write_text("{")
    assert {each.kind for each in scan(repository, cache)} >= {_KIND}


def test_an_entry_without_a_reason_is_refused() -> None:
    with pytest.raises(BaselineError, match=r"accepted\[1\] must have path, kind, digests and a reason, got "):
        accepted(_entry(Secret("a", "b", "c"), reason=" "))


def test_a_value_may_be_none_wherever_it_stands_but_must_stand_somewhere() -> None:
    anywhere = Secret("*", "Key", "1")
    assert complaints({Secret("a.py", "Key", "1"): 7, Secret("b.py", "Key", "1"): 9}, {anywhere}) == []
    assert len(complaints({Secret("a.py", "Other", "1"): 7}, {anywhere})) == 2


def test_complaints_name_both_sides() -> None:
    new, gone = Secret("a.py", "Key", "1"), Secret("b.py", "Key", "2")
    named = complaints({new: 7}, {gone})
    assert [each.split(":")[0] for each in named] == ["a.py", BASELINE]
