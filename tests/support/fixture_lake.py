"""A lake that a test writes: journals and S3 objects in exactly the state that it wants."""

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from factory_lake.gateway.identities import Lane, Source
from factory_lake.gateway.journal import Journal
from factory_lake.reconcile import Buckets, ReconciliationReport, StoredObjects, reconcile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOW_MS = 1_772_600_000_000
PRESS = Source("krakow", "line-1", "measurements")
OVEN = Source("krakow", "line-2", "measurements")
SETUP = Source("krakow", "line-1", "configuration")
BUCKETS = Buckets({"measurements": "lake-measurements", "configuration": "lake-configuration"})
_COLUMNS: dict[str, pa.DataType] = {
    "device_id": pa.string(),
    "device_name": pa.string(),
    "register_id": pa.string(),
    "tag_name": pa.string(),
    "datatype": pa.string(),
    "description": pa.string(),
    "ts": pa.timestamp("ms"),
    "success": pa.bool_(),
    "value": pa.float64(),
    "value_text": pa.string(),
    "attributes": pa.string(),
    "received_at": pa.timestamp("ms"),
    "gateway": pa.string(),
}
_SCHEMA = pa.schema(_COLUMNS)


def sample(value: object = 1.5, **changes: object) -> bytes:
    """A LoopEdge sample."""
    fields = {
        "datatype": "float64",
        "description": "",
        "deviceID": "d-1",
        "deviceName": "Press 1",
        "metadata": {},
        "registerId": "r-1",
        "success": True,
        "tagName": "temperature",
        "timestamp": NOW_MS,
        "value": value,
    }
    return json.dumps({**fields, **changes}).encode()


def row(value: float | None = 1.5, **changes: object) -> dict[str, Any]:
    """The row that `sample` with the same value must become."""
    fields = {
        "device_id": "d-1",
        "device_name": "Press 1",
        "register_id": "r-1",
        "tag_name": "temperature",
        "datatype": "float64",
        "description": None,
        "ts": NOW_MS,
        "success": True,
        "value": value,
        "value_text": None,
        "attributes": None,
        "received_at": NOW_MS + 5,
        "gateway": "line-1",
    }
    return {**fields, **changes}


def day_of(at_ms: int) -> str:
    """The partition of a moment."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("year=%Y/month=%m/day=%d")


@dataclass
class FixtureLake:
    """Journals in a directory and objects in S3."""

    s3: "S3Client"
    journal_dir: Path
    buckets: Buckets = BUCKETS
    objects: int = 0
    _journals: dict[Source, Journal] = field(default_factory=dict)

    def send(self, *payloads: bytes, source: Source = PRESS, attempts: int = 1, acked: bool = True) -> None:
        """Write messages into the source's journal."""
        journal = self._journal(source)
        for payload in payloads:
            n = journal.add(payload, NOW_MS)
            for _ in range(attempts - 1):
                journal.record_retransmission(n, NOW_MS + 1)
            if acked:
                journal.acked(n, NOW_MS + 10)

    def refuse(self, payload: bytes, reason: str, source: Source = PRESS) -> None:
        """Write a message into the journal that the broker refused."""
        journal = self._journal(source)
        journal.refused(journal.add(payload, NOW_MS), reason)

    def store_rows(
        self,
        *rows: dict[str, Any],
        day: str = day_of(NOW_MS),
        factory: str = "krakow",
        own: dict[str, float | None] | None = None,
    ) -> str:
        """Put a Parquet object into the table measurements."""
        columns = [pa.array([one[name] for one in rows], kind) for name, kind in _COLUMNS.items()]
        body = io.BytesIO()
        table = pa.Table.from_arrays(columns, schema=_SCHEMA)
        for name, value in (own or {}).items():
            table = table.append_column(name, pa.array([value] * len(rows), pa.float64()))
        pq.write_table(table, body)
        return self.put("measurements", f"factory={factory}/{day}/{self._name()}.parquet", body.getvalue())

    def store_lines(self, *lines: str, day: str = day_of(NOW_MS)) -> str:
        """Put an object into the table configuration."""
        body = "".join(f"{line}\n" for line in lines).encode()
        return self.put("configuration", f"factory=krakow/{day}/{self._name()}", body)

    def store_failures(
        self,
        *payloads: bytes,
        lane: Lane = "measurements",
        kind: str = "processing-failed",
        factory: str = "krakow",
        day: str = "2026/03/04",
    ) -> str:
        """Put an error object of the delivery."""
        lines = [
            json.dumps({"errorCode": "Lambda.Code", "rawData": base64.b64encode(payload).decode()})
            for payload in payloads
        ]
        key = f"errors/factory={factory}/{lane}/{kind}/{day}/{self._name()}"
        return self.put(lane, key, "\n".join(lines).encode())

    def store_error_action(self, payload: bytes, source: Source = PRESS, topic: str | None = None) -> str:
        """Put a document of the topic rule's error action."""
        document = {
            "ruleName": "lake_krakow_measurements",
            "topic": topic or source.topic,
            "clientId": source.client_id,
            "base64OriginalPayload": base64.b64encode(payload).decode(),
            "failures": [{"failedAction": "KinesisAction", "errorMessage": "Stream not found"}],
        }
        key = f"errors/factory={source.factory}/{source.lane}/iot-rule/2026/03/04/{self._name()}.json"
        return self.put(source.lane, key, json.dumps(document).encode())

    def put(self, lane: Lane, key: str, body: bytes) -> str:
        """Put any object into a lane's bucket."""
        self.s3.put_object(Bucket=self.buckets.by_lane[lane], Key=key, Body=body)
        return f"s3://{self.buckets.by_lane[lane]}/{key}"

    def reconcile(self) -> ReconciliationReport:
        """Take the account."""
        return reconcile(StoredObjects(self.s3, self.buckets), self.journal_dir)

    def close(self) -> None:
        """Close the journals."""
        for journal in self._journals.values():
            journal.close()

    def _journal(self, source: Source) -> Journal:
        if source not in self._journals:
            self._journals[source] = Journal.open(self.journal_dir, source)
        return self._journals[source]

    def _name(self) -> str:
        self.objects += 1
        return f"object-{self.objects:03}"


def kinds(report: ReconciliationReport) -> Sequence[str]:
    """The kinds of an account's discrepancies."""
    return [discrepancy.kind for discrepancy in report.discrepancies]
