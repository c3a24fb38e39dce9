"""Every command of `factory-lake` that calls AWS, run as somebody who may do what operators do."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from clip_fetch import rows
from factory_lake.cli import main
from harness.camera.archiver import run_archiver
from harness.camera.film import film
from localcloud import LocalCloud

FACTORY, CAMERA = "genoa", "gate"
_DONE = (0, 1)
_CLIP_SECONDS = 100


class OperationError(Exception):
    """A command could not be run."""


def operate(cloud: LocalCloud, lake: Path, outputs: Mapping[str, Any]) -> None:
    """Send messages and film, then run each command once.

    Args:
        cloud: The local cloud.
        lake: The lake's folder, with the operator's credentials.
        outputs: The lake's outputs.

    Raises:
        OperationError: A command ended otherwise than with a result.
    """
    begin = datetime.now(UTC) - timedelta(minutes=5)
    _run(lake, "gateway", "simulate", "--messages", "60")
    stream = outputs["video"][FACTORY]["streams"][CAMERA]
    film(cloud, stream, lake / "cameras.jsonl", hours=0.01)
    cloud.flush()
    _archive(cloud, outputs)

    _run(lake, "query", "--list")
    _run(lake, "query", "latest-value-per-tag")
    _run(lake, "query", "--sql", "SELECT count(*) FROM configuration")
    # A wait that ends otherwise than with a result cancels the query.
    cloud.faults.add(service="athena", operation="GetQueryExecution", error="InvalidRequestException")
    _run(lake, "query", "--sql", "SELECT count(*) FROM configuration", codes=(2,))
    _run(lake, "reconcile")
    _run(lake, "redrive", "errors", "--only-accepted", "--apply")
    _run(lake, "redrive", "errors", "--apply")
    end = datetime.now(UTC)
    range_of = ("--from", begin.isoformat(), "--to", end.isoformat(), "--settled-seconds", "0")
    _run(lake, "redrive", "stream", "--factory", FACTORY, "--lane", "measurements", *range_of, "--apply")
    _run(lake, "coverage", "--from", begin.isoformat(), "--to", end.isoformat())
    _run(lake, "report", "--out", str(lake / "pages"), "--factory", FACTORY, "--embed", codes=(0, 1))
    # What it looks for is not delivered so soon; it has asked for all of it once.
    gateway = sorted(outputs["gateways"][FACTORY])[0]
    tried = ("--factory", FACTORY, "--gateway", gateway, "--camera", CAMERA, "--wait", "1")
    _run(lake, "canary", *tried)
    _run(lake, "drained", "--factory", FACTORY, "--minutes", "0")
    clips = json.loads(_run(lake, "camera", "clips", f"{FACTORY}/{CAMERA}", "--format", "json"))
    _run(lake, "camera", "frames", clips[0]["key"])
    _run(lake, "camera", "frame", clips[0]["key"], "0", str(lake / "frame.png"))
    _reindex(cloud, lake, outputs)


def _reindex(cloud: LocalCloud, lake: Path, outputs: Mapping[str, Any]) -> None:
    """Make the table of clips anew where it lacks a row and has one of a clip that is gone."""
    s3, bucket = cloud.client("s3"), outputs["buckets"]["clips"]
    (row, *_) = s3.list_objects_v2(Bucket=bucket, Prefix=rows.row_prefix(FACTORY))["Contents"]
    s3.delete_object(Bucket=bucket, Key=row["Key"])
    of_nothing = rows.row_key(
        f"factory={FACTORY}/camera={CAMERA}/year=2025/month=01/day=02/20250102T000000.000Z-1.mp4"
    )
    s3.put_object(Bucket=bucket, Key=str(of_nothing), Body=b"{}\n")
    _run(lake, "camera", "reindex")


def _archive(cloud: LocalCloud, outputs: Mapping[str, Any]) -> None:
    """Run the archiver until there is a clip.

    Raises:
        OperationError: There is none in time.
    """
    deadline = time.monotonic() + _CLIP_SECONDS
    s3, bucket = cloud.client("s3"), outputs["buckets"]["clips"]
    while not s3.list_objects_v2(Bucket=bucket, MaxKeys=1)["KeyCount"]:
        if time.monotonic() > deadline:
            raise OperationError(f"no clip in {bucket} after {_CLIP_SECONDS} s")
        run_archiver(cloud, outputs["video"][FACTORY]["clip_function"])
        time.sleep(1)


def _run(lake: Path, *arguments: str, codes: Sequence[int] = _DONE) -> str:
    """Run a command that is to end with one of these exit codes, and return what it printed."""
    printed = StringIO()
    with redirect_stdout(printed):
        code = main([*arguments, "--lake", str(lake)])
    if code not in codes:
        raise OperationError(f"factory-lake {' '.join(arguments)} ended with {code}")
    return printed.getvalue()
