"""`make conformance`: the conformance kit against a local cloud, which must behave as AWS is believed to."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from factory_lake.conformance.cli import conformance_on
from factory_lake.lake import LocalAccess
from harness.commands import run_app
from harness.lake.local import LAMBDA_PYTHONS
from localcloud import LocalCloud
from localcloud.cloud import FlushError
from localcloud.settings import ACCESS_KEY, SECRET_KEY

_FOLDER = Path("build/conformance")
_FLUSH_SECONDS = 2.0


def command(
    *,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="Only this probe, or this family; may be repeated."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the report goes.")] = _FOLDER,
) -> int:
    """Start a local cloud, run the probes against it and stop it."""
    with cloud_for_probes(out / "cloud") as folder:
        return conformance_on(folder, only or (), out)


@contextmanager
def cloud_for_probes(workdir: Path) -> Iterator[Path]:
    """A local cloud without a lake, delivering early; the folder that `--local` takes."""
    with LocalCloud.start(workdir, pythons=LAMBDA_PYTHONS) as cloud, delivering_early(cloud):
        yield describe(cloud, workdir)


def describe(cloud: LocalCloud, folder: Path) -> Path:
    """Write into the folder how the cloud is reached, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    LocalAccess(
        endpoint=cloud.endpoint,
        region=cloud.region,
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET_KEY,
        ca_file=cloud.ca_file,
        mqtt_host=cloud.mqtt_host,
        mqtt_port=cloud.mqtt_port,
        key_dir=folder / "keys",
        journal_dir=folder / "journals",
    ).write(folder, {})
    return folder


@contextmanager
def delivering_early(cloud: LocalCloud) -> Iterator[None]:
    """Deliver every other second what Firehose would hold for a minute or more."""
    ends = threading.Event()

    def deliver() -> None:
        while not ends.wait(_FLUSH_SECONDS):
            # A stream that is being deleted, or whose role does not work, is the probes' business.
            with suppress(FlushError):
                cloud.flush(timeout=_FLUSH_SECONDS)

    thread = threading.Thread(target=deliver, name="delivering")
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


if __name__ == "__main__":
    sys.exit(run_app(command, "harness.conformance"))
