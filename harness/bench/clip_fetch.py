"""Measure the archiver; run ``python -m harness.bench.clip_fetch``.

The packaged zip runs in processes of its own against a server on this machine that gives it footage and takes
its clips (``video_server.py``):

- peak memory while it archives a clip of 100 MB, and clips of 100 MB from eight streams at once;
- throughput, as a ratio to a plain copy of the same ranges: GetClip, read, PutObject. The two take turns, so
  that a busy machine slows both;
- AWS calls for a clip when each run finds one new clip, with 10, 10,000 and 1,000,000 clips in the archive;
- what importing it costs beyond boto3 itself, without cached bytecode (Lambda mounts a package read-only, so
  every cold start compiles it), as a ratio to boto3's import and first client, whose bytecode is cached.
"""

from __future__ import annotations

import http.client
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.arguments import Parser, count, result_file
from harness.bench.measuring import PEAK_MB, Target, median_ratio, output, print_targets, unpacked
from scripts.package import PACKAGES, ROOT, SOURCES, build

RESULT = ROOT / "build" / "bench" / "clip_fetch.json"

# 47 fragments of 2 MB as they are listed make a clip, for which 100 MB of media come.
FRAGMENT_MS = 2000
CLIP_FRAGMENTS = 47
LISTED_BYTES = 2_000_000
MEDIA_BYTES = 100_000_000 // CLIP_FRAGMENTS + 1

ARCHIVES = (10, 10_000, 1_000_000)


TARGETS = (
    Target("peak_mb_one_clip", 160, False, "MB of memory while a clip of 100 MB is archived"),
    Target("peak_mb_eight_streams", 200, False, "MB of memory with eight streams at once"),
    Target("throughput_vs_copy", 0.8, True, "part of a plain copy's speed"),
    Target("calls_per_clip", 6, False, "AWS calls for a clip in steady state, its row in the table included"),
    Target("import_vs_boto3", 4, True, "import beyond boto3's own, times as fast as boto3's with a client"),
)

# Runs in the measured process: one JSON line in for each invocation, one out.
_WORKER = """
import contextlib, io, json, sys, time
from clip_fetch.handler import handler

class Context:
    def get_remaining_time_in_millis(self):
        return 600_000

for line in sys.stdin:
    begun = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        summary = handler({}, Context())
    seconds = time.perf_counter() - begun
    print(json.dumps({"summary": summary, "seconds": seconds, "peak_mb": peak_mb()}), flush=True)
"""

# The peer: the ranges in, the seconds out.
_COPY = """
import datetime, json, sys, time
import boto3

video = boto3.client("kinesisvideo")
s3 = boto3.client("s3")
for line in sys.stdin:
    ranges = json.loads(line)
    begun = time.perf_counter()
    endpoint = video.get_data_endpoint(StreamName="lake_krakow_cam-0", APIName="GET_CLIP")["DataEndpoint"]
    media = boto3.client("kinesis-video-archived-media", endpoint_url=endpoint)
    for index, (start, end) in enumerate(ranges):
        clip = media.get_clip(
            StreamName="lake_krakow_cam-0",
            ClipFragmentSelector={
                "FragmentSelectorType": "SERVER_TIMESTAMP",
                "TimestampRange": {
                    "StartTimestamp": datetime.datetime.fromtimestamp(start, datetime.timezone.utc),
                    "EndTimestamp": datetime.datetime.fromtimestamp(end, datetime.timezone.utc),
                },
            },
        )
        s3.put_object(Bucket="clips", Key=f"copy-{index}.mp4", Body=clip["Payload"].read())
    print(json.dumps({"seconds": time.perf_counter() - begun}), flush=True)
"""

# Two figures: seconds of boto3's import with a client, and of the handler's.
_IMPORT = """
import sys, time
begun = time.process_time()
import boto3
boto3.client("kinesisvideo", region_name="eu-central-1")
peer = time.process_time() - begun
sys.dont_write_bytecode = True
begun = time.process_time()
import clip_fetch.handler
print(peer, time.process_time() - begun)
"""


class Server:
    """The server's process, and orders to it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None  # noqa: S101
        self._port = int(process.stdout.readline())
        self.url = f"http://127.0.0.1:{self._port}"

    def serve(self, **state: Any) -> None:
        """Change what is served; a new ``begin_ms`` also empties the bucket."""
        self._post("/_serve", state)

    def calls(self) -> dict[str, int]:
        """How often each operation was called since this was last asked."""
        return self._post("/_calls", {})

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection.request("POST", path, json.dumps(body))
        result: dict[str, Any] = json.load(connection.getresponse())
        connection.close()
        return result


@contextmanager
def server() -> Iterator[Server]:
    """The server while the block runs."""
    command = [sys.executable, "-m", "harness.bench.video_server"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Server(process)
        finally:
            assert process.stdin is not None  # noqa: S101
            process.stdin.close()


class Worker:
    """A process that does something for each line it is sent."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def work(self, order: Any = None) -> dict[str, Any]:
        """Send an order and wait for its result.

        Raises:
            RuntimeError: The process ended instead.
        """
        assert self._process.stdin is not None  # noqa: S101
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the measured process ended with status {self._process.wait()}")
        result: dict[str, Any] = json.loads(line)
        return result


@contextmanager
def worker(script: str, package: Path, url: str, **settings: str) -> Iterator[Worker]:
    """A process that runs ``script`` with the package on its path and the server as its AWS."""
    with unpacked(package) as folder:
        environment = {
            "PATH": os.defpath,
            "PYTHONPATH": folder,
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "FACTORY": "krakow",
            "CLIPS_BUCKET": "clips",
            "STREAM_PREFIX": "lake_krakow_",
            "SETTLE_SECONDS": "1",
            "LOG_LEVEL": "ERROR",
            **settings,
        }
        with subprocess.Popen(
            [sys.executable, "-c", script], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield Worker(process)
            finally:
                assert process.stdin is not None  # noqa: S101
                process.stdin.close()


def _footage(at: Server, streams: int, clips: int) -> int:
    """Serve so many clips of 100 MB in each of so many streams; when they begin, in epoch milliseconds."""
    fragments = clips * CLIP_FRAGMENTS
    begin_ms = int(time.time()) * 1000 - fragments * FRAGMENT_MS - 600_000
    at.serve(
        streams=[f"lake_krakow_cam-{index}" for index in range(streams)],
        begin_ms=begin_ms,
        fragment_ms=FRAGMENT_MS,
        fragments=fragments,
        listed_bytes=LISTED_BYTES,
        media_bytes=MEDIA_BYTES,
        archived=0,
    )
    return begin_ms


def peak_mb(package: Path, at: Server, streams: int) -> float:
    """The most memory that archiving takes, of a clip of 100 MB from each of so many streams at once."""
    _footage(at, streams, 1)
    with worker(PEAK_MB + _WORKER, package, at.url, CLIP_SECONDS="3600", STREAMS_AT_ONCE=str(streams)) as archiver:
        result = archiver.work()
    summary = result["summary"]
    if summary["clips"] != streams or summary["bytes"] < streams * 100_000_000:
        raise RuntimeError(f"not the clips that were meant to be measured: {summary}")
    return float(result["peak_mb"])


def throughput(package: Path, at: Server, clips: int, rounds: int) -> dict[str, Any]:
    """Archive so many clips, and copy the same ranges, in turns."""
    archived: list[float] = []
    copied: list[float] = []
    settings = {"CLIP_SECONDS": "3600", "STREAMS_AT_ONCE": "1"}
    with worker(PEAK_MB + _WORKER, package, at.url, **settings) as archiver, worker(_COPY, package, at.url) as copier:
        for _ in range(rounds + 1):
            begin_ms = _footage(at, 1, clips)
            length_ms = CLIP_FRAGMENTS * FRAGMENT_MS
            starts = [begin_ms + index * length_ms for index in range(clips)]
            result = archiver.work()
            if result["summary"]["clips"] != clips:
                raise RuntimeError(f"not the clips that were meant to be measured: {result['summary']}")
            archived.append(result["seconds"])
            ranges = [[start / 1000, (start + length_ms - FRAGMENT_MS // 2) / 1000] for start in starts]
            copied.append(copier.work(ranges)["seconds"])
    del archived[0], copied[0]  # the first round warms both up
    mb = clips * CLIP_FRAGMENTS * MEDIA_BYTES / 1e6
    return {
        "throughput_vs_copy": median_ratio(copied, archived),
        "mb_per_second": round(mb / statistics.median(archived), 1),
        "copy_mb_per_second": round(mb / statistics.median(copied), 1),
    }


def calls(package: Path, at: Server, archived: int, runs: int = 6) -> dict[str, Any]:
    """Calls for a clip, with so many clips in the archive, when each run finds one new clip."""
    begin_ms = int(time.time()) * 1000 - 600_000
    counts: list[dict[str, int]] = []
    settings = {"CLIP_SECONDS": "10", "QUIET_SECONDS": "3600", "STREAMS_AT_ONCE": "1"}
    with worker(PEAK_MB + _WORKER, package, at.url, **settings) as archiver:
        for run in range(runs):
            # one more than a clip: it tells how long the one before it is
            at.serve(**({"begin_ms": begin_ms} if run == 0 else {}), fragments=5 * (run + 1) + 1)
            at.serve(
                streams=["lake_krakow_cam-0"],
                archived=archived,
                fragment_ms=FRAGMENT_MS,
                listed_bytes=100_000,
                media_bytes=100_000,
            )
            at.calls()
            summary = archiver.work()["summary"]
            if summary["clips"] != 1:
                raise RuntimeError(f"not the clip that was meant to be measured: {summary}")
            counts.append(at.calls())
    totals = [sum(count.values()) for count in counts]
    return {"cold": totals[0], "steady": max(totals[1:]), "operations": counts[-1]}


def import_figures(package: Path, runs: int) -> dict[str, float]:
    """Median processor times of both imports, and their ratio; other processes' turns do not count."""
    with unpacked(package) as folder:
        pairs = [output(_IMPORT, folder).split() for _ in range(runs + 1)][1:]  # the first caches boto3's bytecode
    peers, own = ([float(seconds) * 1000 for seconds in each] for each in zip(*pairs, strict=True))
    return {
        "import_ms_beyond_boto3": statistics.median(own),
        "boto3_import_ms": statistics.median(peers),
        "import_vs_boto3": median_ratio(peers, own),
    }


def measure(rounds: int, processes: int) -> dict[str, Any]:
    """All figures."""
    package = build(SOURCES / "clip_fetch", PACKAGES).path
    with server() as at:
        by_archive = {str(size): calls(package, at, size) for size in ARCHIVES}
        return {
            "peak_mb_one_clip": peak_mb(package, at, 1),
            "peak_mb_eight_streams": peak_mb(package, at, 8),
            **throughput(package, at, 4, rounds),
            "calls_per_clip": max(figures["steady"] for figures in by_archive.values()),
            "calls_by_archived_clips": by_archive,
            **import_figures(package, processes),
            "rounds": rounds,
            "python": platform.python_version(),
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the result."""
    parser = Parser(prog="python -m harness.bench.clip_fetch", description="Measure the archiver.")
    parser.add_argument(
        "--rounds", type=count, default=5, help="times that clips are archived and copied (%(default)s)"
    )
    parser.add_argument("--processes", type=count, default=15, help="interpreters to start (%(default)s)")
    parser.add_argument("--result", type=result_file, default=str(RESULT), help="where the result goes (%(default)s)")
    options = parser.parse_args(arguments)
    result = measure(options.rounds, options.processes)
    for size, figures in result["calls_by_archived_clips"].items():
        print(f"{int(size):,} clips archived: {figures['steady']} calls for a clip, {figures['cold']} in a cold start")
    print(f"{result['mb_per_second']} MB/s archived, {result['copy_mb_per_second']} MB/s copied")
    status = print_targets(TARGETS, result)
    own, peers = result["import_ms_beyond_boto3"], result["boto3_import_ms"]
    print(f"       the import takes {own:.1f} ms, boto3's {peers:.1f} ms")
    options.result.write_text(json.dumps(result, indent=2) + "\n")
    print(f"written to {options.result}")
    return status


if __name__ == "__main__":
    sys.exit(main())
