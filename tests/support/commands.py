"""The commands of `factory-lake` as tests look at them."""

from collections.abc import Iterator
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from factory_lake.cli import app


def leaves() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something: the words that name it, and Typer's object."""
    yield from _leaves((), get_command(app))


def _leaves(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not isinstance(command, TyperGroup):
        yield words, command
        return
    for name in command.list_commands(None):  # type: ignore[arg-type]  # as above
        yield from _leaves((*words, name), command.get_command(None, name))  # type: ignore[arg-type]  # as above
