"""The messages' part of the demonstration: send, deliver, reconcile."""

import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path

from factory_lake.gateway import plant
from factory_lake.gateway.batches import Batching
from factory_lake.gateway.connections import Broker, Connections, load_connections
from factory_lake.gateway.files import Defaults, by_source, read_messages
from factory_lake.gateway.fleet import SendOptions, Watcher, send
from factory_lake.gateway.identities import LANES, Lane, Source
from factory_lake.gateway.journal import journal_path, read_journal
from factory_lake.gateway.mqtt import Progress
from factory_lake.gateway.simulation import Simulation, simulate
from factory_lake.reconcile import Buckets, ReconciliationReport, StoredObjects, reconcile
from factory_lake.reconcile.sent import read_samples
from harness.demo.steps import Steps
from harness.lake import LocalLake
from harness.lake.local import default_factories
from harness.lake.metrics import samples_put_back

# What gateways send that publish each sample by itself.
SINGLES = 1000
# What each of the others sends, its measurements in batches; and what one of them sends after an outage.
BATCHED: Mapping[Lane, int] = {"measurements": 1000, "configuration": 100}
CATCHING_UP = 8000
# So many fill the 5 KB that AWS counts in; a gateway that catches up takes all that waits.
_BATCH, _LARGE_BATCH = Batching(samples=14), Batching(samples=100)
_SAMPLE_MS = 25.0
_DAY_MS = 86_400_000
_SEED = 1
_BETWEEN_LINES = 10.0


def connections(lake: LocalLake) -> Connections:
    """Every gateway's identities, for the local cloud's broker."""
    broker = Broker(lake.cloud.mqtt_host, lake.cloud.mqtt_port, lake.cloud.ca_file)
    return load_connections(lake.outputs, lake.key_dir, broker)


def send_plant(lake: LocalLake, journal_dir: Path) -> float:
    """Send a simulated plant's messages, malformed ones too.

    The first gateway publishes each sample by itself. The others were away at midnight, and send their samples in
    batches over Basic Ingest. One of them was away the night before as well, and catches up as fast as a connection
    takes it.

    Returns:
        How many samples a second that connection sent.
    """
    known = _plant(lake)
    first, *others = dict.fromkeys((source.factory, source.gateway) for source in known.sources)
    simulation = Simulation(
        messages=SINGLES, seconds=None, seed=_SEED, start_ms=time.time_ns() // 1_000_000, options=SendOptions()
    )
    alone = replace(known, identities=tuple(one for one in known.identities if _gateway(one.source) == first))
    kinds = simulate(simulation, alone, journal_dir, _progress_line(SINGLES))
    Steps.note(f"{kinds.total()} messages of {len(kinds)} kinds sent and acknowledged, each by itself")
    batched = {
        source: _over_midnight(source, BATCHED[source.lane]) for source in known.sources if _gateway(source) in others
    }
    total = sum(map(len, batched.values()))
    options = SendOptions(basic_ingest=True, batching=_BATCH)
    progress = send(known, batched, journal_dir, options, _progress_line(total))
    publishes = sum(one.published for one in progress.values())
    Steps.note(f"{total} in {publishes} publishes over Basic Ingest")
    return _catch_up(known, next(source for source in batched if source.lane == "measurements"), journal_dir)


def _plant(lake: LocalLake) -> Connections:
    """The identities of the factories that the account is of."""
    known = connections(lake)
    plant = default_factories()
    return replace(known, identities=tuple(one for one in known.identities if one.source.factory in plant))


def _catch_up(known: Connections, source: Source, journal_dir: Path) -> float:
    samples = _over_midnight(source, CATCHING_UP, days_ago=1)
    options = SendOptions(basic_ingest=True, batching=_LARGE_BATCH)
    before = len(read_journal(journal_path(journal_dir, source)))
    send(known, {source: samples}, journal_dir, options, _progress_line(CATCHING_UP))
    sent = read_journal(journal_path(journal_dir, source))[before:]
    rate = 1000 * CATCHING_UP / (max(one.acked_ms or 0 for one in sent) - sent[0].first_ms)
    Steps.note(f"{CATCHING_UP} in {len(sent)} publishes on one connection: {rate:,.0f} samples a second")
    return rate


def _gateway(source: Source) -> tuple[str, str]:
    return source.factory, source.gateway


def _over_midnight(source: Source, number: int, days_ago: int = 0) -> list[bytes]:
    """Messages of a gateway around the last midnight (UTC), or one before it."""
    now_ms = time.time_ns() // 1_000_000
    midnight_ms = now_ms - now_ms % _DAY_MS - days_ago * _DAY_MS
    stream = plant.messages(source, _SEED + days_ago, midnight_ms - round(number * _SAMPLE_MS / 2), _SAMPLE_MS)
    return [message.payload for message in islice(stream, number)]


def _sent_batches(journal_dir: Path) -> int:
    """How many batches are in the journals."""
    return len({(entry.source, entry.n) for entry in read_samples(journal_dir) if entry.sample is not None})


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
    known = _plant(lake)
    work = by_source(read_messages(file, Defaults(known.sources)))
    total = sum(len(payloads) for payloads in work.values())
    send(known, work, journal_dir, SendOptions(), _progress_line(total))
    Steps.note(f"{total} messages of {file} sent and acknowledged")


def reconcile_messages(lake: LocalLake, journal_dir: Path) -> ReconciliationReport:
    """Find every message again in S3."""
    stored = StoredObjects(lake.cloud.client("s3"), Buckets.from_outputs(lake.outputs))
    return reconcile(stored, journal_dir)


def batches(
    lake: LocalLake, report: ReconciliationReport, journal_dir: Path, samples_per_second: float
) -> dict[str, int]:
    """What became of the samples that came in batches."""
    samples = report.in_batches
    return {
        "messages": _sent_batches(journal_dir),
        "samples": samples.sent,
        "put_back": samples_put_back(lake.cloud, default_factories()),
        "delivered": samples.delivered,
        "rejected": samples.rejected,
        "lost": samples.lost,
        "duplicated": samples.duplicated,
        "samples_per_second": round(samples_per_second),
    }


def _progress_line(total: int) -> Watcher:
    last_line = time.monotonic()

    def watch(progress: Mapping[Source, Progress]) -> None:
        nonlocal last_line
        if time.monotonic() - last_line >= _BETWEEN_LINES:
            last_line = time.monotonic()
            Steps.note(f"{sum(one.messages for one in progress.values())} of {total} messages acknowledged")

    return watch
