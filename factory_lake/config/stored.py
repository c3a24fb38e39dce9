"""Configuration messages in their bucket, by the day on which they arrived.

Days are found by listing their folders, newest first, so that a search for what was in force ends where each
gateway has a message, and days without any cost nothing.
"""

import re
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from factory_lake.canary.marks import is_marked
from factory_lake.config.timeline import Message
from factory_lake.reconcile.stored import StoredError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: Objects that are read at once.
AT_ONCE = 16
#: How many days back a search for what was in force goes, unless it is told otherwise.
SEARCH_DAYS = 400
_FOLDER = re.compile(r".*/(?:year|month|day)=(\d+)/")
#: The two keys that the transform adds at the end of each line, as the views take them off.
_ENVELOPE = re.compile(r',?"_received_at":([0-9]+)(?:,"_gateway":"([^"]*)")?\}$')


@dataclass
class StoredMessages:
    """The configuration bucket of a lake. Each object is read once: delivered objects never change.

    Attributes:
        objects_read: How many objects were read so far.
    """

    s3: "S3Client"
    bucket: str
    objects_read: int = 0
    _days: dict[tuple[str, date], list[Message]] = field(default_factory=dict, repr=False)

    def days(self, factory: str, first: date, last: date) -> Iterator[date]:
        """The days of a range that a factory has objects of, newest first, listed as far as they are asked for."""
        root = f"factory={factory}/"
        for year, in_year in self._folders(root):
            if not first.year <= year <= last.year:
                continue
            for month, in_month in self._folders(in_year):
                if not (first.year, first.month) <= (year, month) <= (last.year, last.month):
                    continue
                for day, _ in self._folders(in_month):
                    try:
                        found = date(year, month, day)
                    except ValueError as error:
                        raise StoredError(
                            f"s3://{self.bucket}/{in_month}day={day:02d}/", f"is no day: {error}"
                        ) from error
                    if first <= found <= last:
                        yield found

    def of_day(self, factory: str, day: date) -> list[Message]:
        """The messages of a factory that arrived on a day (UTC), copies included.

        Raises:
            StoredError: When an object holds something else.
        """
        if (factory, day) not in self._days:
            prefix = f"factory={factory}/year={day:%Y}/month={day:%m}/day={day:%d}/"
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
            with ThreadPoolExecutor(AT_ONCE) as threads:
                self._days[factory, day] = [
                    message for found in threads.map(lambda key: self._read(factory, key), keys) for message in found
                ]
            self.objects_read += len(keys)
        return self._days[factory, day]

    def until(self, factory: str, at_ms: int, first: date, wanted: Collection[str]) -> list[Message]:
        """A factory's messages until a moment, back to the day on which each wanted gateway has one.

        Args:
            factory: Whose messages.
            at_ms: The moment, included.
            first: The day to end the search at.
            wanted: Gateways; where there are none, the search goes on to the first day.
        """
        found: list[Message] = []
        missing = set(wanted)
        for day in self.days(factory, first, day_of(at_ms)):
            messages = [one for one in self.of_day(factory, day) if one.received_ms <= at_ms]
            found += messages
            missing -= {one.gateway for one in messages if one.gateway is not None}
            if wanted and not missing:
                break
        return found

    def _folders(self, prefix: str) -> list[tuple[int, str]]:
        """The folders in a folder by their numbers, highest first."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix, Delimiter="/")
        names = [item["Prefix"] for page in pages for item in page.get("CommonPrefixes", [])]
        return sorted(((int(found[1]), name) for name in names if (found := _FOLDER.fullmatch(name))), reverse=True)

    def _read(self, factory: str, key: str) -> list[Message]:
        where = f"s3://{self.bucket}/{key}"
        body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        try:
            lines = body.decode("utf-8").removesuffix("\n").split("\n") if body else []
        except UnicodeDecodeError as error:
            raise StoredError(where, f"cannot be read: {error}") from error
        return [
            _message(f"{where}#{number}", factory, line)
            for number, line in enumerate(lines)
            if not is_marked("configuration", line.encode())
        ]


def day_of(moment_ms: int) -> date:
    """The day (UTC) of a moment."""
    return datetime.fromtimestamp(moment_ms / 1000, UTC).date()


def _message(where: str, factory: str, line: str) -> Message:
    found = _ENVELOPE.search(line)
    if found is None:
        raise StoredError(where, "must be a line that ends with _received_at")
    return Message(factory, found[2], int(found[1]), f"{line[: found.start()]}}}")
