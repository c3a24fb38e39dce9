"""Ten thousand samples through Node-RED and a line that breaks: none may be lost."""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from factory_lake import query
from factory_lake.gateway.identities import Source
from factory_lake.gateway.proxy import Proxy
from factory_lake.output import Table, emit
from harness.demo.messages import connections
from harness.demo.steps import Steps
from harness.lake import LocalLake
from harness.lake.targets import LanePlace, Targets
from harness.nodered.flow import filled_in
from harness.nodered.process import NodeRed, NodeRedError, install, wait_until
from harness.nodered.samples import ODD, Arrivals, Sample, feed_line

SAMPLES = 10_000

_STEPS = 7
_RATE = 1000
_PER_REQUEST = 50
_SECONDS = 120.0
# All else is as the flow has it.
_SETTINGS = {"ACK_SECONDS": "5"}
# Enough for some batches: their bytes are on the line, their acknowledgements are not.
_UNANSWERED_BYTES = 60_000


@dataclass(frozen=True)
class Stored:
    """What the lake made of the samples.

    Attributes:
        rows: Of the table.
        distinct: Of its view without repeats.
        rejected: Payloads of the lane's error objects.
    """

    rows: int
    distinct: int
    rejected: frozenset[bytes]


@dataclass
class Trial:
    """A run: the lake, the line to its broker, Node-RED, and what was fed to it so far."""

    lake: LocalLake
    source: Source
    line: Proxy
    node_red: NodeRed
    begin_ms: int
    fed: list[Sample] = field(default_factory=list)
    _next_at: float = 0.0

    def feed(self, count: int) -> None:
        """Feed the next samples at DeviceHub's pace."""
        upto = len(self.fed) + count
        while len(self.fed) < upto:
            self._next_at = max(self._next_at, time.monotonic())
            numbers = range(len(self.fed), min(upto, len(self.fed) + _PER_REQUEST))
            samples = [Sample.make(number, self.begin_ms) for number in numbers]
            self.node_red.feed([sample.line for sample in samples])
            self.fed += samples
            self._next_at += len(samples) / _RATE
            time.sleep(max(0.0, self._next_at - time.monotonic()))

    def arrivals(self) -> Arrivals:
        """What the lane's data stream holds."""
        stream = self.lake.outputs["data_streams"][self.source.factory][self.source.lane]
        return Arrivals.read(_records(self.lake.cloud.client("kinesis"), stream), self.fed)


def lose_connection(trial: Trial) -> None:
    """The broker drops every connection while batches are on their way."""
    trial.feed(350)
    dropped = trial.lake.cloud.control("POST", "iot-disconnect")["disconnected"]
    if not dropped:
        raise NodeRedError("the broker had no connection to drop")
    trial.feed(400)


def lose_acknowledgements(trial: Trial) -> None:
    """The broker gets batches, and its acknowledgements are lost with the line."""
    passed = trial.line.passed_up
    trial.line.answers_pass = False
    trial.feed(1000)
    wait_until(lambda: trial.line.passed_up - passed > _UNANSWERED_BYTES, "batches on the line", _SECONDS)
    trial.line.cut()
    trial.line.answers_pass = True
    trial.feed(500)


def get_no_acknowledgements(trial: Trial) -> None:
    """The connection stays and nothing is acknowledged on it, until the flow makes a new one."""
    connections = trial.line.connections
    trial.line.mute()
    trial.feed(1000)
    wait_until(lambda: trial.line.connections > connections, "a new connection", _SECONDS)
    trial.feed(500)


def lose_line(trial: Trial) -> None:
    """The line is away for a while; what is fed meanwhile waits in the buffer."""
    trial.line.is_up = False
    trial.line.cut()
    trial.feed(2000)
    trial.line.is_up = True
    trial.feed(500)


def lose_power(trial: Trial) -> None:
    """Node-RED is killed without a line; what its buffer on disk holds is sent after the start."""
    trial.line.is_up = False
    trial.line.cut()
    trial.feed(1000)
    wait_until(lambda: _known_on_disk(trial) == len(ODD) + len(trial.fed), "all samples on disk", _SECONDS)
    trial.node_red.kill()
    trial.line.is_up = True
    trial.node_red.start()
    trial.feed(500)


def restart(trial: Trial) -> None:
    """Node-RED is restarted in the middle of everything."""
    trial.feed(500)
    trial.node_red.stop()
    trial.node_red.start()
    trial.feed(1000)


FAULTS: Mapping[str, Callable[[Trial], None]] = {
    "the broker drops the connection": lose_connection,
    "acknowledgements are lost": lose_acknowledgements,
    "nothing is acknowledged": get_no_acknowledgements,
    "the line is away": lose_line,
    "Node-RED is killed": lose_power,
    "Node-RED is restarted": restart,
    "the broker drops the connection again": lose_connection,
}


def run(workdir: Path, modules: Sequence[str] = ()) -> int:
    """Run the trial in `workdir` and stop everything again.

    Args:
        workdir: An empty folder; `summary.json` and the logs stay in it.
        modules: Of Node.js, which the flow's function node gets.

    Returns:
        0 when all samples arrived as they were spelled and are rows, and all else is rejected; 1 otherwise.

    Raises:
        StepError: When a step fails; everything it started is stopped.
    """
    steps = Steps(total=_STEPS)
    with ExitStack() as stack:
        with steps.step("install", "Install the pinned Node-RED"):
            install()
        with steps.step("start", "Start the local cloud and apply environments/local"):
            lake = stack.enter_context(LocalLake.start(workdir / "lake"))
            lake.apply()
        with steps.step("node_red", "Start Node-RED with the LoopEdge flow"):
            trial = _start(stack, lake, workdir, modules)
        with steps.step("feed", f"Feed {SAMPLES} samples through a line that breaks"):
            twice = _feed(trial, steps)
        with steps.step("arrive", "Wait until the buffer is empty"):
            wait_until(lambda: _stored_buffer(trial)["samples"] == 0, "the buffer is empty", _SECONDS)
        with steps.step("count", "Count the samples in the data stream"):
            arrivals = trial.arrivals()
        with steps.step("query", "Deliver, and count the rows in Athena and the rejected messages in S3"):
            stored = _stored(trial)
    return _report(trial, arrivals, stored, twice, workdir)


def _start(stack: ExitStack, lake: LocalLake, workdir: Path, modules: Sequence[str]) -> Trial:
    known = connections(lake)
    source = next(source for source in known.sources if source.lane == "measurements")
    identity = known.identity(source)
    line = stack.enter_context(Proxy(lake.cloud.mqtt_host, lake.cloud.mqtt_port))
    certificate = workdir / "certificate.pem"
    certificate.write_text(identity.certificate, encoding="ascii")
    broker = replace(known.broker, port=line.local_port)
    topic = lake.outputs["gateways"][source.factory][source.gateway][source.lane]["basic_ingest_topic"]
    nodes = filled_in(broker, identity, certificate, topic, _SETTINGS, modules)
    node_red = stack.enter_context(NodeRed(workdir / "node-red", nodes))
    wait_until(lambda: line.connections > 0, "Node-RED connects", _SECONDS)
    return Trial(lake, source, line, node_red, time.time_ns() // 1_000_000 - SAMPLES)


def _feed(trial: Trial, steps: Steps) -> dict[str, int]:
    """Feed all samples, or until some are lost; return how many arrived twice through each fault."""
    trial.node_red.feed([feed_line(form, payload) for form, payload in ODD])
    twice: dict[str, int] = {}
    for what, fault in FAULTS.items():
        fault(trial)
        with suppress(TimeoutError):
            wait_until(lambda: not trial.arrivals().lost(trial.fed), "all samples arrive", _SECONDS)
        arrivals = trial.arrivals()
        lost = arrivals.lost(trial.fed)
        twice[what] = arrivals.twice - sum(twice.values())
        steps.note(f"{len(trial.fed)} samples fed, {what}: {len(lost)} lost, {twice[what]} twice")
        if lost:
            return twice
    trial.feed(SAMPLES - len(trial.fed))
    return twice


def _stored(trial: Trial) -> Stored:
    """Deliver what is in the data streams, and look at all that the lake stored."""
    trial.lake.cloud.flush(timeout=_SECONDS)
    place = next(
        place for place in Targets(trial.lake, [trial.source.factory], Path()).lanes if place.lane == trial.source.lane
    )
    return Stored(
        rows=_count(trial.lake, "measurements"),
        distinct=_count(trial.lake, "measurements_distinct"),
        rejected=frozenset(_rejected(trial.lake.cloud.client("s3"), place)),
    )


def _count(lake: LocalLake, table: str) -> int:
    athena = lake.outputs["athena"]
    sql = f"SELECT count(*) FROM {table}"  # noqa: S608 - the names of a table and its view
    result = query.run(lake.cloud.client("athena"), sql, athena["workgroup"], athena["database"])
    return int(str(result.rows[0][0]))


def _rejected(s3: Any, place: LanePlace) -> Iterator[bytes]:
    prefix = place.rejected_path.removeprefix(f"{place.bucket}/")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            lines = s3.get_object(Bucket=place.bucket, Key=entry["Key"])["Body"].iter_lines()
            yield from (base64.b64decode(json.loads(line)["rawData"]) for line in lines)


def _report(trial: Trial, arrivals: Arrivals, stored: Stored, twice: Mapping[str, int], workdir: Path) -> int:
    lost = arrivals.lost(trial.fed)
    odd = {payload for _, payload in ODD}
    summary: dict[str, Any] = {
        "samples": len(trial.fed),
        "publishes": arrivals.records,
        "lost": len(lost),
        "twice": arrivals.twice,
        "twice_by_fault": dict(twice),
        "respelled": len(arrivals.respelled),
        "unknown": len(arrivals.unknown),
        "odd": len(odd),
        "rejected": len(stored.rejected),
        "rows": stored.rows,
        "distinct_rows": stored.distinct,
    }
    file = workdir / "summary.json"
    file.write_text(f"{json.dumps(summary, indent=2)}\n", encoding="utf-8")
    columns = ("samples", "publishes", "lost", "twice", "respelled", "rows", "distinct_rows", "rejected")
    notes = [f"lost: samples {lost[:20]}"] if lost else []
    emit(
        "table",
        Table([name.replace("_", " ") for name in columns], [[summary[name] for name in columns]]),
        notes=notes,
    )
    print(f"\n{file}")
    arrived = not (lost or arrivals.respelled or arrivals.unknown) and arrivals.odd.keys() == odd
    return 0 if arrived and stored.distinct == len(trial.fed) and stored.rejected == odd else 1


def _stored_buffer(trial: Trial) -> dict[str, Any]:
    """The flow's buffer, as the context store on disk has it."""
    stored = trial.node_red.stored
    buffer: dict[str, Any] = json.loads(stored)["buffer"] if stored else {"samples": -1, "acknowledged": 0}
    return buffer


def _known_on_disk(trial: Trial) -> int:
    """Samples in the buffer or acknowledged, as the context store on disk knows."""
    buffer = _stored_buffer(trial)
    return int(buffer["samples"]) + int(buffer["acknowledged"])


def _records(kinesis: Any, stream: str) -> Iterator[bytes]:
    """The payload of every record of a data stream."""
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            answer = kinesis.get_records(ShardIterator=iterator)
            yield from (record["Data"] for record in answer["Records"])
            if not answer["MillisBehindLatest"]:
                break
            iterator = answer.get("NextShardIterator")
