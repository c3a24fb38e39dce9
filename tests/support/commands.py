"""The command `factory-lake` as tests look at it: its commands, and whether arguments are understood."""

from collections.abc import Iterator, Sequence
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from factory_lake.cli import app


def leaves() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something: the words that name it, and Typer's object."""
    yield from _leaves((), get_command(app))


def parse(arguments: Sequence[str]) -> None:
    """Have arguments read as the command does, without running it.

    Raises:
        typer.TyperException: When they are not understood.
    """
    command: Any = get_command(app)
    while isinstance(command, TyperGroup):
        name, *arguments = arguments
        found = command.get_command(None, name)  # type: ignore[arg-type]  # no command here looks at it
        assert found is not None, f"there is no command {name}"
        command = found
    command.make_context("factory-lake", list(arguments))


def _leaves(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not isinstance(command, TyperGroup):
        yield words, command
        return
    for name in command.list_commands(None):  # type: ignore[arg-type]  # as above
        yield from _leaves((*words, name), command.get_command(None, name))  # type: ignore[arg-type]  # as above
