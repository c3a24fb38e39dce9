"""Build a release and compose its tag: ``make release VERSION=1.2.3``, a dry run unless ``PUBLISH=1``.

A release is an annotated tag ``v1.2.3`` whose text has the changelog's section and the digests of the Lambda
packages. So whoever builds the same commit can compare. The steps:

1. ``PUBLISH=1`` gives the version to what is unreleased: in the changelog, the upgrade notes and pyproject.toml.
   It commits nothing, and stops there.
2. Once that is committed, ``PUBLISH=1`` makes the tag. It pushes nothing.
3. On the tagged commit, the command compares the tag with what it builds: so does the workflow that publishes.

The packages are built from the commit, never from the working tree, where git may ignore a file that a package
would take along.
"""

import argparse
import base64
import datetime
import difflib
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn, Self

from scripts import package
from scripts.changelog import KINDS, UNRELEASED, Section, moved, sections

ROOT = Path(__file__).resolve().parent.parent
CHANGELOG = Path("CHANGELOG.md")
UPGRADING = Path("docs/upgrading.md")
PROJECT = Path("pyproject.toml")
#: What is attached to a release, relative to the repository.
ATTACHED = Path("build/release")
#: The tag's text without its title.
NOTES = Path("build/release-notes.md")
SUMS = "SHA256SUMS"
CODE_HASHES = "source_code_hashes.json"

_VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:-rc\.([1-9][0-9]*))?")
_PROJECT_VERSION = re.compile(r'^version = "[^"]*"$', re.MULTILINE)
_SHOWN = 5


class ReleaseError(Exception):
    """The release cannot be made; the message names place, rule and value."""


class _Parser(argparse.ArgumentParser):
    """Refuses a command line as everything else is refused; argparse prints the usage too."""

    def error(self, message: str) -> NoReturn:
        raise ReleaseError(message)


class Version(NamedTuple):
    """A version by Semantic Versioning 2.0.0; the order of tuples is the standard's order.

    Attributes:
        major: Rises when users have to change something.
        minor: Rises with a new feature.
        patch: Rises with a fix.
        final: Whether it is no candidate.
        candidate: The number of a release candidate, or 0.
    """

    major: int
    minor: int
    patch: int
    final: bool
    candidate: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `1.2.3` or `1.2.3-rc.1`, the spellings that Python packages understand as well.

        Raises:
            ReleaseError: When it is neither.
        """
        found = _VERSION.fullmatch(text)
        if not found:
            raise ReleaseError(f"VERSION must be x.y.z or x.y.z-rc.n by Semantic Versioning, got {text!r}")
        major, minor, patch, candidate = found.groups()
        return cls(int(major), int(minor), int(patch), candidate is None, int(candidate or 0))

    def __str__(self) -> str:
        number = f"{self.major}.{self.minor}.{self.patch}"
        return number if self.final else f"{number}-rc.{self.candidate}"

    @property
    def tag(self) -> str:
        """The tag's name."""
        return f"v{self}"


class Artifact(NamedTuple):
    """A Lambda package of the release.

    Attributes:
        name: Its file's name.
        size: Its bytes.
        digest: Its SHA-256.
    """

    name: str
    size: int
    digest: bytes

    @property
    def code_hash(self) -> str:
        """The digest as Terraform's `source_code_hash` takes it."""
        return base64.b64encode(self.digest).decode("ascii")


class Documents(NamedTuple):
    """What the pages say of the release.

    Attributes:
        changes: The changelog's section.
        unprepared: The files that do not have the version yet, with the content that they should have.
    """

    changes: Section
    unprepared: Mapping[Path, str]


def git(repository: Path, *arguments: str, text: str | None = None) -> str:
    """Run git in the repository and return what it prints.

    Raises:
        ReleaseError: When git fails; the message has its last line.
    """
    done = subprocess.run(
        ["git", *arguments], cwd=repository, input=text, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise ReleaseError(f"git {arguments[0]}: {said[-1]}")
    return done.stdout


def check_tree(repository: Path) -> None:
    """Refuse what a tag would not hold, and a clone that does not know the earlier releases.

    Raises:
        ReleaseError: When the tree is not clean, or the clone is shallow.
    """
    changed = git(repository, "status", "--porcelain", "--untracked-files=all").splitlines()
    if changed:
        more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
        names = ", ".join(line[3:] for line in changed[:_SHOWN])
        raise ReleaseError(f"the working tree must be clean, got changes in {names}{more}")
    if git(repository, "rev-parse", "--is-shallow-repository").strip() == "true":
        raise ReleaseError("the clone must have the whole history, got a shallow one: git fetch --unshallow --tags")


def previous(repository: Path, version: Version) -> Version | None:
    """Return the newest release that this commit builds on, if there is one.

    Raises:
        ReleaseError: When the version does not rise above it.
    """
    tags = git(repository, "tag", "--list", "v*", "--merged", "HEAD").splitlines()
    released = [Version.parse(tag[1:]) for tag in tags if _VERSION.fullmatch(tag[1:]) and tag != version.tag]
    newest = max(released, default=None)
    if newest and version < newest:
        raise ReleaseError(f"VERSION must be above {newest}, the newest release before this commit, got {version}")
    return newest


def tagged_text(repository: Path, version: Version) -> str | None:
    """Return the text of the version's tag without a signature, or None when there is no such tag.

    Raises:
        ReleaseError: When the tag is not annotated, or is at another commit.
    """
    reference = f"refs/tags/{version.tag}"
    kind = git(repository, "for-each-ref", "--format=%(objecttype)", reference).strip()
    if not kind:
        return None
    tagged, head = (git(repository, "rev-parse", f"{name}^{{commit}}").strip() for name in (reference, "HEAD"))
    if tagged != head:
        raise ReleaseError(f"{version.tag} must be at this commit, {head[:12]}, got {tagged[:12]}")
    if kind != "tag":
        raise ReleaseError(f"{version.tag} must be an annotated tag, got one without a text")
    # The format's own line end comes after the last field.
    text, signature = (
        git(repository, "for-each-ref", f"--format=%({field})", reference)[:-1]
        for field in ("contents", "contents:signature")
    )
    return text.removesuffix(signature)


def read_documents(repository: Path, version: Version, today: datetime.date) -> Documents:
    """Find the release's sections, under its version or, before it is prepared, under `Unreleased`.

    Raises:
        ReleaseError: When a page or a section is missing or incomplete, or contradicts the version.
    """
    changelog, upgrading, project = (_read(repository, path) for path in (CHANGELOG, UPGRADING, PROJECT))
    changes = _section(CHANGELOG, changelog, version)
    _section(UPGRADING, upgrading, version)
    _check_changes(changes)
    wanted = {
        CHANGELOG: _prepared(changelog, version, today.isoformat()),
        UPGRADING: _prepared(upgrading, version),
        PROJECT: _PROJECT_VERSION.sub(f'version = "{version}"', project, count=1),
    }
    if tomllib.loads(wanted[PROJECT])["project"]["version"] != str(version):
        raise ReleaseError(f'{PROJECT} must have the line version = "..." first in [project], got another form')
    current = {CHANGELOG: changelog, UPGRADING: upgrading, PROJECT: project}
    return Documents(changes, {path: text for path, text in wanted.items() if text != current[path]})


def build(repository: Path, attached: Path) -> list[Artifact]:
    """Build the packages of the commit that is checked out, and write their digests beside them.

    Args:
        repository: A clean working tree.
        attached: The folder that then holds the packages and digests, and nothing else.

    Raises:
        ReleaseError: When the commit has no function.
    """
    shutil.rmtree(attached, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        git(repository, "checkout-index", "--all", f"--prefix={folder}/")
        packages = [package.build(function, attached) for function in package.functions(Path(folder) / "lambda_src")]
    if not packages:
        raise ReleaseError("lambda_src must have a folder with a handler.py, got none")
    artifacts = [Artifact(built.path.name, built.size, bytes.fromhex(built.sha256)) for built in packages]
    hashes = json.dumps({artifact.name: artifact.code_hash for artifact in artifacts}, indent=2) + "\n"
    (attached / CODE_HASHES).write_text(hashes, encoding="utf-8")
    listed = [(artifact.name, artifact.digest) for artifact in artifacts]
    listed.append((CODE_HASHES, hashlib.sha256(hashes.encode("utf-8")).digest()))
    sums = "".join(f"{digest.hex()}  {name}\n" for name, digest in sorted(listed))
    (attached / SUMS).write_text(sums, encoding="utf-8")
    return artifacts


def notes(changes: Section, artifacts: Sequence[Artifact]) -> str:
    """Compose what the tag and the GitHub release say below their title."""
    digests = "\n".join(f"{artifact.digest.hex()}  {artifact.name}" for artifact in artifacts)
    hashes = "\n".join(f"{artifact.code_hash}  {artifact.name}" for artifact in artifacts)
    return (
        f"{changes.body}\n\n"
        f"What this changes in a plan: {UPGRADING.as_posix()}.\n\n"
        f"### Lambda packages\n\nSHA-256:\n\n```\n{digests}\n```\n\n"
        f"The same as Terraform's `source_code_hash`:\n\n```\n{hashes}\n```\n"
    )


def main(arguments: Sequence[str] | None = None, repository: Path = ROOT) -> int:
    """Make or check a release and say what came of it.

    Returns:
        0 when the release is as it should be, 1 when files were prepared and nothing was tagged, or when the tag says
        something else than its commit gives, and 2 when a rule is broken.
    """
    parser = _Parser(prog="python -m scripts.release", description="Build a release, compose its tag.")
    parser.add_argument("version", help="the release's version, such as 1.2.3")
    parser.add_argument("--publish", action="store_true", help="prepare the files or, once they are, make the tag")
    try:
        options = parser.parse_args(arguments)
        return _release(repository, Version.parse(options.version), publish=options.publish)
    except ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 2


def _release(repository: Path, version: Version, *, publish: bool) -> int:
    check_tree(repository)
    before = previous(repository, version)
    present = tagged_text(repository, version)
    documents = read_documents(repository, version, datetime.datetime.now(datetime.UTC).date())
    unprepared = ", ".join(path.as_posix() for path in documents.unprepared)
    if unprepared and present is not None:
        raise ReleaseError(f"{version.tag} must be at a commit that has the version, got none in {unprepared}")
    print(
        f"release: {version} after {before or 'no other'}, from commit {git(repository, 'rev-parse', 'HEAD').strip()}"
    )
    if unprepared and publish:
        for path, text in documents.unprepared.items():
            (repository / path).write_text(text, encoding="utf-8")
        print(f"release: gave {version} to {unprepared}; commit them and run this again to make the tag")
        return 1
    artifacts = build(repository, repository / ATTACHED)
    body = notes(documents.changes, artifacts)
    (repository / NOTES).write_text(body, encoding="utf-8")
    text = f"factory-lake {version}\n\n{body}"
    if present is not None and _differs(version, present, text):
        return 1
    print(f"release: text of {version.tag}, without its title in {NOTES.as_posix()}:\n\n{text}")
    print("release: to attach:")
    for path in sorted((repository / ATTACHED).iterdir()):
        print(f"{path.stat().st_size:>10,} bytes  {(ATTACHED / path.name).as_posix()}")
    if present is not None:
        print(f"release: {version.tag} is at this commit and says the same")
    elif publish:
        git(repository, "tag", "--annotate", "--cleanup=verbatim", "--file=-", version.tag, text=text)
        print(f"release: made {version.tag}; publish it with: git push origin {version.tag}")
    else:
        first = f", after giving the version to {unprepared}" if unprepared else ""
        print(f"release: a dry run, nothing was tagged; PUBLISH=1 makes {version.tag}{first}")
    return 0


def _read(repository: Path, path: Path) -> str:
    try:
        return (repository / path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ReleaseError(f"{path.as_posix()} must exist") from None


def _section(path: Path, text: str, version: Version) -> Section:
    """Return the page's section about the release, which is its newest."""
    place = path.as_posix()
    found = [section for section in sections(text) if section.name == UNRELEASED or _VERSION.fullmatch(section.name)]
    unreleased = found[0] if found and found[0].name == UNRELEASED else None
    if unreleased is None:
        raise ReleaseError(f"{place} must have the section ## {UNRELEASED} first")
    named = [section for section in found if section.name == str(version)]
    if not named:
        if not unreleased.body:
            raise ReleaseError(f"{place} must have a section for {version} or content under ## {UNRELEASED}")
        return unreleased
    if unreleased.body:
        raise ReleaseError(f"{place} must have nothing under ## {UNRELEASED} when {version} has a section")
    if named != found[1:2]:
        raise ReleaseError(f"{place} must have the section of {version} once and next to ## {UNRELEASED}")
    if not named[0].body:
        raise ReleaseError(f"{place} must have content under ## {version}")
    return named[0]


def _check_changes(changes: Section) -> None:
    place = f"{CHANGELOG.as_posix()}, {changes.name}"
    if changes.name != UNRELEASED:
        try:
            datetime.date.fromisoformat(changes.date)
        except ValueError:
            raise ReleaseError(f"{place}: the heading must end in - YYYY-MM-DD, got {changes.date!r}") from None
    unknown = [kind for kind in re.findall(r"^### *(.*?) *$", changes.body, re.MULTILINE) if kind not in KINDS]
    if unknown:
        raise ReleaseError(f"{place}: a heading must be one of {', '.join(KINDS)}, got {unknown[0]!r}")


def _prepared(text: str, version: Version, date: str = "") -> str:
    """Return the page with the version in place of `Unreleased`, unless it has the version."""
    return text if any(section.name == str(version) for section in sections(text)) else moved(text, str(version), date)


def _differs(version: Version, present: str, text: str) -> bool:
    """Say where a tag's text is not what this commit gives; digests of other bytes are the case that matters."""
    difference = difflib.ndiff(present.splitlines(), text.splitlines())
    changed = [line for line in difference if line.startswith(("- ", "+ "))]
    if present == text:
        return False
    print("\n".join(changed) or "line ends")
    print(f"release: {version.tag} does not say what this commit gives (-: the tag, +: this commit)")
    return True


if __name__ == "__main__":
    sys.exit(main())
