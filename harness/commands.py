"""What the commands of the harness share: how they begin and end, and where they work."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from factory_lake.boundary import run_command
from factory_lake.errors import OptionError
from factory_lake.options import EXIT_CODES
from harness.lake import ProviderError, TerraformError
from localcloud import StartError
from localcloud.cloud import FlushError
from localcloud.testing.producer import PutMediaError

#: What the parts that every command may start fail with.
_KNOWN = (StartError, FlushError, PutMediaError, ProviderError, TerraformError)


def run_app(
    command: Callable[..., int | None], program: str, arguments: Sequence[str] | None = None, *known: type[Exception]
) -> int:
    """Run a function as a command and return its exit code; an error is one line on standard error.

    Args:
        command: Its parameters are options, as Typer reads them; its docstring is the help.
        program: Its module, `harness.soak`.
        arguments: Without any, those of this process.
        known: More errors that the command's user can cause and understand.
    """
    app = typer.Typer(add_completion=False)
    app.command(epilog=EXIT_CODES)(command)
    given = None if arguments is None else list(arguments)
    return run_command(lambda: app(given, prog_name=f"python -m {program}", standalone_mode=False), *_KNOWN, *known)


def empty_folder(folder: Path) -> Path:
    """Make a folder to work in; what an earlier run left there goes.

    Raises:
        OptionError: When it holds something else.
    """
    is_ours = not folder.exists() or (folder / "lake" / "cloud").is_dir()
    if not is_ours and (not folder.is_dir() or any(folder.iterdir())):
        rule = "must be a folder of an earlier run, or none yet, since what is in it is deleted"
        raise OptionError("--workdir", rule, str(folder))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder.resolve()
