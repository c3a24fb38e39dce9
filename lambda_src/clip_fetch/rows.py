"""The table ``clips``: for each object of the archive one row, a JSON object of one line beside the archive.

``index/factory=<id>/year=YYYY/month=MM/day=DD/<camera>-<name of the archive's object>.json``

A row follows from the key, the metadata and the size of the object that it describes, and its key from that key
alone. So whoever writes it, and however often, writes the same bytes, and the bucket is enough to make the table anew.
"""

from __future__ import annotations

import json
import re
from typing import Any, Mapping

from .keys import GAP, MKV, MP4, camera_prefix, iso, parse, parse_iso, position_after, time_stem

#: What the keys of all rows begin with; no key of the archive does.
PREFIX = "index/"

#: Kinds of rows.
CLIP_ROW = "clip"
GAP_ROW = "gap"

#: Media type of a row.
CONTENT_TYPE = "application/json"

_KEY = re.compile(r"(?P<prefix>factory=(?P<factory>[^/]+)/camera=(?P<camera>[^/]+)/)(?P<token>.+)")
_BEGIN = re.compile(r"_begin-(?P<created>[0-9]{1,14})\.json")
_ROW_KEY = re.compile(
    r"index/factory=(?P<factory>[^/]+)/(?P<day>year=[0-9]{4}/month=[0-9]{2}/day=[0-9]{2}/)"
    r"(?P<camera>[^/]+)-(?P<stem>[0-9]{8}T[0-9]{6}\.[0-9]{3}Z-(?:[0-9]{1,128}|begin))(?P<ending>\.[a-z0-9.]+)"
)
_WHOLE = re.compile(r"[0-9]{1,18}")


def row_prefix(factory: str) -> str:
    """Return what the keys of a factory's rows begin with."""
    return f"{PREFIX}factory={factory}/"


def row_key(key: str) -> str | None:
    """Return the key of the row of an object; None when its key is not one of an archive.

    The row of where an archive begins lies on the day that its stream was created. Its name does not begin with an
    underscore, which would hide it from queries.
    """
    found = _KEY.fullmatch(key)
    if found is None:
        return None
    token = found["token"]
    begin = _BEGIN.fullmatch(token)
    if begin is not None:
        token = time_stem(int(begin["created"])) + "Z-begin.json"
    elif parse(key, found["prefix"]) is None:
        return None
    day, _, name = token.rpartition("/")
    ending = "" if name.endswith(".json") else ".json"
    return f"{row_prefix(found['factory'])}{day}/{found['camera']}-{name}{ending}"


def object_key(key: str) -> str | None:
    """Return the key of the object that a row is of, the inverse of :func:`row_key`; None when it is no row's key."""
    found = _ROW_KEY.fullmatch(key)
    if found is None:
        return None
    prefix = camera_prefix(found["factory"], found["camera"])
    name = found["day"] + found["stem"] + found["ending"]
    if found["stem"].endswith("-begin"):
        at = parse(prefix + name.replace("begin.json", "0.gap.json"), prefix)
        candidates = [] if at is None else [f"{prefix}_begin-{at.start_ms}.json"]
    else:
        candidates = [prefix + name, prefix + name[: -len(".json")]]
    return next((each for each in candidates if row_key(each) == key), None)


def row(key: str, metadata: Mapping[str, str], size: int) -> bytes | None:
    """Return the row of an object; None when it is not one that this function wrote for this camera.

    What the metadata of an older release does not say is left out, so that it is null in the table.
    """
    found = _KEY.fullmatch(key)
    if found is None or row_key(key) is None or not metadata.get("stream", "").endswith(found["camera"]):
        return None
    parsed = parse(key, found["prefix"])
    if position_after("" if parsed is None else parsed.stem, metadata) is None:
        return None
    values: dict[str, Any] = {"camera": found["camera"], "key": key}
    if metadata["format"] == GAP:
        values.update(
            kind=GAP_ROW,
            started_at=_time(metadata.get("stream-created") if parsed is None else iso(parsed.start_ms)),
            ended_at=_time(metadata["resume-start"]),
            lost_ms=_whole(metadata.get("lost-ms")),
        )
    elif metadata["format"] in (MP4, MKV):
        values.update(
            kind=CLIP_ROW,
            started_at=_time(metadata["start"]),
            ended_at=_time(metadata["end"]),
            producer_started_at=_time(metadata.get("producer-start")),
            duration_ms=_whole(metadata.get("duration-ms")),
            fragments=_whole(metadata.get("fragments")),
            cut=metadata.get("cut"),
            format=metadata["format"],
            size_bytes=size,
        )
    else:
        return None
    values["flags"] = metadata.get("flags") or None
    known = {name: value for name, value in values.items() if value is not None}
    return json.dumps(known, separators=(",", ":")).encode() + b"\n"


def _time(text: str | None) -> str | None:
    """Return a time of the metadata in the form that all readers of JSON take (java.sql.Timestamp); None for none."""
    try:
        return None if text is None else iso(parse_iso(text)).replace("T", " ")[:-1]
    except ValueError:
        return None


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and _WHOLE.fullmatch(text) else None
