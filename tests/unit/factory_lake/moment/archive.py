"""An archive in memory, behind a fake of S3 that takes no call which S3 would not, and counts."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from clip_fetch import keys, rows

BUCKET = "lake-clips"
PREFIX = keys.camera_prefix("krakow", "press-1")


@dataclass
class FakeArchive:
    """Objects by key, each with its metadata."""

    objects: dict[str, dict[str, str]] = field(default_factory=dict)
    page: int = 1000
    calls: list[str] = field(default_factory=list)
    camera: str = "press-1"

    @property
    def prefix(self) -> str:
        """What its keys begin with."""
        return keys.camera_prefix("krakow", self.camera)

    def clip(
        self, start_ms: int, length_ms: int, *, skew_ms: int = 0, number: int | None = None, ending: str = ".mp4"
    ) -> str:
        """Put a clip of 2 s fragments that begins at a time by the camera's clock, and give its key."""
        arrived_ms = start_ms + skew_ms
        number = arrived_ms if number is None else number
        key = f"{self.prefix}{keys.stem(arrived_ms, number)}{ending}"
        fragments = max(1, length_ms // 2000)
        self.objects[key] = {
            "stream": f"lake_krakow_{self.camera}",
            "format": ending[1:],
            "first-fragment": str(number),
            "last-fragment": str(number),
            "last-start": keys.iso(arrived_ms),
            "start": keys.iso(arrived_ms),
            # Without the last frame, as AWS lists it.
            "end": keys.iso(arrived_ms + length_ms - 200),
            "producer-start": keys.iso(start_ms),
            "duration-ms": str(length_ms),
            "fragments": str(fragments),
        }
        return key

    def gap(self, named_ms: int, resume_ms: int, lost_ms: int, flags: str, ending: str = ".gap.json") -> str:
        """Put a gap record, and give its key."""
        key = f"{self.prefix}{keys.stem(named_ms, named_ms)}{ending}"
        self.objects[key] = {
            "stream": f"lake_krakow_{self.camera}",
            "format": "gap",
            "resume-fragment": str(resume_ms),
            "resume-start": keys.iso(resume_ms),
            "lost-ms": str(lost_ms),
            "flags": flags,
        }
        return key

    def rows(self) -> dict[str, bytes]:
        """The rows of the table of clips, as the archiver writes them."""
        made = {}
        for key, metadata in self.objects.items():
            row_key, row = rows.row_key(key), rows.row(key, metadata, 1000)
            if row_key is not None and row is not None:
                made[row_key] = row
        return made

    def list_objects_v2(self, **request: Any) -> Any:
        """S3's ListObjectsV2, one page."""
        self.calls.append("list_objects_v2")
        assert request["Bucket"] == BUCKET
        found = sorted(
            key for key in self.objects if key.startswith(request["Prefix"]) and key > request.get("StartAfter", "")
        )
        page = [{"Key": key} for key in found[: self.page]]
        return {"Contents": page, "IsTruncated": len(found) > self.page} if page else {"IsTruncated": False}

    def head_object(self, **request: Any) -> Any:
        """S3's HeadObject."""
        self.calls.append("head_object")
        return {"Metadata": self._metadata(request["Key"], "HeadObject", "404")}

    def get_object(self, **request: Any) -> Any:
        """S3's GetObject; the clip's bytes are its key."""
        self.calls.append("get_object")
        metadata = self._metadata(request["Key"], "GetObject", "NoSuchKey")
        body = request["Key"].encode()
        return {"Metadata": metadata, "Body": StreamingBody(io.BytesIO(body), len(body))}

    def _metadata(self, key: str, operation: str, code: str) -> Mapping[str, str]:
        if key not in self.objects:
            raise ClientError({"Error": {"Code": code, "Message": "absent"}}, operation)
        return self.objects[key]
