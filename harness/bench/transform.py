"""Compare the transform with its peers; run ``python -m harness.bench.transform``.

All run in one process on the same batches of about 1 MiB of LoopEdge messages, in turns. What counts is processor
time, so other programs disturb it little. Of each round's times the ratio is taken, and of the ratios the median.

Peers:

- the floor: decode base64, ``json.loads``, encode base64; nothing that reads messages at all does less;
- Powertools: the idiom of Powertools for AWS Lambda's documentation, with trimming and validation;
- a plain loop: the same trimming and validation around ``json.loads`` and ``json.dumps``.

The peers do less than the transform: they neither tell numbers from texts, nor gather unknown keys, nor add
when and whence a message came, and they respell every number.

Import time and peak memory are measured in processes of their own, on the packaged zip, and without cached
bytecode: Lambda mounts a package read-only, so every cold start compiles it. The import's peer is what a function
with Powertools imports, its logger and its batch processor, likewise without bytecode.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import platform
import random
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aws_lambda_powertools.utilities.data_classes import KinesisFirehoseEvent
from aws_lambda_powertools.utilities.data_classes.kinesis_firehose_event import (
    KinesisFirehoseDataTransformationRecordMetadata,
    KinesisFirehoseDataTransformationResponse,
)
from aws_lambda_powertools.utilities.serialization import base64_from_json

from harness.arguments import Parser, count, result_file
from harness.bench.measuring import PEAK_MB, Target, median_ratio, output, print_targets, unpacked
from scripts.package import PACKAGES, ROOT, SOURCES, build
from transform.batch import Transform
from transform.lines import Delivered
from transform.measurements import Measurements
from transform.reader import decode
from transform.report import Report
from transform.schema import load
from transform.settings import Settings

RESULT = ROOT / "build" / "bench" / "transform.json"
BATCH_BYTES = 1024 * 1024
ARRIVAL_MS = 1_767_225_600_000

Event = dict[str, Any]
Message = dict[str, Any]
Peer = Callable[[Event], object]


TARGETS = (
    Target("clean_vs_powertools", 3, True, "clean messages, times as fast as Powertools"),
    Target("clean_vs_floor", 0.6, True, "clean messages, part of the floor's speed"),
    Target("typical_vs_powertools", 2, True, "a plant's usual mix, times as fast as Powertools"),
    Target("dirty_vs_naive", 1, True, "only dirty messages, times as fast as a plain loop"),
    Target("batch14_vs_single", 1.8, True, "clean samples in arrays of 14, times as fast as alone"),
    Target("batch14_dirty_vs_single_dirty", 1, True, "dirty samples in arrays of 14, times as fast as alone"),
    Target("import_vs_powertools", 4, True, "import of the handler, times as fast as Powertools' import"),
    Target("peak_mb", 120, False, "MB of memory for a 6 MB event"),
    Target("peak_batches_mb", 120, False, "MB of memory for a 6 MB event of batches"),
)


# Messages


def clean(rng: random.Random) -> Message:
    """Make a message that needs no change, with the keys in LoopEdge's order."""
    press = rng.randrange(12)
    return {
        "datatype": "float64",
        "description": f"Spindle temperature of press {press}",
        "deviceID": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "deviceName": f"Press {press}",
        "metadata": {},
        "registerId": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "success": True,
        "tagName": f"spindle_temperature_{rng.randrange(80)}",
        "timestamp": ARRIVAL_MS - rng.randrange(60_000),
        "value": round(rng.uniform(-40, 400), 3),
    }


def typical(rng: random.Random) -> Message:
    """Make one of a plant's usual messages.

    60 % are decimal numbers, 15 % booleans, 15 % texts and 10 % integers; every second description is empty;
    2 % have padded strings, 1 % an unknown key.
    """
    message = clean(rng)
    kind = rng.random()
    if kind < 0.15:
        message.update(datatype="bool", value=rng.random() < 0.5)
    elif kind < 0.30:
        message.update(datatype="string", value=rng.choice(["RUNNING", "IDLE", "Störung 17", "SETUP"]))
    elif kind < 0.40:
        message.update(datatype="int64", value=rng.randrange(10**6))
    if rng.random() < 0.5:
        message["description"] = ""
    if rng.random() < 0.02:
        message["deviceName"] = f"  {message['deviceName']} "
    if rng.random() < 0.01:
        message["unit"] = "degC"
    return message


def dirty(rng: random.Random) -> Message:
    """Make a message of which much has to change."""
    message = typical(rng)
    message["description"] = rng.choice(["", "   ", f" {message['description']}\t", "  Öltemperatur "])
    for key in ("deviceName", "tagName", "datatype"):
        message[key] = f" {message[key]}  "
    extra = rng.random()
    if extra < 0.4:
        message["unit"] = " degC "
    elif extra < 0.6:
        message["metadata"] = {"owner": " maintenance ", "line": rng.randrange(9), "tags": ["a ", " b"]}
    elif extra < 0.8:
        message["quality"] = {"code": 192, "text": "good "}
    return message


def batch(kind: Callable[[random.Random], Message], size: int = BATCH_BYTES, seed: int = 1) -> Event:
    """Make a Firehose event of as many messages as fit into a size in bytes."""
    rng = random.Random(seed)  # noqa: S311 - the same messages in every run
    records: list[Event] = []
    room = size
    while True:
        payload = json.dumps(kind(rng), separators=(",", ":"), ensure_ascii=False).encode()
        room -= len(payload)
        if room < 0:
            return {
                "invocationId": str(uuid.UUID(int=seed)),
                "deliveryStreamArn": "arn:aws:firehose:eu-central-1:000000000000:deliverystream/bench",
                "region": "eu-central-1",
                "records": records,
            }
        number = len(records)
        records.append(
            {
                "recordId": f"4966{number:052}",
                "approximateArrivalTimestamp": ARRIVAL_MS + 40,
                "data": base64.b64encode(payload).decode(),
                "kinesisRecordMetadata": {
                    "shardId": "shardId-000000000000",
                    "partitionKey": f"{ARRIVAL_MS}/line-{number % 2 + 1}/{uuid.UUID(int=number)}",
                    "approximateArrivalTimestamp": ARRIVAL_MS + 40,
                    "sequenceNumber": f"4966{number:052}",
                    "subsequenceNumber": "",
                },
            }
        )


def batched(event: Event, samples: int = 14) -> Event:
    """Put so many messages of an event at a time into one record, as a batch of samples."""
    records = []
    for start in range(0, len(event["records"]), samples):
        group = event["records"][start : start + samples]
        joined = b",".join(base64.b64decode(record["data"]) for record in group)
        records.append({**group[0], "data": base64.b64encode(b'{"samples":[' + joined + b"]}").decode()})
    return {**event, "records": records}


# Peers

_REQUIRED = {
    "deviceID": str,
    "deviceName": str,
    "registerId": str,
    "tagName": str,
    "datatype": str,
    "timestamp": int,
    "success": bool,
}
_DAY_MS = 86_400_000


def trim(value: Any) -> Any:
    """Trim every string; refuse blank ones."""
    if isinstance(value, str):
        value = value.strip()
        if not value:
            raise ValueError("blank string")
        return value
    if isinstance(value, dict):
        return {key: trim(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trim(item) for item in value]
    return value


def trim_and_validate(message: Message) -> tuple[Message, dict[str, str]]:
    """Do what the peers have in common; return the message and its partition keys."""
    if not message.get("description", "").strip():
        message["description"] = None
    message = trim(message)
    for key, kind in _REQUIRED.items():
        if not isinstance(message.get(key), kind):
            raise TypeError(f"{key} is not {kind.__name__}")
    if not ARRIVAL_MS - 400 * _DAY_MS <= message["timestamp"] <= ARRIVAL_MS + _DAY_MS:
        raise ValueError("timestamp is not plausible")
    when = datetime.fromtimestamp(message["timestamp"] / 1000, UTC)
    return message, {"year": f"{when.year:04}", "month": f"{when.month:02}", "day": f"{when.day:02}"}


def floor(event: Event) -> object:
    """Decode, load and encode."""
    answers = []
    for record in event["records"]:
        data = base64.b64decode(record["data"])
        json.loads(data)
        encoded = base64.b64encode(data).decode()
        answers.append({"recordId": record["recordId"], "result": "Ok", "data": encoded})
    return {"records": answers}


def powertools(event: Event) -> object:
    """Transform with the data classes of Powertools for AWS Lambda, as its documentation shows."""
    response = KinesisFirehoseDataTransformationResponse()
    for record in KinesisFirehoseEvent(event).records:
        message, keys = trim_and_validate(record.data_as_json)
        response.add_record(
            record.build_data_transformation_response(
                result="Ok",
                metadata=KinesisFirehoseDataTransformationRecordMetadata(partition_keys=keys),
                data=base64_from_json(message),
            )
        )
    return response.asdict()


def plain(event: Event) -> object:
    """Transform with nothing but the standard library, in the plainest way."""
    answers = []
    for record in event["records"]:
        message, keys = trim_and_validate(json.loads(base64.b64decode(record["data"])))
        line = json.dumps(message, separators=(",", ":"), ensure_ascii=False) + "\n"
        answers.append(
            {
                "recordId": record["recordId"],
                "result": "Ok",
                "data": base64.b64encode(line.encode()).decode(),
                "metadata": {"partitionKeys": keys},
            }
        )
    return {"records": answers}


# Measuring

_SETTINGS = {"FACTORY": "krakow", "LANE": "measurements", "STREAM_NAME": "lake-krakow-measurements"}
_IMPORT = "import transform.handler"
_PEER_IMPORT = (
    "from aws_lambda_powertools import Logger;"
    "from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response"
)


class _SlowPath(Measurements):
    """A lane that reads every message token by token."""

    __slots__ = ()

    def convert(self, payload: bytes, received_at: int, line_suffix: str) -> Delivered:
        """Convert a message on the slow path."""
        return self.convert_slowly(decode(payload), received_at, line_suffix)


def ours(*, fast_path: bool = True) -> Peer:
    """Return the transform as a cold start makes it, its log kept in memory; it may learn spellings, or may not."""
    settings = Settings(factory="krakow", lane="measurements")
    lines: list[str] = []
    transform = Transform(settings, report=Report(settings, lines.append))
    if not fast_path:
        transform._lane = _SlowPath(settings, load("measurements"))

    def run(event: Any) -> object:
        lines.clear()
        answer = transform.answer(event)
        refused = sum(record["result"] != "Ok" for record in answer["records"])
        if refused:
            raise AssertionError(f"{refused} of the benchmark's messages were rejected: {lines[0]}")
        return answer

    return run


def seconds(peer: Peer, event: Event) -> float:
    """Return the processor time that a peer takes for a batch."""
    begin = time.process_time()
    peer(event)
    return time.process_time() - begin


def race(peers: dict[str, Peer], event: Event, rounds: int) -> dict[str, list[float]]:
    """Run peers in turns; return each one's seconds by the round, after a round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in peers}
    for number in range(rounds + 1):
        for name, peer in peers.items():
            took = seconds(peer, event)
            if number:
                times[name].append(took)
    return times


def ratio(times: dict[str, list[float]], peer: str) -> float:
    """Return how many times as fast as a peer the transform was."""
    return median_ratio(times[peer], times["transform"])


def batch_ratio(transform: Peer, kind: Callable[[random.Random], Message], rounds: int) -> float:
    """Return how many times as fast samples are in batches of 14 as they are alone."""
    alone = batch(kind)
    together = batched(alone)
    peers: dict[str, Peer] = {"transform": lambda _: transform(together), "single": transform}
    return ratio(race(peers, alone, rounds), "single")


def import_figures(package: Path, runs: int) -> dict[str, float]:
    """Return the median processor times to import the packaged handler and its peer, and their ratio."""
    spec = importlib.util.find_spec("aws_lambda_powertools")
    assert spec is not None  # noqa: S101
    assert spec.submodule_search_locations is not None  # noqa: S101
    with unpacked(package) as folder, tempfile.TemporaryDirectory() as layer:
        source = Path(spec.submodule_search_locations[0])
        shutil.copytree(source, Path(layer) / source.name, ignore=shutil.ignore_patterns("__pycache__"))
        fresh = {"PYTHONDONTWRITEBYTECODE": "1", **_SETTINGS}
        pairs = [(_import_ms(_IMPORT, folder, **fresh), _import_ms(_PEER_IMPORT, layer, **fresh)) for _ in range(runs)]
        cached = [_import_ms(_IMPORT, folder, **_SETTINGS) for _ in range(runs + 1)][1:]
    own, peers = zip(*pairs, strict=True)
    return {
        "import_ms": statistics.median(own),
        "import_cached_ms": statistics.median(cached),
        "powertools_import_ms": statistics.median(peers),
        "import_vs_powertools": median_ratio(peers, own),
    }


def _import_ms(statement: str, folder: str, **variables: str) -> float:
    script = f"import time; t = time.process_time(); {statement}; print(time.process_time() - t)"
    return float(output(script, folder, **variables)) * 1000


def peak_mb(package: Path, samples: int | None = None) -> float:
    """Return the most memory that a process needs for an event of 6 MB, its JSON included; perhaps one of batches."""
    script = (
        "import json, os; from transform.handler import handler\n"
        "class Context:\n def get_remaining_time_in_millis(self): return 120000\n"
        "answer = json.dumps(handler(json.load(open(os.environ['EVENT'])), Context()))\n"
        f"{PEAK_MB}print(peak_mb())"
    )
    limit = 6 * 1024 * 1024
    event = batch(typical, size=limit)
    if samples is not None:
        event = batched(event, samples)
    records = event["records"]
    share = len(json.dumps(event)) / len(records)
    event["records"] = records[: int(limit / share)]
    with unpacked(package) as folder:
        path = Path(folder) / "event.json"
        path.write_text(json.dumps(event))
        printed = output(script, folder, EVENT=str(path), **_SETTINGS)
    return float(printed.split()[-1])


def measure(rounds: int, processes: int) -> dict[str, Any]:
    """Measure everything; return the result as it is written."""
    transform = ours()
    races = {
        "clean": race({"transform": transform, "powertools": powertools, "floor": floor}, batch(clean), rounds),
        "typical": race({"transform": transform, "powertools": powertools}, batch(typical), rounds),
        "dirty": race({"transform": transform, "naive": plain}, batch(dirty), rounds),
    }
    slow = ours(fast_path=False)
    gains = {
        name: ratio(race({"transform": transform, "slow": slow}, batch(kind), rounds), "slow")
        for name, kind in (("clean", clean), ("typical", typical), ("dirty", dirty))
    }
    counts = {
        name: len(batch(kind)["records"]) for name, kind in (("clean", clean), ("typical", typical), ("dirty", dirty))
    }
    package = build(SOURCES / "transform", PACKAGES).path
    return {
        "clean_vs_powertools": ratio(races["clean"], "powertools"),
        "clean_vs_floor": ratio(races["clean"], "floor"),
        "typical_vs_powertools": ratio(races["typical"], "powertools"),
        "dirty_vs_naive": ratio(races["dirty"], "naive"),
        "batch14_vs_single": batch_ratio(transform, clean, rounds),
        "batch14_typical_vs_single_typical": batch_ratio(transform, typical, rounds),
        "batch14_dirty_vs_single_dirty": batch_ratio(transform, dirty, rounds),
        "fast_vs_slow_path": gains,
        **import_figures(package, processes),
        "peak_mb": peak_mb(package),
        "peak_batches_mb": peak_mb(package, samples=14),
        "records_per_second": {
            name: {peer: round(counts[name] / statistics.median(took)) for peer, took in times.items()}
            for name, times in races.items()
        },
        "records": counts,
        "rounds": rounds,
        "python": platform.python_version(),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the result."""
    parser = Parser(prog="python -m harness.bench.transform", description="Compare the transform with its peers.")
    parser.add_argument("--rounds", type=count, default=15, help="times that each batch is run (default: %(default)s)")
    parser.add_argument("--processes", type=count, default=15, help="interpreters to start (default: %(default)s)")
    parser.add_argument(
        "--result", type=result_file, default=str(RESULT), help="where the result goes (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    result = measure(options.rounds, options.processes)
    for name, rates in result["records_per_second"].items():
        listed = ", ".join(f"{peer} {rate:,}" for peer, rate in rates.items())
        print(f"{name}: {listed} records/s ({result['records'][name]} records in a batch)")
        print(f"{name}: the fast path is {result['fast_vs_slow_path'][name]:.1f} times as fast as the slow path")
    status = print_targets(TARGETS, result)
    own, cached, peers = (result[name] for name in ("import_ms", "import_cached_ms", "powertools_import_ms"))
    print(f"       the import takes {own:.1f} ms, {cached:.1f} ms with cached bytecode, Powertools' {peers:.1f} ms")
    options.result.write_text(json.dumps(result, indent=2) + "\n")
    print(f"written to {options.result}")
    return status


if __name__ == "__main__":
    sys.exit(main())
