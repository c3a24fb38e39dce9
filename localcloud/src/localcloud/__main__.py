"""The command ``localcloud``, also ``python -m localcloud``: starts and stops a local cloud from a shell."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from localcloud.arguments import Parser, folder, port_number, seconds
from localcloud.cloud import FlushError, LocalCloud
from localcloud.lambdas.runtimes import ask
from localcloud.processes import StartError

_WORKDIR = Path(".localcloud")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give the process's exit code: 0 when it is done, 1 when something is wrong.

    A command line that cannot be understood ends with exit code 2 and one line.
    """
    arguments = _parser().parse_args(argv)
    workdir: Path = arguments.workdir.resolve()
    try:
        if arguments.command == "start":
            cloud = LocalCloud.start(
                workdir, arguments.port, arguments.mqtt_port, detached=True, pythons=arguments.python
            )
            print(f"endpoint {cloud.endpoint}, MQTT {cloud.mqtt_host}:{cloud.mqtt_port}, CA {cloud.ca_file}")
        elif arguments.command == "stop":
            LocalCloud.attach(workdir).stop()
        elif arguments.command == "status":
            print(json.dumps(LocalCloud.attach(workdir).status(), indent=2))
        else:
            LocalCloud.attach(workdir).flush(arguments.names or None, arguments.timeout)
    except (StartError, FlushError) as error:
        print(f"localcloud: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> Parser:
    parser = Parser(prog="localcloud", description="AWS on one machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, summary in (
        ("start", "start a cloud and leave it running"),
        ("stop", "stop it"),
        ("status", "print what runs"),
        ("flush", "deliver everything that is in the data streams now"),
    ):
        command = commands.add_parser(name, help=summary, description=summary)
        command.add_argument(
            "--workdir", type=folder, default=_WORKDIR, help=f"folder of its state and logs ({_WORKDIR})"
        )
        if name == "start":
            command.add_argument("--port", type=port_number, default=4566, help="HTTP port (4566), 0: a free one")
            command.add_argument(
                "--mqtt-port", type=port_number, default=8883, help="port of MQTT over TLS (8883), 0: a free one"
            )
            command.add_argument(
                "--python",
                type=_interpreter,
                action="append",
                metavar="PATH",
                help="an interpreter with boto3 for Lambda functions, beside this one; may be repeated "
                "(those of LOCALCLOUD_PYTHONS without)",
            )
        if name == "flush":
            command.add_argument("names", nargs="*", help="delivery streams (all without)")
            command.add_argument("--timeout", type=seconds, default=60.0, help="seconds to wait (60)")
    return parser


def _interpreter(text: str) -> Path:
    try:
        return ask(Path(text)).python
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
