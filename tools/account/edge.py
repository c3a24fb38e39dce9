"""Where the account meets S3."""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.account.expectation import Rules
from tools.account.ledger import Account
from tools.account.matching import match
from tools.account.stored import Found, read_object
from tools.gateway.connections import output_value
from tools.gateway.identities import LANES, Lane
from tools.gateway.journal import read_journals

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_AT_ONCE = 8
_BETWEEN_LOOKS = 2.0


@dataclass(frozen=True)
class Buckets:
    """The buckets of a lake that messages end in, by lane."""

    by_lane: Mapping[Lane, str]

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, Any]) -> "Buckets":
        """Read Terraform's output `buckets`.

        Raises:
            ConfigurationError: When there is none.
        """
        buckets = output_value(outputs, "buckets")
        return cls({lane: str(buckets[lane]) for lane in LANES})


@dataclass
class Lake:
    """The lake's objects. Each is read once: delivered objects never change.

    Attributes:
        s3: A client that may list the buckets and get their objects.
        buckets: The buckets.
    """

    s3: "S3Client"
    buckets: Buckets
    _read: dict[tuple[str, str, str], list[Found]] = field(default_factory=dict)

    def found(self, factories: Iterable[str]) -> list[Found]:
        """Everything that lies under the factories' prefixes now.

        Raises:
            StoredError: When an object is not what its key says.
        """
        prefixes = [
            f"{head}factory={factory}/" for factory in sorted(set(factories)) for head in ("", "errors/")
        ]
        wanted: list[tuple[Lane, tuple[str, str, str]]] = []
        for lane, bucket in self.buckets.by_lane.items():
            for prefix in prefixes:
                for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                    wanted += [
                        (lane, (bucket, item["Key"], item["ETag"])) for item in page.get("Contents", [])
                    ]
        fresh = [one for one in wanted if one[1] not in self._read]
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for (_, name), contents in zip(fresh, threads.map(self._fetch, fresh), strict=True):
                self._read[name] = contents
        return [one for _, name in wanted for one in self._read[name]]

    def _fetch(self, wanted: tuple[Lane, tuple[str, str, str]]) -> list[Found]:
        lane, (bucket, key, _) = wanted
        body = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return read_object(bucket, lane, key, body)


def take_account(
    lake: Lake,
    journal_dir: Path,
    rules: Rules | None = None,
    wait_seconds: float = 0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Account:
    """Take the account of everything in a directory's journals.

    Args:
        lake: Where to look.
        journal_dir: The journals.
        rules: The settings of the lake's transform functions; the defaults when None.
        wait_seconds: How long to look again while messages are missing: a delivery stream keeps them for as
            long as its buffer interval.
        clock: Seconds that only go forward.
        sleep: Waits for so many seconds.

    Raises:
        JournalError: When a journal is damaged or there is none.
        StoredError: When an object of the lake cannot be read.
    """
    entries = read_journals(journal_dir)
    factories = {entry.source.factory for entry in entries}
    deadline = clock() + wait_seconds
    while True:
        account = match(entries, lake.found(factories), rules or Rules())
        if not account.total.lost or clock() >= deadline:
            return account
        sleep(_BETWEEN_LOOKS)
