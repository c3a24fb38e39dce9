"""`factory-lake local`: a lake on the local cloud, and cameras that film into it.

The entry-point group `factory_lake.commands` names this app (pyproject.toml).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from factory_lake.errors import FactoryLakeError, LakeError, OptionError
from factory_lake.lake import DEFAULT_LOCAL, LOCAL_FILE, cameras_of, open_lake
from factory_lake.options import Group, number, whole
from harness.camera.film import film as film_into
from harness.demo import up_down
from harness.demo.steps import StepError
from harness.lake.draining import drain
from localcloud import LocalCloud, StartError
from localcloud.cloud import FlushError
from localcloud.testing.errors import InputError
from localcloud.testing.producer import PutMediaError

# A batch's samples come a second time, and those of a batch within a batch a third; gateways may go on sending.
_FLUSHES = 3

app = typer.Typer(cls=Group, add_completion=False, help="Run a lake on the local cloud.")

# Not FACTORY_LAKE: what is started and stopped here is only ever a local lake.
_Lake = Annotated[Path, typer.Option("--lake", metavar="DIR", help="The local lake's folder.")]


@app.command()
def up(
    *,
    lake: _Lake = DEFAULT_LOCAL,
    port: Annotated[
        int, typer.Option("--port", parser=whole(0), metavar="PORT", help="HTTP port; 0 takes a free one.")
    ] = up_down.PORT,
    mqtt_port: Annotated[
        int, typer.Option("--mqtt-port", parser=whole(0), metavar="PORT", help="MQTT port; 0 takes a free one.")
    ] = up_down.MQTT_PORT,
) -> None:
    """Start a lake, or bring the one that runs up to date, and say how to use it."""
    folder = lake.resolve()
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / "cloud").is_dir())):
        raise LakeError(lake, "must be a local lake's folder, or none yet: what is in it is deleted")
    with _explained(lake):
        up_down.up(folder, port, mqtt_port)


@app.command()
def down(lake: _Lake = DEFAULT_LOCAL) -> None:
    """Stop a lake; what it stored is gone with it."""
    _check(lake)
    print("stopped" if up_down.down(lake.resolve()) else f"{lake}: the lake was stopped before")


@app.command()
def flush(
    streams: Annotated[
        list[str] | None,
        typer.Argument(metavar="STREAM", help="Names of delivery streams. Default: all.", show_default=False),
    ] = None,
    *,
    timeout: Annotated[
        float, typer.Option("--timeout", parser=number(), metavar="SECONDS", help="How long to wait.")
    ] = 60,
    lake: _Lake = DEFAULT_LOCAL,
) -> None:
    """Deliver everything that is in the data streams now, and what is put back of it."""
    with _explained(lake):
        drain(_cloud(lake), streams or None, timeout, _FLUSHES)


@app.command()
def film(
    camera: Annotated[str, typer.Argument(metavar="FACTORY/CAMERA", help="The camera, for example krakow/press-1.")],
    *,
    hours: Annotated[float, typer.Option("--hours", parser=number(), help="Footage of the past to send at once.")] = 0,
    seconds: Annotated[
        float, typer.Option("--seconds", parser=number(), help="How long to film in real time after that.")
    ] = 0,
    fragment_ms: Annotated[
        tuple[str, str], typer.Option("--fragment-ms", metavar="MIN MAX", help="Lengths of fragments.")
    ] = ("2000", "2000"),
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="Send this H.264 or H.265 video instead of marked pictures."),
    ] = None,
    lake: _Lake = DEFAULT_LOCAL,
) -> None:
    """Film into a camera's video stream: the past at once, then in real time."""
    cloud, stream = _cloud(lake), _stream_of(lake, camera)
    lengths = (whole(1)(fragment_ms[0]), whole(1)(fragment_ms[1]))
    with _explained(stream):
        journal = lake / "cameras.jsonl"
        sent = film_into(cloud, stream, journal, hours=hours, seconds=seconds, fragment_ms=lengths, file=file)
    print(f"{stream}: {sent} fragments sent")


@contextmanager
def _explained(place: object) -> Iterator[None]:
    """Turn what a user can cause into errors that the command reports in one line."""
    try:
        yield
    except (StartError, StepError, FlushError, PutMediaError) as error:
        raise FactoryLakeError(place, str(error)) from error
    except InputError as error:
        where, _, rule = str(error).partition(": ")
        raise FactoryLakeError(where, rule) from error


def _check(lake: Path) -> None:
    if not (lake / "cloud").is_dir():
        raise LakeError(lake, f"must be a local lake's folder (with cloud and {LOCAL_FILE})")


def _cloud(lake: Path) -> LocalCloud:
    _check(lake)
    try:
        return LocalCloud.attach(lake / "cloud")
    except StartError as error:
        raise LakeError(lake, "the local lake must be up; `factory-lake local up` starts it") from error


def _stream_of(lake: Path, camera: str) -> str:
    known = cameras_of(open_lake(lake).outputs)
    if camera not in known:
        raise OptionError("FACTORY/CAMERA", f"must be one of {', '.join(known)}", camera)
    return known[camera]
