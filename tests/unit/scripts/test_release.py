"""A release is what its commit gives, on any machine; what contradicts it is refused before anything changes."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from scripts import package
from scripts.changelog import sections
from scripts.release import ATTACHED, CHANGELOG, NOTES, PROJECT, ROOT, UPGRADING, Version, main, read_documents
from tests.unit.scripts.interpreters import VERSIONS, find

_CHANGES = "# Changelog\n\n## Unreleased\n\n### Added\n\n- A press.\n\n### Fixed\n\n- A leak.\n"
_UPGRADING = "# Upgrading\n\n## Rules\n\nRead.\n\n## Unreleased\n\nNothing.\n"
_PROJECT = '[project]\nname = "press"\nversion = "0.0.0"\n\n[tool.other]\nversion = "7"\n'


def git(folder: Path, *arguments: str) -> str:
    """Run git as it is without settings of this machine."""
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder: Path, **files: str) -> None:
    """Write files by their paths, and commit everything."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "Change")


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave this machine's git settings out, and name somebody who commits."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "maintainers")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "maintainers@example.com")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one function, whose schema is a link as the transform's is, and nothing released."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    function = folder / "lambda_src" / "press"
    function.mkdir(parents=True)
    (function / "schemas").symlink_to("../../glue_schemas")
    shutil.copy(ROOT / ".gitattributes", folder)
    commit(
        folder,
        **{
            "lambda_src/press/handler.py": "def handler(event, context):\n    return event\n",
            "glue_schemas/press.json": "{}\n",
            ".gitignore": "/build/\n*.key\n",
            str(CHANGELOG): _CHANGES,
            str(UPGRADING): _UPGRADING,
            str(PROJECT): _PROJECT,
        },
    )
    return folder


@pytest.fixture
def prepared(repository: Path) -> Path:
    """The repository with 1.2.0 prepared and committed."""
    assert main(["1.2.0", "--publish"], repository) == 1
    commit(repository)
    return repository


def refusal(capsys: pytest.CaptureFixture[str], repository: Path, *arguments: str) -> str:
    """Run a release that is refused, in one line, and return that line."""
    capsys.readouterr()
    assert main(arguments, repository) == 2
    said = capsys.readouterr().err
    assert said.startswith("release: ")
    assert said.count("\n") == 1
    return said.removeprefix("release: ").strip()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "the following arguments are required: version"),
        (("1.2.0", "--publsh"), "unrecognized arguments: --publsh"),
        (("1.2.0", "1.3.0"), "unrecognized arguments: 1.3.0"),
    ],
)
def test_a_command_line_that_it_does_not_know_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert refusal(capsys, tmp_path, *arguments) == said


def test_a_dry_run_builds_and_shows_everything_and_changes_nothing(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["1.2.0"], repository) == 0
    shown = capsys.readouterr().out
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "tag") == ""
    assert f"factory-lake 1.2.0\n\n{(repository / NOTES).read_text()}" in shown
    attached = sorted(path.name for path in (repository / ATTACHED).iterdir())
    assert attached == ["SHA256SUMS", "press.zip", "source_code_hashes.json"]
    assert all(f"build/release/{name}" in shown for name in attached)
    assert shown.endswith(
        "a dry run, nothing was tagged; PUBLISH=1 makes v1.2.0, "
        "after giving the version to CHANGELOG.md, docs/upgrading.md, pyproject.toml\n"
    )


def test_digests_are_those_that_sha256sum_and_terraform_take(repository: Path) -> None:
    main(["1.2.0"], repository)
    attached = repository / ATTACHED
    digest = hashlib.sha256((attached / "press.zip").read_bytes())
    hashes_digest = hashlib.sha256((attached / "source_code_hashes.json").read_bytes()).hexdigest()
    assert (attached / "SHA256SUMS").read_text() == (
        f"{digest.hexdigest()}  press.zip\n{hashes_digest}  source_code_hashes.json\n"
    )
    code_hash = base64.b64encode(digest.digest()).decode()
    assert json.loads((attached / "source_code_hashes.json").read_text()) == {"press.zip": code_hash}
    notes = (repository / NOTES).read_text()
    assert f"{digest.hexdigest()}  press.zip" in notes
    assert f"{code_hash}  press.zip" in notes


def test_publishing_first_gives_the_version_to_what_is_unreleased_and_commits_nothing(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = git(repository, "rev-parse", "HEAD")
    assert main(["1.2.0", "--publish"], repository) == 1
    assert "commit them and run this again" in capsys.readouterr().out
    assert (git(repository, "rev-parse", "HEAD"), git(repository, "tag")) == (head, "")
    text = re.sub(r"\d{4}-\d\d-\d\d", "DATE", (repository / CHANGELOG).read_text())
    assert text == _CHANGES.replace("## Unreleased", "## Unreleased\n\n## 1.2.0 - DATE")
    assert (repository / UPGRADING).read_text() == _UPGRADING.replace("## Unreleased", "## Unreleased\n\n## 1.2.0")
    assert (repository / PROJECT).read_text() == _PROJECT.replace("0.0.0", "1.2.0")


def test_publishing_then_makes_an_annotated_tag_with_every_line_of_its_text(
    prepared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Git takes lines that begin with # for comments, which headings do."""
    assert main(["1.2.0", "--publish"], prepared) == 0
    assert "made v1.2.0" in capsys.readouterr().out
    assert git(prepared, "cat-file", "-t", "v1.2.0") == "tag\n"
    tag = git(prepared, "cat-file", "tag", "v1.2.0").partition("\n\n")[2]
    assert tag == f"factory-lake 1.2.0\n\n{(prepared / NOTES).read_text()}"
    assert tag.startswith("factory-lake 1.2.0\n\n### Added\n\n- A press.\n\n### Fixed\n\n- A leak.\n\n")
    assert git(prepared, "status", "--porcelain") == ""


@pytest.mark.parametrize("publish", [[], ["--publish"]])
def test_on_the_tagged_commit_a_release_is_compared_with_its_tag(
    prepared: Path, capsys: pytest.CaptureFixture[str], publish: list[str]
) -> None:
    main(["1.2.0", "--publish"], prepared)
    tag = git(prepared, "rev-parse", "v1.2.0")
    capsys.readouterr()
    assert main(["1.2.0", *publish], prepared) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("release: 1.2.0 after no other, ")
    assert shown.endswith("v1.2.0 is at this commit and says the same\n")
    assert git(prepared, "rev-parse", "v1.2.0") == tag


def test_a_tag_with_another_digest_is_found(prepared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["1.2.0"], prepared)
    digest = hashlib.sha256((prepared / ATTACHED / "press.zip").read_bytes()).hexdigest()
    text = f"factory-lake 1.2.0\n\n{(prepared / NOTES).read_text()}".replace(digest, "0" * 64)
    git(prepared, "tag", "--annotate", "--cleanup=verbatim", "--message", text, "v1.2.0")
    capsys.readouterr()
    assert main(["1.2.0"], prepared) == 1
    shown = capsys.readouterr().out
    assert f"- {'0' * 64}  press.zip\n" in shown
    assert f"+ {digest}  press.zip\n" in shown
    assert shown.count("\n- ") == 1


def test_a_signature_is_no_part_of_the_text(prepared: Path) -> None:
    """Git signs a tag by a block at the end of its text, if `tag.gpgSign` says so."""
    main(["1.2.0"], prepared)
    signature = "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"
    text = f"factory-lake 1.2.0\n\n{(prepared / NOTES).read_text()}{signature}"
    git(prepared, "tag", "--annotate", "--cleanup=verbatim", "--message", text, "v1.2.0")
    assert main(["1.2.0"], prepared) == 0


def test_a_tag_elsewhere_or_without_a_text_is_refused(prepared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(prepared, "tag", "v1.2.0")
    assert refusal(capsys, prepared, "1.2.0") == "v1.2.0 must be an annotated tag, got one without a text"
    commit(prepared)
    assert re.fullmatch(
        r"v1\.2\.0 must be at this commit, \w{12}, got \w{12}", refusal(capsys, prepared, "1.2.0", "--publish")
    )


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.2", "v1.2.3", "01.2.3", "1.2.3.4", "1.2.3-rc1", "1.2.3-rc.0", "1.2.3+4", "1.2.3\n", "1\u0662.2.3"],
)
def test_what_is_no_version_is_refused(text: str, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, repository, text) == (
        f"VERSION must be x.y.z or x.y.z-rc.n by Semantic Versioning, got {text!r}"
    )


def test_versions_are_ordered_as_the_standard_orders_them() -> None:
    ordered = ["0.9.10", "1.0.0-rc.2", "1.0.0-rc.10", "1.0.0", "1.0.1-rc.1", "1.0.1", "1.2.0", "1.10.0", "10.0.0"]
    assert [str(version) for version in sorted(Version.parse(text) for text in reversed(ordered))] == ordered


def test_a_version_rises_above_what_its_commit_builds_on(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A later release on another branch does not forbid a fix of an older one."""
    git(repository, "tag", "v1.1.0")
    git(repository, "tag", "v1.x")
    git(repository, "tag", "v9.9.9-nightly")
    git(repository, "switch", "--quiet", "--create", "next")
    commit(repository)
    git(repository, "tag", "v2.0.0")
    assert "must be above 2.0.0" in refusal(capsys, repository, "1.1.1")
    git(repository, "switch", "--quiet", "main")
    assert refusal(capsys, repository, "1.1.0-rc.3") == (
        "VERSION must be above 1.1.0, the newest release before this commit, got 1.1.0-rc.3"
    )
    assert main(["1.1.1"], repository) == 0
    assert "1.1.1 after 1.1.0" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["lambda_src/press/handler.py", "new file.txt"])
def test_a_tree_that_is_not_clean_is_refused(name: str, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(repository, "config", "status.showUntrackedFiles", "no")
    (repository / name).write_text("changed = True\n")
    said = refusal(capsys, repository, "1.2.0")
    assert said.startswith("the working tree must be clean, got changes in ")
    assert name in said


def test_a_shallow_clone_is_refused(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It does not know which releases came before."""
    commit(repository)
    git(tmp_path, "clone", "--quiet", "--depth=1", repository.as_uri(), "shallow")
    assert "got a shallow one" in refusal(capsys, tmp_path / "shallow", "1.2.0")


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        (CHANGELOG, None, "CHANGELOG.md must exist"),
        (CHANGELOG, "# Changelog\n", "CHANGELOG.md must have the section ## Unreleased first"),
        (
            CHANGELOG,
            "## Unreleased\n\n## 1.1.0 - 2026-01-31\n\n- Old.\n",
            "CHANGELOG.md must have a section for 1.2.0 or content under ## Unreleased",
        ),
        (
            CHANGELOG,
            "## Unreleased\n\n- New.\n\n## 1.2.0 - 2026-01-31\n\n- Old.\n",
            "CHANGELOG.md must have nothing under ## Unreleased when 1.2.0 has a section",
        ),
        (
            CHANGELOG,
            "## Unreleased\n\n## 1.3.0 - 2026-01-31\n\n- Old.\n\n## 1.2.0 - 2026-01-31\n\n- Old.\n",
            "CHANGELOG.md must have the section of 1.2.0 once and next to ## Unreleased",
        ),
        (CHANGELOG, "## Unreleased\n\n## 1.2.0 - 2026-01-31\n", "CHANGELOG.md must have content under ## 1.2.0"),
        (
            CHANGELOG,
            "## Unreleased\n\n## 1.2.0 - 31 January\n\n- New.\n",
            "CHANGELOG.md, 1.2.0: the heading must end in - YYYY-MM-DD, got '31 January'",
        ),
        (
            CHANGELOG,
            "## Unreleased\n\n## 1.2.0 (2026-01-31)\n\n- New.\n",
            "CHANGELOG.md, 1.2.0: the heading must end in - YYYY-MM-DD, got '(2026-01-31)'",
        ),
        (
            CHANGELOG,
            "## Unreleased\n\n## [1.2.0] - 2026-02-30\n\n- New.\n",
            "CHANGELOG.md, 1.2.0: the heading must end in - YYYY-MM-DD, got '2026-02-30'",
        ),
        (
            CHANGELOG,
            "## Unreleased\n\n### Improved\n\n- New.\n",
            "CHANGELOG.md, Unreleased: a heading must be one of Added, Changed, Deprecated, Removed, Fixed, Security, "
            "got 'Improved'",
        ),
        (
            UPGRADING,
            "# Upgrading\n\n```\n## Unreleased\n```\n",
            "docs/upgrading.md must have the section ## Unreleased first",
        ),
        (
            PROJECT,
            '[tool.other]\nversion = "7"\n[project]\nversion = "0.0.0"\n',
            'pyproject.toml must have the line version = "..." first in [project], got another form',
        ),
    ],
)
def test_pages_that_do_not_fit_the_release_are_refused(
    path: Path, text: str | None, said: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is None:
        (repository / path).unlink()
        commit(repository)
    else:
        commit(repository, **{str(path): text})
    assert refusal(capsys, repository, "1.2.0", "--publish") == said
    assert git(repository, "status", "--porcelain") == ""


def test_a_tagged_commit_without_the_version_is_refused(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(repository, "tag", "--annotate", "--message", "1.2.0", "v1.2.0")
    assert refusal(capsys, repository, "1.2.0") == (
        "v1.2.0 must be at a commit that has the version, got none in CHANGELOG.md, docs/upgrading.md, pyproject.toml"
    )


def test_what_git_ignores_and_what_was_built_before_stay_out(repository: Path) -> None:
    main(["1.2.0"], repository)
    clean = (repository / ATTACHED / "press.zip").read_bytes()
    (repository / "lambda_src" / "press" / "gateway.key").write_text("private")
    (repository / ATTACHED / "former.zip").write_text("old")
    assert main(["1.2.0"], repository) == 0
    assert (repository / ATTACHED / "press.zip").read_bytes() == clean
    assert not (repository / ATTACHED / "former.zip").exists()


def test_a_clone_with_other_line_ends_gives_the_same_release(repository: Path, tmp_path: Path) -> None:
    """As Git for Windows sets it; .gitattributes is the repository's own."""
    git(
        tmp_path,
        "clone",
        "--quiet",
        "--config",
        "core.autocrlf=true",
        "--config",
        "core.eol=crlf",
        "repository",
        "clone",
    )
    for folder in ("repository", "clone"):
        assert main(["1.2.0"], tmp_path / folder) == 0
    for name in ("press.zip", "SHA256SUMS"):
        assert (tmp_path / "clone" / ATTACHED / name).read_bytes() == (repository / ATTACHED / name).read_bytes()
    handlers = [package.content(tmp_path / folder / "lambda_src" / "press") for folder in ("repository", "clone")]
    assert handlers[0] == handlers[1]


def copy_of_functions(folder: Path, mode: int, seconds: float) -> Path:
    """Copy the lake's functions, as files of a mode and a time; return the folder of functions."""
    for part in ("lambda_src", "glue_schemas"):
        shutil.copytree(ROOT / part, folder / part, symlinks=True)
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(mode)
            os.utime(path, (seconds, seconds))
    return folder / "lambda_src"


def test_every_python_of_this_machine_packages_the_same_bytes(tmp_path: Path) -> None:
    """In another folder each, under another umask, clock, time zone, locale and order of hashes."""
    surroundings = [
        (0o600, 1e9, 0o077, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": "Asia/Tokyo"}),
        (0o755, 0, 0o000, {"LC_ALL": "C.UTF-8", "TZ": "America/Los_Angeles"}),
        (0o664, 2e9, 0o022, {"LC_ALL": "tr_TR.UTF-8", "TZ": "UTC", "SOURCE_DATE_EPOCH": "1700000000"}),
    ]
    pythons = [python for version in VERSIONS if (python := find(version))]
    assert len(pythons) > 1, "the newest and the oldest, which the set-up made environments of"
    built: set[tuple[tuple[str, str], ...]] = set()
    script = "import pathlib, sys; from scripts.package import main; main(*map(pathlib.Path, sys.argv[1:]))"
    for number, python in enumerate(pythons):
        mode, seconds, umask, environment = surroundings[number % len(surroundings)]
        sources = copy_of_functions(tmp_path / f"copy-{number}", mode, seconds)
        packages = tmp_path / f"packages-{number}"
        subprocess.run(
            [python, "-c", script, sources, packages],
            cwd=ROOT,
            env={"PATH": os.defpath, "PYTHONHASHSEED": str(number), **environment},
            umask=umask,
            check=True,
            capture_output=True,
        )
        zips = sorted(packages.iterdir())
        built.add(tuple((path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in zips))
    assert len(built) == 1
    here = [package.build(function, tmp_path / "here") for function in package.functions()]
    assert built == {tuple((each.path.name, each.sha256) for each in here)}


def test_a_commit_without_functions_is_refused(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "lambda_src" / "press" / "handler.py").unlink()
    commit(repository)
    assert refusal(capsys, repository, "1.2.0") == "lambda_src must have a folder with a handler.py, got none"


def test_outside_of_a_repository_git_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, tmp_path, "1.2.0").startswith("git status: fatal: not a git repository")


def test_the_repositorys_own_pages_make_a_release() -> None:
    """What a release would refuse is found when it is written: as changes without a word for those who upgrade."""
    version = Version.parse(tomllib.loads((ROOT / PROJECT).read_text(encoding="utf-8"))["project"]["version"])
    unreleased = sections((ROOT / CHANGELOG).read_text(encoding="utf-8"))[0]
    if unreleased.body:
        version = version._replace(patch=version.patch + 1)
    read_documents(ROOT, version, datetime.date(2026, 1, 31))
