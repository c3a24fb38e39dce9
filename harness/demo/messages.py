"""The messages' part of the demonstration: send, deliver, reconcile."""

import time
from collections.abc import Mapping
from pathlib import Path

from factory_lake.gateway.connections import Broker, Connections, load_connections
from factory_lake.gateway.files import Defaults, by_source, read_messages
from factory_lake.gateway.fleet import SendOptions, Watcher, send
from factory_lake.gateway.identities import LANES, Source
from factory_lake.gateway.mqtt import Progress
from factory_lake.gateway.simulation import Simulation, simulate
from factory_lake.reconcile import Buckets, ReconciliationReport, StoredObjects, reconcile
from harness.demo.steps import Steps
from harness.lake import LocalLake
from harness.lake.local import default_factories

PLANT_MESSAGES = 3000
_SEED = 1
_BETWEEN_LINES = 10.0


def connections(lake: LocalLake) -> Connections:
    """Every gateway's identities, for the local cloud's broker."""
    broker = Broker(lake.cloud.mqtt_host, lake.cloud.mqtt_port, lake.cloud.ca_file)
    return load_connections(lake.outputs, lake.key_dir, broker)


def send_plant(lake: LocalLake, journal_dir: Path) -> None:
    """Send a simulated plant's messages, malformed ones too, from every gateway at once."""
    simulation = Simulation(
        messages=PLANT_MESSAGES, seconds=None, seed=_SEED, start_ms=time.time_ns() // 1_000_000, options=SendOptions()
    )
    kinds = simulate(simulation, connections(lake), journal_dir, _progress_line(PLANT_MESSAGES))
    Steps.note(f"{kinds.total()} messages of {len(kinds)} kinds sent and acknowledged")


def check_file(file: Path) -> None:
    """Read a user's messages as they will be read later, before anything is started."""
    sources = [
        Source(factory, gateway, lane)
        for factory, settings in default_factories().items()
        for gateway in settings["gateways"]
        for lane in LANES
    ]
    read_messages(file, Defaults(sources))


def send_file(lake: LocalLake, journal_dir: Path, file: Path) -> None:
    """Send a user's messages."""
    known = connections(lake)
    work = by_source(read_messages(file, Defaults(known.sources)))
    total = sum(len(payloads) for payloads in work.values())
    send(known, work, journal_dir, SendOptions(), _progress_line(total))
    Steps.note(f"{total} messages of {file} sent and acknowledged")


def reconcile_messages(lake: LocalLake, journal_dir: Path) -> ReconciliationReport:
    """Find every message again in S3."""
    stored = StoredObjects(lake.cloud.client("s3"), Buckets.from_outputs(lake.outputs))
    return reconcile(stored, journal_dir)


def _progress_line(total: int) -> Watcher:
    last_line = time.monotonic()

    def watch(progress: Mapping[Source, Progress]) -> None:
        nonlocal last_line
        if time.monotonic() - last_line >= _BETWEEN_LINES:
            last_line = time.monotonic()
            Steps.note(f"{sum(one.acked for one in progress.values())} of {total} messages acknowledged")

    return watch
