"""The command `factory-lake`: its subcommands, each imported only when it is asked for.

Other packages add commands through the entry-point group `factory_lake.commands`: each entry is a Typer app,
and its name the command's. The harness adds `local` so, where the local cloud is installed.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import typer
from typer.main import get_command

from factory_lake.boundary import run_command
from factory_lake.options import EXIT_CODES, Group, with_exit_codes

GROUP = "factory_lake.commands"

# One line a paragraph: Typer keeps the line breaks that it is given.
_HELP = (
    "Operate a factory lake, on AWS or local.\n\n"
    "`--lake` names the lake: an environment's folder, a file of `terraform output -json`, or a local lake's "
    "folder. Its default is the environment variable FACTORY_LAKE, or else the local lake that is up in "
    "build/local."
)

#: Command to the module that has its Typer app as `app`.
_OWN = {
    "gateway": "factory_lake.gateway.cli",
    "camera": "factory_lake.camera.cli",
    "query": "factory_lake.query",
    "moment": "factory_lake.moment.cli",
    "config": "factory_lake.config.cli",
    "canary": "factory_lake.canary.cli",
    "reconcile": "factory_lake.reconcile.cli",
    "coverage": "factory_lake.coverage.cli",
    "report": "factory_lake.report.cli",
    "redrive": "factory_lake.redrive.cli",
    "drained": "factory_lake.drained",
    "sizing": "factory_lake.sizing.cli",
    "policy": "factory_lake.policy.cli",
    "schema": "factory_lake.schema.cli",
    "doctor": "factory_lake.doctor.cli",
    "conformance": "factory_lake.conformance.cli",
}


class _Commands(Group):
    """Finds commands by name; to import all of them would take longer than most commands."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's interface
        return [*_OWN, *sorted(entry.name for entry in entry_points(group=GROUP))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Typer's interface
        if cmd_name in _OWN:
            return _named(cmd_name, import_module(_OWN[cmd_name]).app)
        for entry in entry_points(group=GROUP, name=cmd_name):
            try:
                return _named(cmd_name, entry.load())
            except ModuleNotFoundError:
                # Of a checkout's commands, those are not there whose packages are not installed.
                return None
        return None


def _named(name: str, app: typer.Typer) -> Any:
    """Return an app's command under the name that the help lists: a group has none of its own."""
    command = with_exit_codes(get_command(app))
    command.name = name
    return command


app = typer.Typer(cls=_Commands, help=_HELP, epilog=EXIT_CODES, add_completion=False)


@app.callback()
def _root() -> None:
    """The help text is the app's own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    return run_command(lambda: app(given, prog_name="factory-lake", standalone_mode=False))


if __name__ == "__main__":
    sys.exit(main())
