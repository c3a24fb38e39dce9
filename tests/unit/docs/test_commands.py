"""The commands of the pages exist, with the options that the pages give them."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Callable
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

import botocore.session
import pytest
import typer
from botocore import xform_name
from botocore.model import ServiceModel
from typer.main import get_command

from factory_lake.cli import app
from factory_lake.module_interface import REPOSITORY
from tests.support.commands import leaves
from tests.support.documented import EXIT_CODES, NOT_RUN, filled, reasons, runs
from tests.unit.docs.pages import commands, mentions, name_of, pages, prose

_MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
_TARGETS = frozenset(re.findall(r"^([a-z-]+):", _MAKEFILE, re.MULTILINE))
# What a shell would put into the pages' commands.
_SHELL = {"FACTORY": "krakow", "LANE": "measurements", "lane": "measurements", "CAMERA": "press-1"}
#: Options of every command of the AWS CLI.
_AWS_OPTIONS = frozenset({"--endpoint-url", "--output", "--query", "--region"})
#: What ends a command's arguments.
_ENDS = frozenset({"|", ">", "&&", ";", "#", "done", "2>&1"})


def _words(command: str) -> list[str]:
    words = []
    for word in shlex.split(Template(command).safe_substitute(_SHELL), comments=True):
        if word in _ENDS:
            break
        words.append(word)
    return words


def _problem_of_factory_lake(words: list[str], *, complete: bool) -> str:
    """What `factory-lake` would say against a command line, without running it; empty when it takes it.

    A mention in prose need not be complete: `factory-lake redrive` names a group.
    """
    command: Any = get_command(app)
    context = typer.Context(command, info_name="factory-lake")
    rest = words[1:]
    while hasattr(command, "list_commands"):
        if not rest:
            return "" if not complete else "no command"
        if rest[0] == "--help":
            return ""
        if rest[0].startswith("-") and command.invoke_without_command:
            break
        name, *rest = rest
        command = command.get_command(context, name)
        if command is None:
            return f"no command {name}"
        context = typer.Context(command, info_name=name, parent=context)
    try:
        command.make_context(command.name, rest)
    except typer.TyperException as error:
        message = error.format_message()
        return "" if not complete and message.startswith("Missing ") else message
    return ""


def _problem_of_make(words: list[str]) -> str:
    for word in words[1:]:
        name, equals, _ = word.partition("=")
        if not equals and name not in _TARGETS:
            return f"no target {name}"
        if equals and f"$({name})" not in _MAKEFILE and f"$(if $({name})" not in _MAKEFILE:
            return f"no variable {name}"
    return ""


def _problem_of_python(words: list[str]) -> str:
    if words[1:2] != ["-m"]:
        return ""
    if words[2].startswith("factory_lake") or words[2:4] in (["localcloud", "flush"], ["harness.demo", "up"]):
        return f"{words[2]}: factory-lake is the command"
    return "" if importlib.util.find_spec(words[2]) else f"no module {words[2]}"


@cache
def _service(name: str) -> ServiceModel | None:
    session = botocore.session.get_session()
    return session.get_service_model(name) if name in session.get_available_services() else None


def _problem_of_aws(words: list[str]) -> str:
    """What the AWS CLI would say: its operations and options are those of the services, which botocore knows."""
    service, operation, *rest = (*words[1:], "", "")
    if service in ("", "s3"):  # a mention of the provider `hashicorp/aws`; the CLI's own commands
        return ""
    model = _service("s3" if service == "s3api" else service)
    if model is None:
        return f"no service {service}"
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in operations:
        return f"no operation {operation}"
    shape = model.operation_model(operations[operation]).input_shape
    options = {f"--{xform_name(name, '-')}" for name in (shape.members if shape else ())} | _AWS_OPTIONS
    return ", ".join(f"no option {word}" for word in rest if word.startswith("--") and word not in options)


def _problem(command: str, *, complete: bool) -> str:
    checks: dict[str, Callable[[list[str]], str]] = {
        "factory-lake": lambda words: _problem_of_factory_lake(words, complete=complete),
        "aws": _problem_of_aws,
        "make": _problem_of_make,
        "python": _problem_of_python,
    }
    program = command.split(" ", 1)[0].rsplit("/", 1)[-1]
    if program not in checks:
        return ""
    found = checks[program](_words(command))
    return f"{command}: {found}" if found else ""


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_command_of_a_page_is_understood(page: Path) -> None:
    shown = [problem for command in commands(page) if (problem := _problem(command, complete=True))]
    mentioned = [problem for command in mentions(page) if (problem := _problem(command, complete=False))]
    assert shown + mentioned == []


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_command_of_a_page_is_run_or_it_is_listed_why_not(page: Path) -> None:
    assert [one for one in commands(page) if one and not runs(one) and len(reasons(one)) != 1] == []


def test_no_reason_is_left_over() -> None:
    shown = [command for page in pages() for command in commands(page)]
    assert NOT_RUN.keys() - {beginning for command in shown for beginning in reasons(command)} == set()


@pytest.mark.parametrize("command", EXIT_CODES)
def test_a_page_says_how_its_command_ends(command: str) -> None:
    shown = [page for page in pages() if command in {filled(one) for one in commands(page)}]
    assert shown
    assert [name_of(page) for page in shown if EXIT_CODES[command][1] not in prose(page)] == []


def test_what_is_not_understood_is_noticed() -> None:
    wrong = (
        "factory-lake query --outputs outputs.json",
        "factory-lake nothing",
        "aws nothing",
        "aws kinesis nothing",
        "aws kinesis describe-stream --nothing x",
        "python -m localcloud flush",
        "python -m nothing",
        "make nothing",
        "make test NOTHING=1",
    )
    assert [command for command in wrong if not _problem(command, complete=True)] == []


def test_the_page_of_the_command_lists_every_subcommand() -> None:
    known = {" ".join(words) for words, _ in leaves()}
    page = (REPOSITORY / "docs" / "factory-lake.md").read_text(encoding="utf-8")
    table = "\n".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `factory-lake "))
    assert {name for name in known if not re.search(rf"`(factory-lake )?{name}`", table)} == set()
