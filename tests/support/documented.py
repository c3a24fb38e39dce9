"""Which commands of the pages the tests run, as what, and why not the others."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: Programs whose commands are run: what this repository makes, and what every machine has.
RUN = ("factory-lake", "openssl")

#: The factory of the tests' lake that the commands are run on; it has both gateways and the camera of the pages.
FACTORY = "lodz"

#: What takes the place of a page's words (regular expressions), so that a command fits the tests' lake and takes
#: seconds. `FACTORY_LAKE` names the lake; `BEGIN` and `END` are around the footage that the lake has.
PLACEHOLDERS: Mapping[str, str] = {
    r"^\.venv/bin/": "",
    r" --lake environments/\w+": "",
    r"\b(krakow|lyon)\b": FACTORY,
    r"--from \S+": "--from $BEGIN",
    r"--to \S+": "--to $END",
    # The tests' lake has no factory of the canary's own.
    r"^factory-lake canary --key-dir ~/canary-keys$": "factory-lake canary --factory canary --gateway canary "
    "--key-dir ~/canary-keys",
    r"--factory canary --gateway canary --key-dir ~/canary-keys": f"--factory {FACTORY} --gateway line-1 "
    "--key-dir ~/gateway-keys",
    # Two pages film with one camera, and only one of them can send its past.
    r"--hours 0\.05": "--hours 0",
    r"--hours 0\.25": "--hours 0.01",
    r"--seconds \d+": "--seconds 1",
}

#: Commands that end otherwise than with 0: the exit code, and the words with which the page says so.
EXIT_CODES: Mapping[str, tuple[int, str]] = {
    "factory-lake sizing capacity docs/sizing/plant.toml": (1, "The example lacks one thing, so it exits with 1"),
}

#: Commands that end with 0 or with 1, as their pages say: that depends on what other pages' commands have sent.
FINDING = re.compile(r"factory-lake (coverage|report) ")

_AWS_CLI = "needs the AWS CLI, which the tests do without"
_SUITE = "has run before the tests, or runs them"
_MINUTES = "takes minutes, or a lake and ports of its own"
_PROBES = "makes resources in an account, or takes a cloud of its own; tests/conformance runs it on one"
_ACCOUNT = "needs an account with the lake, and the bucket with its state"
_RELEASE = "needs a release; tests/unit/scripts make one in a repository of their own"
_REGISTRY = "changes pins, from a registry"
_LOCALCLOUD = "localcloud/tests run it"

#: Why a command is not run, by what it begins with (regular expressions).
NOT_RUN: Mapping[str, str] = {
    r"aws ": _AWS_CLI,
    r"(metric|log|errors) ": _AWS_CLI,
    r"source docs/runbook/shell\.sh$": "tests/unit/docs/test_shell.py runs it",
    r"export ": "sets what the test sets otherwise",
    r"[A-Z_]+=\S+( [A-Z_]+=\S+)*$": "sets variables of the reader's",
    r"\w+=\$\(.*\)$": "sets a variable of the reader's",
    r"(for|while) .*; do$|done$": "is a loop around commands that are listed by themselves",
    r"make (setup|package|lint|test|docs)\b": _SUITE,
    r"make (demo|soak|up|down)\b": _MINUTES,
    r"factory-lake conformance (--region|clean)\b": _PROBES,
    r"make conformance$": _PROBES,
    r"\.venv/bin/python -m harness\.conformance ": _PROBES,
    r"make release\b": _RELEASE,
    r"git (commit|push) ": _RELEASE,
    r"sha256sum --check SHA256SUMS$": _RELEASE,
    r"make lock\b": _REGISTRY,
    r"git ls-remote ": _REGISTRY,
    r"terraform (init -backend=false -upgrade|providers lock)": _REGISTRY,
    r"cp \.terraform\.lock\.hcl ": _REGISTRY,
    r"cd environments/": _ACCOUNT,
    r"terraform (apply|import|init -backend-config=|output|plan|state|untaint)\b": _ACCOUNT,
    r"terraform -chdir=\$FACTORY_LAKE plan$": _ACCOUNT,
    r"factory-lake doctor\b": "the tests' lakes are broken on purpose; tests/e2e/test_doctor.py runs it",
    r"terraform -chdir=examples/": "tests/terraform/test_examples.py plans the example",
    r"(ffmpeg|gst-launch-1\.0) ": "needs programs that the repository does without",
    r"localcloud (start|status|flush|stop)\b": _LOCALCLOUD,
    r"pip install \. ": _LOCALCLOUD,
}


def runs(command: str) -> bool:
    """Whether the tests run a command of a page."""
    return not reasons(command) and command.split(" ", 1)[0].removeprefix(".venv/bin/") in RUN


def reasons(command: str) -> list[str]:
    """The entries of `NOT_RUN` that a command of a page is under."""
    return [beginning for beginning in NOT_RUN if re.match(beginning, command)]


def filled(command: str) -> str:
    """A command with what takes the place of the page's words."""
    for pattern, text in PLACEHOLDERS.items():
        command = re.sub(pattern, text, command)
    return command
