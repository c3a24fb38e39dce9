"""What several commands share: options, and how a group of commands behaves."""

import json
import math
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from factory_lake.errors import OptionError
from factory_lake.gateway.identities import Lane
from factory_lake.lake import VARIABLE
from factory_lake.output import Format

EXIT_CODES = "Exit codes: 0 done, 1 found something wrong, 2 could not begin or had to end, 130 stopped by Ctrl-C."


class Group(TyperGroup):
    """A group that shows its help when no command is named, and the exit codes in each command's."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: D102 - Typer's interface
        return with_exit_codes(super().get_command(ctx, cmd_name))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: D102 - Typer's interface
        if not args and not ctx.resilient_parsing:
            print(ctx.get_help(), file=sys.stderr)
            raise typer.Exit(2)
        return super().parse_args(ctx, args)


def with_exit_codes(command: Any) -> Any:
    """The command, its help telling the exit codes."""
    if command is not None:
        command.epilog = EXIT_CODES
    return command


LakeOption = Annotated[
    Path | None,
    typer.Option(
        "--lake",
        envvar=VARIABLE,
        metavar="LAKE",
        help="An environment's folder, a file of its outputs, or a local lake's folder. "
        "Default: the local lake that is up.",
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print the result.")]
FactoriesOption = Annotated[
    list[str] | None, typer.Option("--factory", metavar="ID", help="Only this factory; may be repeated.")
]
LaneOption = Annotated[Lane | None, typer.Option("--lane", help="Only this lane.")]
KeyDirOption = Annotated[
    Path | None,
    typer.Option("--key-dir", metavar="DIR", help="Where the private keys are. Default: a local lake's own."),
]
JournalDirOption = Annotated[
    Path | None,
    typer.Option("--journal-dir", metavar="DIR", help="Where the journals are. Default: a local lake's own."),
]
ReportOption = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write the whole result there too, as JSON.")
]


def folder(option: str, given: Path | None, of_lake: Path | None) -> Path:
    """The folder that an option names, or the lake's own.

    Raises:
        OptionError: When neither is there.
    """
    found = given or of_lake
    if found is None:
        raise OptionError(option, "must be given for a lake on AWS")
    return found


def whole(least: int | None = None) -> Callable[[str], int]:
    """A parser of whole numbers, from the least one on."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or (least is not None and number < least):
            from_on = "" if least is None else f" from {least} on"
            raise typer.BadParameter(f"must be a whole number{from_on}, got {text!r}")
        return number

    return parse


def number(least: float = 0, most: float = math.inf, *, above: bool = False) -> Callable[[str], float]:
    """A parser of numbers, in a range; `above` leaves the least one out."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (least < value if above else least <= value) or value > most or math.isinf(value):
            rule = f"above {least:g}" if above else f"{least:g} or more"
            upto = "" if math.isinf(most) else f" and at most {most:g}"
            raise typer.BadParameter(f"must be a number {rule}{upto}, got {text!r}")
        return value

    return parse


def parse_moment_ms(text: str) -> int:
    """A moment that the user gave, as epoch ms.

    Raises:
        typer.BadParameter: When it is no time, or has no zone.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter(f"must be a time like 2026-03-09T07:05:00Z, got {text!r}")
    return round(moment.timestamp() * 1000)


def or_now_ms(given_ms: int | None) -> int:
    """A moment that the user gave, or else now; epoch ms."""
    return time.time_ns() // 1_000_000 if given_ms is None else given_ms


def write_report(file: Path | None, document: object) -> None:
    """Write what `--report` asks for."""
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
