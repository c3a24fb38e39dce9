"""`factory-lake gateway csr|publish|simulate`."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from factory_lake.clients import broker_of
from factory_lake.errors import OptionError
from factory_lake.gateway import mqtt
from factory_lake.gateway.batches import WAIT_MS, Batching
from factory_lake.gateway.bucket import PUBLISHES_PER_SECOND
from factory_lake.gateway.connections import MQTT_PORT, load_connections, sources_of
from factory_lake.gateway.csr import KeyType, make_csr
from factory_lake.gateway.files import Defaults, by_source, read_messages
from factory_lake.gateway.fleet import SendOptions, send
from factory_lake.gateway.identities import Lane, Source
from factory_lake.gateway.simulation import Simulation, simulate
from factory_lake.lake import open_lake
from factory_lake.options import FormatOption, Group, JournalDirOption, KeyDirOption, LakeOption, folder, number, whole
from factory_lake.output import Table, emit, progress

app = typer.Typer(
    cls=Group, add_completion=False, help="Make a gateway's keys, send a file's messages, or simulate a plant."
)

_BETWEEN_LINES = 5.0


def _host_and_port(text: str) -> tuple[str, int]:
    host, colon, port = text.partition(":")
    if not host or (colon and not port.isdigit()):
        raise typer.BadParameter(f"must be HOST or HOST:PORT, got {text!r}")
    return host, int(port or MQTT_PORT)


_Broker = Annotated[
    Any,
    typer.Option(
        "--broker",
        parser=_host_and_port,
        metavar="HOST[:PORT]",
        help="Where to connect. Default: the lake's endpoint.",
    ),
]
_CaFile = Annotated[
    Path | None,
    typer.Option(
        "--ca-file", metavar="FILE", help="PEM that verifies the broker. Default: the system's, or the local lake's."
    ),
]
_Rate = Annotated[
    float,
    typer.Option(
        "--rate",
        parser=number(0, PUBLISHES_PER_SECOND, above=True),
        metavar="R",
        help="Publishes a second on each connection; AWS IoT discards what is beyond 100.",
    ),
]
_Mqtt = Annotated[mqtt.Version, typer.Option("--mqtt", help="Version of MQTT.")]
_GiveUp = Annotated[
    float | None,
    typer.Option(
        "--give-up", parser=number(above=True), metavar="SECONDS", help="Without any acknowledgement. Default: 120."
    ),
]
_BatchSize = Annotated[
    int | None,
    typer.Option(
        "--batch", parser=whole(1), metavar="N", help="Join up to N measurements in one publish, at most 120 KB."
    ),
]
_BatchWait = Annotated[
    float | None,
    typer.Option(
        "--batch-ms",
        parser=number(above=True),
        metavar="T",
        help=f"With --batch: send what is there after T milliseconds. Default: {WAIT_MS}.",
    ),
]
_BasicIngest = Annotated[
    bool, typer.Option("--basic-ingest", help="Publish straight to the lane's rule, which AWS bills less.")
]


@app.command()
def csr(
    *,
    client_ids: Annotated[
        list[str], typer.Option("--client-id", metavar="ID", help="<factory>-<gateway>-<lane>; may be repeated.")
    ],
    csr_dir: Annotated[Path, typer.Option("--csr-dir", metavar="DIR", help="The environment's folder of requests.")],
    key_dir: Annotated[Path, typer.Option("--key-dir", metavar="DIR", help="Where the private keys stay.")],
    name: Annotated[
        str | None, typer.Option("--name", help="The certificate's name within its client ID. Default: today's date.")
    ] = None,
    key_type: Annotated[KeyType, typer.Option("--key-type", help="ec: P-256; rsa: 2048 bits.")] = "ec",
    form: FormatOption = "table",
) -> None:
    """Make private keys and certificate signing requests."""
    named = name or datetime.now(UTC).strftime("%Y-%m-%d")
    rows = []
    for client_id in client_ids:
        made = make_csr(client_id, named, csr_dir, key_dir, key_type)
        rows.append((client_id, str(made.key), str(made.csr)))
    emit(form, Table(("client ID", "key (keep it here)", "request"), rows))


@app.command()
def publish(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help=".jsonl: one message a line; .json: objects or an array of them; .csv: timestamp,tag,value",
        ),
    ],
    *,
    factory: Annotated[
        str | None, typer.Option("--factory", metavar="ID", help="Of messages that name none. Default: the first one.")
    ] = None,
    gateway: Annotated[
        str | None,
        typer.Option("--gateway", metavar="ID", help="Of messages that name none. Default: the factory's first one."),
    ] = None,
    lane: Annotated[Lane, typer.Option("--lane", help="Of messages that name none.")] = "measurements",
    lake: LakeOption = None,
    key_dir: KeyDirOption = None,
    journal_dir: JournalDirOption = None,
    broker: _Broker = None,
    ca_file: _CaFile = None,
    rate: _Rate = float(PUBLISHES_PER_SECOND),
    batch: _BatchSize = None,
    batch_ms: _BatchWait = None,
    basic_ingest: _BasicIngest = False,
    version: _Mqtt = "5",
    give_up: _GiveUp = None,
    form: FormatOption = "table",
) -> None:
    """Send the messages of a file, and wait until the broker has acknowledged all."""
    options = _send_options(rate, version, give_up, _batching(batch, batch_ms), basic_ingest=basic_ingest)
    opened = open_lake(lake)
    journals = folder("--journal-dir", journal_dir, opened.journal_dir)
    keys = folder("--key-dir", key_dir, opened.key_dir)
    work = by_source(read_messages(file, Defaults(sources_of(opened.outputs), factory, gateway, lane)))
    # Nobody has the keys of all gateways.
    connections = load_connections(opened.outputs, keys, broker_of(opened, broker, ca_file), work)
    with _shown(sum(map(len, work.values()))) as watch:
        send(connections, work, journals, options, watch)
    rows = [(str(source), len(payloads)) for source, payloads in work.items()]
    total = sum(number for _, number in rows)
    emit(form, Table(("gateway", "messages"), rows), notes=[_sent(total, watch, journals)])


@app.command("simulate")
def simulate_plant(
    *,
    messages: Annotated[
        int | None, typer.Option("--messages", parser=whole(1), metavar="N", help="Over all gateways together.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", parser=number(above=True), metavar="T", help="Send for so long.")
    ] = None,
    sample_rate: Annotated[
        float | None,
        typer.Option(
            "--sample-rate",
            parser=number(above=True),
            metavar="R",
            help="Measurements a second of each gateway. Default: as many as can be sent.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", parser=whole(), help="Another seed is another plant.")] = 1,
    lake: LakeOption = None,
    key_dir: KeyDirOption = None,
    journal_dir: JournalDirOption = None,
    broker: _Broker = None,
    ca_file: _CaFile = None,
    rate: _Rate = float(PUBLISHES_PER_SECOND),
    batch: _BatchSize = None,
    batch_ms: _BatchWait = None,
    basic_ingest: _BasicIngest = False,
    version: _Mqtt = "5",
    give_up: _GiveUp = None,
    form: FormatOption = "table",
) -> None:
    """Send a simulated plant's messages from every gateway."""
    if (messages is None) == (seconds is None):
        raise OptionError("gateway simulate", "must have one of --messages and --seconds")
    options = _send_options(rate, version, give_up, _batching(batch, batch_ms), basic_ingest=basic_ingest)
    opened = open_lake(lake)
    keys = folder("--key-dir", key_dir, opened.key_dir)
    connections = load_connections(opened.outputs, keys, broker_of(opened, broker, ca_file))
    journals = folder("--journal-dir", journal_dir, opened.journal_dir)
    simulation = Simulation(
        messages=messages,
        seconds=seconds,
        seed=seed,
        start_ms=time.time_ns() // 1_000_000,
        options=options,
        sample_rate=sample_rate,
    )
    with _shown(messages) as watch:
        kinds = simulate(simulation, connections, journals, watch)
    rows = [(*kind.split(": ", 1), number) for kind, number in sorted(kinds.items())]
    if form == "table":
        print(_sent(kinds.total(), watch, journals) + f"; {len(kinds)} kinds of messages")
    else:
        emit(form, Table(("lane", "kind", "messages"), rows))


def _sent(messages: int, shown: "_Shown", journals: Path) -> str:
    together = f" in {shown.published} publishes" if shown.published != messages else ""
    return f"{messages} messages sent and acknowledged{together}; journals: {journals}"


def _send_options(
    rate: float, version: mqtt.Version, give_up: float | None, batching: Batching | None, *, basic_ingest: bool
) -> SendOptions:
    return SendOptions(
        rate=rate,
        version=version,
        timeouts=mqtt.Timeouts(give_up=give_up) if give_up else None,
        basic_ingest=basic_ingest,
        batching=batching,
    )


def _batching(samples: int | None, wait_ms: float | None) -> Batching | None:
    if samples is None and wait_ms is not None:
        raise OptionError("--batch-ms", "goes with --batch")
    return None if samples is None else Batching(samples, wait_ms or WAIT_MS)


@contextmanager
def _shown(total: int | None) -> Iterator["_Shown"]:
    """Shows how far the connections are: a bar on a terminal, a line every few seconds elsewhere."""
    with progress(total, "messages") as update:
        yield _Shown(total, update)


class _Shown:
    def __init__(self, total: int | None, update: Callable[[int, str], None]) -> None:
        self.published = 0
        self._total = total
        self._update = update
        self._printed_at = time.monotonic()

    def __call__(self, connections: Mapping[Source, mqtt.Progress]) -> None:
        self.published = sum(one.published for one in connections.values())
        acked = sum(one.messages for one in connections.values())
        resent = sum(one.resent for one in connections.values())
        away = [source.client_id for source, one in connections.items() if one.state == "reconnecting"]
        description = "messages acknowledged" + (f", {resent} sent again" if resent else "")
        if away:
            description += f", reconnecting: {', '.join(away)}"
        self._update(acked, description)
        if not sys.stderr.isatty() and time.monotonic() - self._printed_at >= _BETWEEN_LINES:
            self._printed_at = time.monotonic()
            print(f"{acked}{f' of {self._total}' if self._total else ''} {description}", file=sys.stderr)
