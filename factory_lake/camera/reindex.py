"""Make the table `clips` anew, from the objects of the archive that its rows describe."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from clip_fetch import keys, rows

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: How many objects are asked for and written at once.
AT_ONCE = 16
_ABSENT = {"404", "NoSuchKey", "NotFound"}


@dataclass
class Reindexed:
    """What became of the rows of one camera.

    Attributes:
        rows: How many there are now, one for each object of the archive.
        written: Of these, how many were missing or said something else.
        removed: Rows of objects that are not there any more.
    """

    factory: str
    camera: str
    rows: int = 0
    written: int = 0
    removed: int = 0


def find_cameras(s3: "S3Client", bucket: str, factory: str | None, camera: str | None) -> list[tuple[str, str]]:
    """Factories and cameras that have objects in the clips bucket, or rows that are left of some.

    Args:
        s3: The client.
        bucket: The clips bucket.
        factory: The only factory; None for all.
        camera: The only camera; None for all.
    """
    found: set[tuple[str, str]] = set()
    for folder in _folders(s3, bucket, "factory=") if factory is None else [f"factory={factory}/"]:
        found |= {(_id(folder), _id(below)) for below in _folders(s3, bucket, f"{folder}camera=")}
    for key, _ in _list(s3, bucket, rows.PREFIX if factory is None else rows.row_prefix(factory)):
        described = rows.object_key(key)
        if described is not None:
            of_factory, of_camera = described.split("/")[:2]
            found.add((_id(of_factory), _id(of_camera)))
    return sorted(pair for pair in found if factory in (None, pair[0]) and camera in (None, pair[1]))


def reindex(
    s3: "S3Client", bucket: str, factory: str, camera: str, report: Callable[[Reindexed], None] = lambda _: None
) -> Reindexed:
    """Put each row of a camera that is missing or wrong, and delete each whose object is gone.

    A row that is right is left alone, and with it the time at which it expires. The archiver may run meanwhile.

    Args:
        s3: A client that takes `AT_ONCE` calls at once.
        bucket: The clips bucket.
        factory: The camera's factory.
        camera: The camera.
        report: Is told how far it is, after each day of the archive.
    """
    return _Camera(s3, bucket, Reindexed(factory, camera)).reindex(report)


class _Camera:
    def __init__(self, s3: "S3Client", bucket: str, done: Reindexed) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._done = done

    def reindex(self, report: Callable[[Reindexed], None]) -> Reindexed:
        days: set[str] = set()
        listed = ((row_key, key) for key in self._archived() if (row_key := rows.row_key(key)) is not None)
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for day, pairs in groupby(listed, key=lambda pair: _folder(pair[0])):
                days.add(day)
                self._put_rows(threads, day, dict(pairs))
                report(self._done)
            left = (key for key, _ in self._rows_below(rows.row_prefix(self._done.factory)))
            self._remove(threads, [key for key in left if _folder(key) not in days])
        report(self._done)
        return self._done

    def _archived(self) -> Iterator[str]:
        prefix = keys.camera_prefix(self._done.factory, self._done.camera)
        for key, _ in _list(self._s3, self._bucket, prefix):
            yield key

    def _put_rows(self, threads: ThreadPoolExecutor, day: str, objects: dict[str, str]) -> None:
        """Do the rows of a day; `objects` are those of the archive, by the keys of their rows."""
        there = dict(self._rows_below(f"{day}{self._done.camera}-"))
        found = list(threads.map(lambda pair: self._put_row(pair[0], pair[1], there.get(pair[0])), objects.items()))
        self._done.rows += sum(each is not None for each in found)
        self._done.written += sum(each is True for each in found)
        rowless = {key for key, each in zip(objects, found, strict=True) if each is None}
        self._remove(threads, [key for key in there if key not in objects or key in rowless])

    def _put_row(self, row_key: str, key: str, etag: str | None) -> bool | None:
        """Put the row of an object unless it is there; None if the object has none."""
        row = self._row(key)
        if row is None:
            return None
        if etag is not None and (etag == _etag(row) or self._get(row_key) == row):
            return False
        self._s3.put_object(Bucket=self._bucket, Key=row_key, Body=row, ContentType=rows.CONTENT_TYPE)
        return True

    def _row(self, key: str) -> bytes | None:
        """Make the row of an object; None if it is not there, or is not one of the archiver's."""
        try:
            described = self._s3.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise
        return rows.row(key, described["Metadata"], described["ContentLength"])

    def _get(self, key: str) -> bytes | None:
        try:
            return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise

    def _remove(self, threads: ThreadPoolExecutor, row_keys: list[str]) -> None:
        """Delete rows, unless their objects came since the archive was listed."""

        def remove(row_key: str) -> bool:
            key = rows.object_key(row_key)
            if key is None or self._row(key) is not None:
                return False
            self._s3.delete_object(Bucket=self._bucket, Key=row_key)
            return True

        self._done.removed += sum(threads.map(remove, row_keys))

    def _rows_below(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Keys and ETags of this camera's rows: another's ID may begin with its ID and a hyphen."""
        own = keys.camera_prefix(self._done.factory, self._done.camera)
        for key, etag in _list(self._s3, self._bucket, prefix):
            if (rows.object_key(key) or "").startswith(own):
                yield key, etag


def _list(s3: "S3Client", bucket: str, prefix: str) -> Iterator[tuple[str, str]]:
    """Keys and ETags below a prefix."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            yield item["Key"], item["ETag"]


def _folders(s3: "S3Client", bucket: str, prefix: str) -> Iterator[str]:
    """The folders whose names begin so, each with a slash at its end."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/"):
        for each in page.get("CommonPrefixes", []):
            yield each["Prefix"]


def _folder(key: str) -> str:
    return key[: key.rindex("/") + 1]


def _id(folder: str) -> str:
    """The ID in a folder such as `camera=press-1/`."""
    return folder.rstrip("/").rpartition("=")[2]


def _etag(body: bytes) -> str:
    """The ETag of a plain put with S3's own keys; with a KMS key it is another."""
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
