"""``python -m localcloud``: run a local cloud from a shell."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from localcloud.cloud import FlushError, LocalCloud
from localcloud.processes import StartError


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and gives the process's exit code."""
    arguments = _parser().parse_args(argv)
    workdir: Path = arguments.workdir.resolve()
    try:
        if arguments.command == "serve":
            # Only here: the core imports MiniStack, which the other commands do without.
            from localcloud.server import Options, serve

            serve(
                Options(
                    workdir, arguments.port, arguments.mqtt_port, arguments.ready_fd, arguments.lifeline_fd
                )
            )
        elif arguments.command == "up":
            cloud = LocalCloud.start(workdir, arguments.port, arguments.mqtt_port, detached=True)
            print(f"endpoint {cloud.endpoint}, MQTT {cloud.mqtt_host}:{cloud.mqtt_port}, CA {cloud.ca_file}")
        elif arguments.command == "down":
            LocalCloud.attach(workdir).stop()
        elif arguments.command == "status":
            print(json.dumps(LocalCloud.attach(workdir).status(), indent=2))
        else:
            LocalCloud.attach(workdir).flush(arguments.names or None, arguments.timeout)
    except (StartError, FlushError) as error:
        print(f"localcloud: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localcloud", description="A local AWS for the lake.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, summary in (
        ("up", "start a cloud and leave it running"),
        ("down", "stop it"),
        ("status", "print what runs"),
        ("flush", "deliver all that is in the data streams"),
        ("serve", "be the core process (started by the others)"),
    ):
        command = commands.add_parser(name, help=summary, description=summary)
        command.add_argument("--workdir", type=Path, default=Path("build/localcloud"), help="state and logs")
        if name in {"up", "serve"}:
            command.add_argument(
                "--port", type=int, default=4566 if name == "up" else 0, help="HTTP port, 0: any"
            )
            command.add_argument(
                "--mqtt-port", type=int, default=8883 if name == "up" else 0, help="MQTT port"
            )
        if name == "serve":
            command.add_argument("--ready-fd", type=int, help="descriptor to report readiness to")
            command.add_argument(
                "--lifeline-fd", type=int, help="descriptor whose end of file ends the process"
            )
        if name == "flush":
            command.add_argument("names", nargs="*", help="delivery streams (all without)")
            command.add_argument("--timeout", type=float, default=60.0, help="seconds to wait")
    return parser


if __name__ == "__main__":
    sys.exit(main())
