"""A camera's clips, as the archive's keys and metadata describe them."""

from collections.abc import Iterator, Sequence
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


@dataclass(frozen=True)
class Gap:
    """A gap record: the archive goes on behind footage that it lacks, if there was any."""

    key: str
    resume_ms: int  # where it goes on
    lost_ms: int  # how much footage before that is lost, at most
    flags: str  # why


@dataclass(frozen=True)
class Archive:
    """What the archive has of a camera and a range of time, in its order."""

    clips: Sequence[Clip]
    gaps: Sequence[Gap]
    goes_on: bool  # whether it has something behind the range


def list_clips(s3: "S3Client", bucket: str, prefix: str, from_ms: int, to_ms: int) -> list[Clip]:
    """The clips that have footage of a range of time (`to_ms` is the first moment behind it), in its order.

    Raises:
        ClipError: When an object's metadata is not that of a clip or a gap record.
    """
    found = list_archive(s3, bucket, prefix, from_ms, to_ms)
    return [clip for clip in found.clips if keys.parse_iso(clip.end) > from_ms]


def list_archive(s3: "S3Client", bucket: str, prefix: str, from_ms: int, to_ms: int) -> Archive:
    """Clips and gap records that begin in a range, and the last ones before it.

    Raises:
        ClipError: When an object's metadata is not that of a clip or a gap record.
    """
    wanted, goes_on = _keys(s3, bucket, prefix, from_ms, to_ms)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        found = list(threads.map(lambda key: _described(s3, bucket, key), wanted))
    return Archive(
        [one for one in found if isinstance(one, Clip)], [one for one in found if isinstance(one, Gap)], goes_on
    )


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


def _keys(s3: "S3Client", bucket: str, prefix: str, from_ms: int, to_ms: int) -> tuple[list[str], bool]:
    """Keys that begin in the range and the last two before it, and whether others follow the range.

    Of the two the first may be a clip that reaches into the range, and the second the record of a gap behind it.
    """
    before: list[str] = []
    inside: list[str] = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            parsed = keys.parse(item["Key"], prefix)
            if parsed is None:
                continue
            if parsed.start_ms >= to_ms:
                return [*before, *inside], True
            if parsed.start_ms < from_ms:
                before = [*before[-1:], parsed.key]
            else:
                inside.append(parsed.key)
    return [*before, *inside], False


def _described(s3: "S3Client", bucket: str, key: str) -> Clip | Gap:
    metadata = s3.head_object(Bucket=bucket, Key=key)["Metadata"]
    try:
        if metadata["format"] == keys.GAP:
            return Gap(key, keys.parse_iso(metadata["resume-start"]), int(metadata["lost-ms"]), metadata["flags"])
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
