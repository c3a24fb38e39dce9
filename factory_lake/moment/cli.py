"""`factory-lake moment`."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from clip_fetch import keys
from factory_lake.camera.frames import export_frame_at
from factory_lake.canary.marks import ID as CANARY
from factory_lake.canary.marks import without_canary
from factory_lake.clients import Clients
from factory_lake.config.stored import AT_ONCE, SEARCH_DAYS, StoredMessages, day_of
from factory_lake.config.timeline import Message
from factory_lake.coverage.habits import spoken
from factory_lake.errors import OptionError
from factory_lake.lake import Lake, cameras_of, mapping_at, open_lake, output_at
from factory_lake.moment.footage import CameraArchive, Clock, Footage
from factory_lake.moment.tables import Question, Tables
from factory_lake.moment.waiting import settle
from factory_lake.options import FactoriesOption, FormatOption, LakeOption, parse_moment_ms
from factory_lake.output import Table, emit

app = typer.Typer(add_completion=False)

_AROUND = re.compile(r"([0-9]{1,5})(ms|s|m|h)")
_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
_MOST_AROUND_MS = 24 * 3_600_000
_AROUND_MS = 30_000
_LINK_SECONDS = 3600
#: What each clock means for the three parts of a moment.
_CLOCKS: dict[Clock, dict[str, str]] = {
    "gateway": {
        "samples": "the gateways' clock (ts)",
        "configuration": "arrival at AWS",
        "video": "the camera's clock, taken for the gateways'",
    },
    "camera": {
        "samples": "the gateways' clock (ts), taken for the camera's",
        "configuration": "arrival at AWS",
        "video": "the camera's clock",
    },
    "arrival": {
        "samples": "arrival at AWS (received_at)",
        "configuration": "arrival at AWS",
        "video": "arrival at AWS of a clip's first fragment",
    },
}


def _around_ms(text: str) -> int:
    """Milliseconds of a duration that the user gave.

    Raises:
        typer.BadParameter: When it is none, or too long.
    """
    found = _AROUND.fullmatch(text)
    length_ms = int(found[1]) * _UNITS_MS[found[2]] if found else 0
    if not 0 < length_ms <= _MOST_AROUND_MS:
        raise typer.BadParameter(f"must be a time like 500ms, 30s, 5m or 2h, at most 24h, got {text!r}")
    return length_ms


@app.command()
def moment(
    *,
    at_ms: Annotated[
        Any,
        typer.Option("--at", parser=parse_moment_ms, metavar="TIME", help="The moment, such as 2026-03-09T07:05Z."),
    ],
    factories: FactoriesOption = None,
    devices: Annotated[
        list[str] | None, typer.Option("--device", metavar="NAME", help="Only this device; may be repeated.")
    ] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="NAME", help="Only this tag; may be repeated.")
    ] = None,
    cameras: Annotated[
        list[str] | None,
        typer.Option("--camera", metavar="ID", help="Only this camera: ID or <factory>/<ID>; may be repeated."),
    ] = None,
    around_ms: Annotated[
        Any,
        typer.Option(
            "--around",
            parser=_around_ms,
            metavar="DURATION",
            help="How far from the moment samples may be. Default: 30s.",
        ),
    ] = None,
    clock: Annotated[Clock, typer.Option("--clock", help="Whose time the moment is.")] = "gateway",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write each camera's frame there, as PNG.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    lake: LakeOption = None,
    form: FormatOption = "table",
) -> None:
    """Tell what a plant was doing at a moment: samples, the configuration in force, and what each camera saw."""
    around_ms = _AROUND_MS if around_ms is None else around_ms
    opened = open_lake(lake)
    wanted = _factories(opened, factories)
    streams = _cameras(opened, wanted, cameras)
    clients = Clients(opened)
    tables = Tables(
        clients.client("athena"),
        str(output_at(opened.outputs, "athena", "workgroup")),
        str(output_at(opened.outputs, "athena", "database")),
    )
    questions = [Question(one, at_ms, around_ms, clock, devices or (), tags or ()) for one in wanted]
    samples = [row for asked in questions for row in tables.samples(asked)]
    configuration = _configuration(opened, clients, wanted, at_ms)
    video = list(_Video(opened, clients, tables, at_ms, clock, out).all(streams)) if streams else []
    document = {
        "at": keys.iso(at_ms),
        "clock": clock,
        "clocks": _CLOCKS[clock],
        "around_ms": around_ms,
        "samples": [_spelled(row) for row in samples],
        "configuration": [_spelled(row) for row in configuration],
        "cameras": video,
        "scanned_bytes": tables.scanned_bytes,
    }
    first, *more = [_samples_table(samples, at_ms, clock), _configuration_table(configuration), *_video_tables(video)]
    notes = [
        f"{part.capitalize()} by {told}." if part != "video" or streams else "The lake has no such camera."
        for part, told in _CLOCKS[clock].items()
    ]
    emit("json" if as_json else form, first, document=document, more=more, notes=["", *notes])


@dataclass(frozen=True)
class _Video:
    """Looks at the cameras of a lake."""

    lake: Lake
    clients: Clients
    tables: Tables
    at_ms: int
    clock: Clock
    out: Path | None

    def all(self, streams: dict[str, str]) -> Iterator[dict[str, Any]]:
        """What each camera saw, by `<factory>/<camera>` and stream."""
        bucket = str(output_at(self.lake.outputs, "buckets", "clips"))
        s3, signer = self.clients.client("s3"), self.clients.client("s3", signs=True)
        with TemporaryDirectory(prefix="factory-lake-") as folder:
            for name, stream in streams.items():
                factory, _, camera = name.partition("/")
                copy = Path(folder) / "clip" if self.out else None
                index = partial(self.tables.clips, factory, camera)
                archive = CameraArchive(s3, bucket, keys.camera_prefix(factory, camera), index)
                found = settle(archive.find(self.at_ms, self.clock, copy), self.clients, stream, self.at_ms)
                document: dict[str, Any] = {"factory": factory, "camera": camera, **_told(found)}
                if found.state == "clip":
                    document |= self._link(signer, bucket, found)
                    if self.out is not None and copy is not None:
                        picture = self.out / f"{factory}-{camera}-{keys.iso(self.at_ms).replace(':', '')}.png"
                        place = f"s3://{bucket}/{found.key}"
                        document["frame"] = export_frame_at(copy, found.offset_ms or 0, picture, place)
                        document["picture"] = str(picture)
                yield document

    @staticmethod
    def _link(signer: Any, bucket: str, found: Footage) -> dict[str, Any]:
        expires_ms = time.time_ns() // 1_000_000 + _LINK_SECONDS * 1000
        url = signer.generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": found.key}, ExpiresIn=_LINK_SECONDS
        )
        # Players and browsers begin at this time of the clip (W3C Media Fragments).
        return {
            "link": f"{url}#t={(found.offset_ms or 0) / 1000:.3f}",
            "link_expires": keys.iso(expires_ms // 1000 * 1000),
        }


def _told(found: Footage) -> dict[str, Any]:
    """What was found, without what says nothing."""
    return {name: value for name, value in vars(found).items() if value not in (None, "")}


def _configuration(lake: Lake, clients: Clients, factories: Sequence[str], at_ms: int) -> list[dict[str, Any]]:
    """The configuration of each gateway that was in force: its newest message that had arrived."""
    bucket = str(output_at(lake.outputs, "buckets", "configuration"))
    stored = StoredMessages(clients.client("s3", connections=AT_ONCE), bucket)
    first = day_of(at_ms) - timedelta(days=SEARCH_DAYS)
    found: list[Message] = []
    for factory in factories:
        found += stored.until(factory, at_ms, first, without_canary(lake.outputs["gateways"].get(factory, ())))
    newest = {one.sender: one for one in sorted(found, key=lambda one: one.order)}
    return [
        {
            "factory": one.factory,
            "gateway": one.gateway,
            "received_ms": one.received_ms,
            "age_ms": at_ms - one.received_ms,
            "message": one.text,
        }
        for _, one in sorted(newest.items())
    ]


def _factories(lake: Lake, wanted: Sequence[str] | None) -> list[str]:
    known = sorted(mapping_at(lake.outputs, "gateways").keys() | mapping_at(lake.outputs, "video").keys())
    for one in wanted or ():
        if one not in known:
            raise OptionError("--factory", f"must be one of {', '.join(known) or 'none'}", one)
    return sorted(set(wanted)) if wanted else without_canary(known)


def _cameras(lake: Lake, factories: Sequence[str], wanted: Sequence[str] | None) -> dict[str, str]:
    """The cameras of the factories that are asked for, by `<factory>/<camera>`, and their streams."""
    known = {name: stream for name, stream in cameras_of(lake.outputs).items() if name.split("/")[0] in factories}
    for one in wanted or ():
        if not any(one in (name, name.partition("/")[2]) for name in known):
            raise OptionError("--camera", f"must be one of {', '.join(known) or 'none'}", one)
    if not wanted:
        return {name: stream for name, stream in known.items() if name.partition("/")[2] != CANARY}
    return {name: stream for name, stream in known.items() if {name, name.partition("/")[2]} & set(wanted)}


def _spelled(row: dict[str, Any]) -> dict[str, Any]:
    """A row for JSON: its moments as the commands print them."""
    return {
        name.removesuffix("_ms") if name in ("taken_ms", "received_ms") else name: keys.iso(value)
        if name in ("taken_ms", "received_ms") and value is not None
        else value
        for name, value in row.items()
    }


def _age(age_ms: int | None) -> str:
    if age_ms is None:
        return ""
    return f"{spoken(age_ms)} before" if age_ms >= 0 else f"{spoken(-age_ms)} after"


def _samples_table(samples: Sequence[dict[str, Any]], at_ms: int, clock: Clock) -> Table:
    rows = [
        (one["factory"], one["gateway"], one["device"], one["tag"], _age(one["age_ms"]), one["value"], one["success"])
        for one in samples
    ]
    columns = ("factory", "gateway", "device", "tag", "sample", "value", "success")
    title = f"Samples at {keys.iso(at_ms)}, {clock} clock:" + ("" if rows else " none")
    return Table(columns, rows, title=title) if rows else Table((), (), title=title)


def _configuration_table(configuration: Sequence[dict[str, Any]]) -> Table:
    rows = [
        (one["factory"], one["gateway"], f"{spoken(one['age_ms'])} before", one["message"]) for one in configuration
    ]
    title = "\nConfiguration in force:" + ("" if rows else " none")
    return (
        Table(("factory", "gateway", "arrived", "message"), rows, title=title) if rows else Table((), (), title=title)
    )


def _video_tables(video: Sequence[dict[str, Any]]) -> list[Table]:
    clips = [one for one in video if one["state"] == "clip"]
    gaps = [one for one in video if one["state"] != "clip"]
    found: list[Table] = []
    if clips:
        rows = [(one["factory"], one["camera"], f"{one['offset_ms'] / 1000:.3f} s", one["key"]) for one in clips]
        found.append(Table(("factory", "camera", "offset", "clip"), rows, title="\nClips:"))
        if pictures := [(one["camera"], one["frame"], one["picture"]) for one in clips if "picture" in one]:
            found.append(Table(("camera", "frame", "picture"), pictures, title="\nPictures:"))
        links = [(one["camera"], one["link"]) for one in clips]
        found.append(Table(("camera", "link"), links, title=f"\nLinks, until {clips[0]['link_expires']}:"))
    if gaps:
        without = [(one["factory"], one["camera"], one["state"], one["why"]) for one in gaps]
        found.append(Table(("factory", "camera", "gap", "why"), without, frozenset({"why"}), "\nWithout footage:"))
    return found
