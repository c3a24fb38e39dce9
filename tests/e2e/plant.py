"""What the end-to-end tests do with a lake: send as a gateway, film, reconcile, query."""

from __future__ import annotations

import io
import itertools
import json
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory_lake import query as athena
from factory_lake.gateway.fleet import SendOptions, send
from factory_lake.gateway.identities import Lane, Source
from factory_lake.gateway.mqtt import Timeouts
from factory_lake.reconcile import Buckets, Counts, ReconciliationReport, StoredObjects, reconcile
from factory_lake.reconcile.stored import Found
from harness.camera.archiver import run_archiver
from harness.camera.camera import Camera
from harness.camera.journal import Journal
from harness.camera.script import Script
from harness.demo.messages import connections
from harness.lake import LocalLake
from harness.lake.draining import drain
from localcloud import LocalCloud
from localcloud.cloud import FlushError
from localcloud.testing.producer import Producer
from scripts.package import PACKAGES

FLUSH_SECONDS = 200.0
PATIENCE = 200.0
"""Seconds for what takes a few: a busy machine is slow."""
_BETWEEN_DELIVERIES = 0.5
_numbers = itertools.count(1)


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE, every: float = 0.05) -> None:
    """Return once a condition is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not true after {seconds:g} s"
        time.sleep(every)


def sample(**changes: object) -> bytes:
    """A clean LoopEdge message that no other call made; `changes` replace its members."""
    number = next(_numbers)
    message = {
        "datatype": "float64",
        "description": "spindle",
        "deviceID": "6a1c7a52-6f0e-4d0a-9c38-0d3f9f3b7e11",
        "deviceName": "press",
        "metadata": {},
        "registerId": f"00000000-0000-4000-8000-{number:012d}",
        "success": True,
        "tagName": f"tag-{number}",
        "timestamp": time.time_ns() // 1_000_000,
        "value": number + 0.5,
    }
    return json.dumps({**message, **changes}).encode()


@dataclass(frozen=True)
class Factory:
    """One factory of a running lake, with journals of its own."""

    lake: LocalLake
    name: str
    gateway: str
    journals: Path

    def send(
        self,
        payloads: list[bytes],
        lane: Lane = "measurements",
        gateway: str | None = None,
        *,
        basic_ingest: bool = False,
    ) -> None:
        """Publish and wait for every acknowledgement; as the factory's first gateway, or as the one named."""
        source = Source(self.name, gateway or self.gateway, lane)
        options = SendOptions(timeouts=Timeouts(give_up=60), basic_ingest=basic_ingest)
        send(connections(self.lake), {source: payloads}, self.journals, options)

    def deliver(self) -> None:
        """Have everything in the factory's data streams delivered, and what is put back of it."""
        drain(self.lake.cloud, list(self.lake.outputs["delivery_streams"][self.name].values()), FLUSH_SECONDS)

    def reconcile(self) -> ReconciliationReport:
        """Reconcile everything that was ever sent for the factory."""
        return reconcile(self._stored(), self.journals)

    def found(self) -> list[Found]:
        """Everything of the factory that lies in the lake."""
        return self._stored().found([self.name])

    def _stored(self) -> StoredObjects:
        return StoredObjects(self.lake.cloud.client("s3"), Buckets.from_outputs(self.lake.outputs))

    def counts(self, lane: Lane = "measurements") -> Counts:
        """The lane's numbers."""
        return self.reconcile().by_lane[f"{self.name}/{lane}"]


def rows(lake: LocalLake, sql: str) -> list[tuple[Any, ...]]:
    """Run SQL through the Athena API."""
    result = athena.run(
        lake.cloud.client("athena"), sql, lake.outputs["athena"]["workgroup"], lake.outputs["athena"]["database"]
    )
    return [tuple(row) for row in result.rows]


def all_keys(lake: LocalLake, bucket: str, prefix: str) -> Iterator[str]:
    """Every key under a prefix of one of the lake's buckets, by the bucket's name in the outputs."""
    pages = lake.cloud.client("s3").get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=lake.outputs["buckets"][bucket], Prefix=prefix):
        yield from (item["Key"] for item in page.get("Contents", []))


def film(cloud: LocalCloud, stream: str, journal: Journal, seconds: float, *, ago: float, seed: int = 1) -> None:
    """Send `seconds` of footage that began `ago` seconds ago, in no time, from a stream's camera."""
    producer = Producer(cloud.client("kinesisvideo"), stream)
    begin_ms = int((time.time() - ago) * 1000)
    script = Script(seed=seed, shortest_ms=1_000, longest_ms=3_000)
    camera = Camera(stream.rpartition("_")[2], producer, journal, script, begin_ms)
    assert camera.backfill(begin_ms + int(seconds * 1000)) > 0


@contextmanager
def delivering(lake: LocalLake, factory: str, *, archiving: bool = False) -> Iterator[None]:
    """Deliver what comes to a factory within a second or two, buffers of minutes or not; run its archiver as often."""
    ended = threading.Event()
    streams = list(lake.outputs["delivery_streams"][factory].values())

    def work() -> None:
        while not ended.wait(_BETWEEN_DELIVERIES):
            # What a busy machine does not deliver in time comes with the next flush.
            with suppress(FlushError):
                lake.cloud.flush(streams, PATIENCE)
            if archiving:
                run_archiver(lake.cloud, lake.outputs["video"][factory]["clip_function"])

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        ended.set()
        worker.join()


@contextmanager
def broken_code(lake: LocalLake, function: str, body: str) -> Iterator[None]:
    """Give a function other code and a second to run; the packaged code returns afterwards."""
    functions = lake.cloud.client("lambda")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("transform/__init__.py", "")
        package.writestr("transform/handler.py", f"def handler(event, context):\n    {body}\n")
    timeout = functions.get_function_configuration(FunctionName=function)["Timeout"]
    functions.update_function_code(FunctionName=function, ZipFile=archive.getvalue())
    functions.update_function_configuration(FunctionName=function, Timeout=1)
    try:
        yield
    finally:
        packaged = (PACKAGES / "transform.zip").read_bytes()
        functions.update_function_code(FunctionName=function, ZipFile=packaged)
        functions.update_function_configuration(FunctionName=function, Timeout=timeout)
