"""The lake's objects in S3, and the reconciliation of the journals with them."""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factory_lake.gateway.identities import LANES, Lane
from factory_lake.lake import output_at
from factory_lake.reconcile.expectation import Rules
from factory_lake.reconcile.matching import match
from factory_lake.reconcile.redriven import RECORDS, Lines, Redriven, object_key
from factory_lake.reconcile.report import ReconciliationReport
from factory_lake.reconcile.sent import read_samples
from factory_lake.reconcile.stored import Found, StoredError, read_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_AT_ONCE = 8
_BETWEEN_LOOKS = 2.0
_NONE = Lines()


@dataclass(frozen=True)
class Buckets:
    """The buckets of a lake that messages end in, by lane."""

    by_lane: Mapping[Lane, str]

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, Any]) -> "Buckets":
        """Read Terraform's output `buckets`.

        Raises:
            LakeError: When there is none.
        """
        return cls({lane: str(output_at(outputs, "buckets", lane)) for lane in LANES})


@dataclass
class StoredObjects:
    """The lake's objects. Each is read once: delivered objects never change."""

    s3: "S3Client"
    buckets: Buckets
    _read: dict[tuple[str, str, str], list[Found]] = field(default_factory=dict)

    def found(self, factories: Iterable[str]) -> list[Found]:
        """Everything that lies under the factories' prefixes now.

        A line of an error object that was redriven stands for its message no longer.

        Raises:
            StoredError: When an object is not what its key says.
        """
        factories = sorted(set(factories))
        prefixes = [f"{head}factory={factory}/" for factory in factories for head in ("", "errors/")]
        wanted: list[tuple[Lane, tuple[str, str, str]]] = []
        for lane, bucket in self.buckets.by_lane.items():
            for prefix in prefixes:
                for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                    wanted += [(lane, (bucket, item["Key"], item["ETag"])) for item in page.get("Contents", [])]
        fresh = [one for one in wanted if one[1] not in self._read]
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for (_, name), contents in zip(fresh, threads.map(self._fetch, fresh), strict=True):
                self._read[name] = contents
        redriven = self._redriven(factories)
        return [
            one for _, name in wanted for one in self._read[name] if one.number not in redriven.get(name[:2], _NONE)
        ]

    def _redriven(self, factories: Iterable[str]) -> dict[tuple[str, str], Lines]:
        """What was redriven of which error object, by bucket and key."""
        lines: dict[tuple[str, str], Lines] = {}
        for bucket in self.buckets.by_lane.values():
            for factory in factories:
                pages = self.s3.get_paginator("list_objects_v2").paginate(
                    Bucket=bucket, Prefix=f"{RECORDS}factory={factory}/"
                )
                for key in [item["Key"] for page in pages for item in page.get("Contents", [])]:
                    body = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
                    try:
                        lines[bucket, object_key(key)] = Redriven.from_bytes(body).redriven
                    except ValueError as error:
                        raise StoredError(f"s3://{bucket}/{key}", f"cannot be read: {error}") from error
        return lines

    def _fetch(self, wanted: tuple[Lane, tuple[str, str, str]]) -> list[Found]:
        lane, (bucket, key, _) = wanted
        body = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return read_object(bucket, lane, key, body)


def reconcile(
    lake: StoredObjects,
    journal_dir: Path,
    rules: Rules | None = None,
    wait_seconds: float = 0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> ReconciliationReport:
    """Reconcile everything in a directory's journals.

    `wait_seconds` is how long to look again while messages are missing: a delivery stream keeps them for as long as
    its buffer interval.

    Raises:
        JournalError: When a journal is damaged or there is none.
        StoredError: When an object of the lake cannot be read.
    """
    entries = read_samples(journal_dir)
    factories = {entry.source.factory for entry in entries}
    deadline = clock() + wait_seconds
    while True:
        report = match(entries, lake.found(factories), rules or Rules())
        if not report.total.lost or clock() >= deadline:
            return report
        sleep(_BETWEEN_LOOKS)
