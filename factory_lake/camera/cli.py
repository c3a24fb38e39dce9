"""`factory-lake camera clips|frames|frame|reindex`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from clip_fetch import keys
from factory_lake.camera.clips import AT_ONCE, list_clips, local_copy
from factory_lake.camera.frames import export_frame, list_frames
from factory_lake.camera.reindex import AT_ONCE as ROWS_AT_ONCE
from factory_lake.camera.reindex import Reindexed, find_cameras
from factory_lake.camera.reindex import reindex as reindex_camera
from factory_lake.clients import Clients
from factory_lake.errors import OptionError
from factory_lake.lake import Lake, cameras_of, open_lake, output_at
from factory_lake.options import FormatOption, Group, LakeOption, or_now_ms, parse_moment_ms, whole
from factory_lake.output import Table, emit, progress

app = typer.Typer(cls=Group, add_completion=False, help="Read the clips of the cameras.")

_DAY_MS = 86_400_000
_Clip = Annotated[
    str, typer.Argument(metavar="CLIP", help="A file, the key of a clip of the lake, or s3://BUCKET/KEY.")
]


@app.command()
def clips(
    camera: Annotated[str, typer.Argument(metavar="FACTORY/CAMERA", help="The camera, for example krakow/press-1.")],
    *,
    from_ms: Annotated[
        Any,
        typer.Option(
            "--from", parser=parse_moment_ms, metavar="TIME", help="First moment. Default: a day before the last one."
        ),
    ] = None,
    to_ms: Annotated[
        Any,
        typer.Option(
            "--to", parser=parse_moment_ms, metavar="TIME", help="First moment behind the range. Default: now."
        ),
    ] = None,
    lake: LakeOption = None,
    form: FormatOption = "table",
) -> None:
    """List a camera's clips that have footage of a range of time."""
    opened = open_lake(lake)
    prefix = _prefix(opened, camera)
    end_ms = or_now_ms(to_ms)
    begin_ms = end_ms - _DAY_MS if from_ms is None else from_ms
    if begin_ms >= end_ms:
        raise OptionError("--from, --to", "--from must be before --to")
    s3 = Clients(opened).client("s3", connections=AT_ONCE)
    found = list_clips(s3, str(output_at(opened.outputs, "buckets", "clips")), prefix, begin_ms, end_ms)
    rows = [(clip.start, clip.end, clip.duration_ms / 1000, clip.fragments, clip.flags, clip.key) for clip in found]
    columns = ("start", "end", "seconds", "fragments", "flags", "key")
    between = f"from {keys.iso(begin_ms)} to {keys.iso(end_ms)}"
    emit(form, Table(columns, rows), notes=[f"{len(rows)} clips with footage {between}"])


@app.command()
def frames(clip: _Clip, *, lake: LakeOption = None, form: FormatOption = "table") -> None:
    """List the frames of a clip, decoded."""
    with _file(clip, lake) as file:
        found = list_frames(file, clip)
    rows = [(one.index, one.seconds, one.is_key, one.width, one.height) for one in found]
    emit(form, Table(("frame", "seconds", "key frame", "width", "height"), rows), notes=[f"{len(rows)} frames"])


@app.command()
def frame(
    clip: _Clip,
    index: Annotated[int, typer.Argument(metavar="FRAME", parser=whole(0), help="Which frame, from 0.")],
    picture: Annotated[Path, typer.Argument(metavar="PICTURE", help="The file to write, such as frame.png.")],
    *,
    lake: LakeOption = None,
) -> None:
    """Write one frame of a clip as a picture."""
    with _file(clip, lake) as file:
        export_frame(file, index, picture, clip)
    print(picture)


@app.command()
def reindex(
    *,
    factory: Annotated[
        str | None, typer.Option("--factory", metavar="ID", help="Only this factory. Default: all that have clips.")
    ] = None,
    camera: Annotated[
        str | None, typer.Option("--camera", metavar="ID", help="Only this camera of the factory. Default: all.")
    ] = None,
    lake: LakeOption = None,
    form: FormatOption = "table",
) -> None:
    """Make the table of clips anew: put the rows that are missing or wrong, delete those of clips that are gone."""
    if camera is not None and factory is None:
        raise OptionError("--camera", "must be given with --factory, whose camera it is", camera)
    opened = open_lake(lake)
    s3 = Clients(opened).client("s3", connections=ROWS_AT_ONCE)
    bucket = str(output_at(opened.outputs, "buckets", "clips"))
    found = find_cameras(s3, bucket, factory, camera)
    if not found and factory is not None:
        where = "--factory" if camera is None else "--factory, --camera"
        raise OptionError(where, f"must have clips in s3://{bucket}; there are none", camera or factory)
    done: list[Reindexed] = []
    with progress(None, "rows") as update:
        for each in found:
            before = sum(one.rows for one in done)
            name = "/".join(each)
            done.append(reindex_camera(s3, bucket, *each, lambda one: update(before + one.rows, name)))  # noqa: B023
    columns = ("factory", "camera", "rows", "written", "removed")
    rows = [(one.factory, one.camera, one.rows, one.written, one.removed) for one in done]
    right = sum(one.rows - one.written for one in done)
    emit(form, Table(columns, rows), notes=[f"{right} rows were there and right"])


def _prefix(lake: Lake, camera: str) -> str:
    """What the keys of a camera begin with, by `<factory>/<camera>`."""
    factory, _, name = camera.partition("/")
    known = cameras_of(lake.outputs)
    if camera not in known:
        raise OptionError(
            "FACTORY/CAMERA", f"must be one of {', '.join(known) or 'none: the lake has no camera'}", camera
        )
    return keys.camera_prefix(factory, name)


@contextmanager
def _file(clip: str, given: Path | None) -> Iterator[Path]:
    """The file that a clip's name means: one that is here, or a copy of an object."""
    if Path(clip).is_file():
        yield Path(clip)
        return
    bucket, slash, key = clip.removeprefix("s3://").partition("/") if clip.startswith("s3://") else ("", "/", clip)
    if not (slash and key) or not (bucket or key.startswith("factory=")):
        raise OptionError(
            "CLIP", "must be a file that is there, a clip's key (factory=.../camera=.../...) or s3://BUCKET/KEY", clip
        )
    opened = open_lake(given)
    bucket = bucket or str(output_at(opened.outputs, "buckets", "clips"))
    with local_copy(Clients(opened).client("s3"), bucket, key) as file:
        yield file
