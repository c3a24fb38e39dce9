"""The command line of the gateway tools."""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tools.gateway import mqtt
from tools.gateway.bucket import PUBLISHES_PER_SECOND
from tools.gateway.connections import MQTT_PORT, Broker, Connections, load_connections, read_outputs
from tools.gateway.csr import KEY_TYPES, make_csr
from tools.gateway.errors import GatewayError
from tools.gateway.files import Defaults, by_source, read_messages
from tools.gateway.fleet import Manner, send
from tools.gateway.identities import LANES, Source
from tools.gateway.simulation import Simulation, simulate


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit code: 0 when everything was done, 1 when something was refused, 130 after Ctrl-C.
    """
    given = command_line().parse_args(arguments)
    try:
        given.command(given)
    except GatewayError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; what was not acknowledged is sent first the next time", file=sys.stderr)
        return 130
    return 0


def _csr(given: argparse.Namespace) -> None:
    name = given.name or datetime.now(UTC).strftime("%Y-%m-%d")
    for client_id in given.client_id:
        made = make_csr(client_id, name, given.csr_dir, given.key_dir, given.key_type)
        print(f"{client_id}: key {made.key} (keep it here), request {made.csr}")


def _simulate(given: argparse.Namespace) -> None:
    connections = _connections(given)
    simulation = Simulation(
        messages=given.messages,
        seconds=given.seconds,
        seed=given.seed,
        start_ms=time.time_ns() // 1_000_000,
        manner=_manner(given),
    )
    with _Display(given.messages) as display:
        kinds = simulate(simulation, connections, given.journal_dir, display.watch)
    print(
        f"{kinds.total()} messages of {len(kinds)} kinds sent and acknowledged; journals: {given.journal_dir}"
    )


def _publish(given: argparse.Namespace) -> None:
    connections = _connections(given)
    defaults = Defaults(connections.sources, given.factory, given.gateway, given.lane)
    work = by_source(read_messages(given.file, defaults))
    total = sum(len(payloads) for payloads in work.values())
    with _Display(total) as display:
        send(connections, work, given.journal_dir, _manner(given), display.watch)
    for source, payloads in work.items():
        print(f"{source}: {len(payloads)} messages sent and acknowledged")
    print(f"journals: {given.journal_dir}")


def _connections(given: argparse.Namespace) -> Connections:
    return load_connections(read_outputs(given.outputs), given.key_dir, _broker(given))


def _broker(given: argparse.Namespace) -> Broker | None:
    if given.local is not None:
        # Only here: a gateway that talks to AWS needs nothing of the local cloud.
        from tools.localcloud import LocalCloud, StartError

        try:
            cloud = LocalCloud.attach(given.local)
        except StartError as error:
            raise GatewayError(str(error)) from error
        return Broker(cloud.mqtt_host, cloud.mqtt_port, cloud.ca_file)
    if given.broker is None:
        return None
    host, port = given.broker
    return Broker(host, port, given.ca_file)


def _manner(given: argparse.Namespace) -> Manner:
    return Manner(
        rate=given.rate,
        version=given.mqtt,
        patience=mqtt.Patience(give_up=given.give_up) if given.give_up else None,
    )


class _Display:
    """Progress: a bar that moves on a terminal, a line every few seconds elsewhere."""

    _between_lines = 5.0

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._on_terminal = sys.stderr.isatty()
        self._told_at = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=Console(stderr=True),
            disable=not self._on_terminal,
        )
        self._task = self._bar.add_task("messages", total=total)

    def __enter__(self) -> "_Display":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def watch(self, progress: Mapping[Source, mqtt.Progress]) -> None:
        """Show where the connections are."""
        acked = sum(one.acked for one in progress.values())
        resent = sum(one.resent for one in progress.values())
        away = [source.client_id for source, one in progress.items() if one.state == "reconnecting"]
        told = "messages acknowledged" + (f", {resent} sent again" if resent else "")
        if away:
            told += f", reconnecting: {', '.join(away)}"
        self._bar.update(self._task, completed=acked, description=told)
        if not self._on_terminal and time.monotonic() - self._told_at >= self._between_lines:
            self._told_at = time.monotonic()
            print(f"{acked}{f' of {self._total}' if self._total else ''} {told}", file=sys.stderr)


def command_line() -> argparse.ArgumentParser:
    """The arguments that the command takes."""
    parser = argparse.ArgumentParser(prog="python -m tools.gateway", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    csr = commands.add_parser("csr", help="make a private key and a certificate signing request")
    csr.add_argument(
        "--client-id",
        action="append",
        required=True,
        metavar="ID",
        help="<factory>-<gateway>-<lane>; repeat it",
    )
    csr.add_argument(
        "--csr-dir", type=Path, required=True, metavar="DIR", help="the environment's csr folder"
    )
    csr.add_argument("--key-dir", type=Path, required=True, metavar="DIR", help="where the private keys stay")
    csr.add_argument("--name", help="the certificate's name within its client ID (default: today's date)")
    csr.add_argument(
        "--key-type", choices=KEY_TYPES, default="ec", help="ec: P-256 (default); rsa: 2048 bits"
    )
    csr.set_defaults(command=_csr)

    simulated = commands.add_parser("simulate", help="send a simulated plant's messages from every gateway")
    amount = simulated.add_mutually_exclusive_group(required=True)
    amount.add_argument("--messages", type=_positive_int, metavar="N", help="over all gateways together")
    amount.add_argument("--seconds", type=_positive, metavar="T", help="send for so long")
    simulated.add_argument("--seed", type=int, default=1, help="another seed is another plant (default: 1)")
    _add_connection_arguments(simulated)
    simulated.set_defaults(command=_simulate)

    publish = commands.add_parser("publish", help="send the messages of a file")
    publish.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help=".jsonl: one message a line; .json: objects or an array of them; .csv: timestamp,tag,value",
    )
    publish.add_argument("--factory", help="of messages that name none (default: the first one)")
    publish.add_argument("--gateway", help="of messages that name none (default: the factory's first one)")
    publish.add_argument("--lane", choices=LANES, default="measurements", help="of messages that name none")
    _add_connection_arguments(publish)
    publish.set_defaults(command=_publish)
    return parser


def _add_connection_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--outputs", type=Path, required=True, metavar="FILE", help="what `terraform output -json` printed"
    )
    parser.add_argument(
        "--key-dir", type=Path, required=True, metavar="DIR", help="where the private keys are"
    )
    parser.add_argument(
        "--journal-dir", type=Path, required=True, metavar="DIR", help="where the journals are kept"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--local", type=Path, metavar="DIR", help="the working folder of a running local cloud"
    )
    where.add_argument(
        "--broker",
        type=_host_and_port,
        metavar="HOST[:PORT]",
        help="where to connect (default: the output iot_endpoint)",
    )
    parser.add_argument(
        "--ca-file", type=Path, metavar="FILE", help="PEM that verifies --broker (default: the system's)"
    )
    parser.add_argument(
        "--rate",
        type=_rate,
        default=float(PUBLISHES_PER_SECOND),
        metavar="R",
        help=f"messages a second on each connection, at most {PUBLISHES_PER_SECOND} (default)",
    )
    parser.add_argument("--mqtt", choices=get_args(mqtt.Version), default="5", help="version (default: 5)")
    parser.add_argument(
        "--give-up", type=_positive, metavar="SECONDS", help="without any acknowledgement (default: 120)"
    )


def _host_and_port(text: str) -> tuple[str, int]:
    host, colon, port = text.partition(":")
    if not host or (colon and not port.isdigit()):
        raise argparse.ArgumentTypeError(f"must be HOST or HOST:PORT, got {text}")
    return host, int(port or MQTT_PORT)


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be above 0, got {text}")
    return number


def _positive_int(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return number


def _rate(text: str) -> float:
    rate = _positive(text)
    if rate > PUBLISHES_PER_SECOND:
        raise argparse.ArgumentTypeError(
            f"must be at most {PUBLISHES_PER_SECOND}, got {text}: AWS IoT discards what comes faster"
        )
    return rate
