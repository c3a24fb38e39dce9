"""A camera's clips, as the archive's keys and metadata describe them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from clip_fetch import keys
from factory_lake.errors import FactoryLakeError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: How many objects are asked for their metadata at once.
AT_ONCE = 16
_ABSENT = {"404", "NoSuchKey", "NotFound"}


class ClipError(FactoryLakeError):
    """A clip or a frame is not there, or a file is no video."""


@dataclass(frozen=True)
class Clip:
    """A clip of the archive."""

    key: str
    start: str  # when its first fragment reached AWS, ISO 8601, UTC
    end: str
    duration_ms: int
    fragments: int
    flags: str  # what is not as it should be; empty when nothing


def list_clips(s3: "S3Client", bucket: str, prefix: str, from_ms: int, to_ms: int) -> list[Clip]:
    """The clips that have footage of a range of time (`to_ms` is the first moment behind it), in its order.

    Raises:
        ClipError: When an object's metadata is not that of a clip or a gap record.
    """
    with ThreadPoolExecutor(AT_ONCE) as threads:
        found = threads.map(lambda key: _clip(s3, bucket, key), _keys(s3, bucket, prefix, from_ms, to_ms))
        return [clip for clip in found if clip is not None and keys.parse_iso(clip.end) > from_ms]


@contextmanager
def local_copy(s3: "S3Client", bucket: str, key: str) -> Iterator[Path]:
    """Download an object and hand out its file, which goes with the context.

    Raises:
        ClipError: When there is no such object.
    """
    with TemporaryDirectory(prefix="factory-lake-") as folder:
        file = Path(folder) / (key.rpartition("/")[2] or "clip")
        try:
            s3.download_file(bucket, key, str(file))
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                raise ClipError(f"s3://{bucket}/{key}", "must be an object; there is none") from error
            raise
        yield file


def _keys(s3: "S3Client", bucket: str, prefix: str, from_ms: int, to_ms: int) -> list[str]:
    """Keys that begin in the range, and the last one before it, whose clip may reach into the range."""
    before: str | None = None
    inside: list[str] = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            parsed = keys.parse(item["Key"], prefix)
            if parsed is None:
                continue
            if parsed.start_ms >= to_ms:
                return [*([before] if before else []), *inside]
            if parsed.start_ms < from_ms:
                before = parsed.key
            else:
                inside.append(parsed.key)
    return [*([before] if before else []), *inside]


def _clip(s3: "S3Client", bucket: str, key: str) -> Clip | None:
    metadata = s3.head_object(Bucket=bucket, Key=key)["Metadata"]
    try:
        if metadata["format"] == keys.GAP:
            return None
        keys.parse_iso(metadata["end"])
        return Clip(
            key,
            metadata["start"],
            metadata["end"],
            int(metadata["duration-ms"]),
            int(metadata["fragments"]),
            metadata.get("flags", ""),
        )
    except (KeyError, ValueError) as error:
        raise ClipError(f"s3://{bucket}/{key}", f"must have a clip's metadata ({error})") from error
