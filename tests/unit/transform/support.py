"""What the transform's tests share: LoopEdge messages, Firehose events around them, a transform to try."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.support.data_stream import FakeDataStream
from transform.batch import Transform
from transform.report import Report
from transform.settings import Settings

SCHEMAS = str(Path(__file__).resolve().parents[3] / "glue_schemas")
EVENTS = Path(__file__).resolve().parent / "events"

# 2026-03-09T07:05:00Z, when the broker received the tests' messages, and the instant at which they were taken.
ARRIVAL = 1_773_039_900_000
TAKEN = ARRIVAL - 1_500
DAY = 86_400_000

LINE_SUFFIX = f',"_received_at":{ARRIVAL},"_gateway":"line-1"}}\n'


def sample(**changes: Any) -> dict[str, Any]:
    """Make a LoopEdge message in which nothing has to change; ``...`` as a change takes the key out."""
    message = {
        "datatype": "float64",
        "description": "Spindle temperature",
        "deviceID": "0b9e6f1c-4d0a-4a53-9b8e-6f5a1c2d3e4f",
        "deviceName": "Press 1",
        "registerId": "9c1d2e3f-5a6b-4c7d-8e9f-0a1b2c3d4e5f",
        "success": True,
        "tagName": "spindle_temperature",
        "timestamp": TAKEN,
        "value": 36.5,
        **changes,
    }
    return {key: value for key, value in message.items() if value is not ...}


def spell(message: Any) -> str:
    """Spell a message as LoopEdge does: compact, and in UTF-8 rather than escapes."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)


def with_value(spelled: str, key: str = "value", **changes: Any) -> str:
    """Spell a message whose value for a key is spelled by hand."""
    return spell(sample(**{**changes, key: "@"})).replace('"@"', spelled)


KEY = f"{ARRIVAL}/line-1/5c2f7a10-0b7c-4a2f-8d8e-2f1b6f3f9d11"


def record(payload: bytes | str, number: int = 0, key: str | None = KEY) -> Any:
    """Make a record as Firehose hands it to a transform; one without a key was put straight into the stream."""
    data = payload.encode("utf-8", "surrogatepass") if isinstance(payload, str) else payload
    made: dict[str, Any] = {
        "recordId": f"4966{number:052}",
        "approximateArrivalTimestamp": ARRIVAL + 250,
        "data": base64.b64encode(data).decode(),
    }
    if key is not None:
        made["kinesisRecordMetadata"] = {
            "shardId": "shardId-000000000000",
            "partitionKey": key,
            "approximateArrivalTimestamp": ARRIVAL + 250,
            "sequenceNumber": f"4966{number:052}",
            "subsequenceNumber": "",
        }
    return made


def event(records: Iterable[Any]) -> Any:
    """Make a Firehose event."""
    return {
        "invocationId": "4b1c6a62-7f0e-4ae8-9d0c-6a3f1a6a2f55",
        "sourceKinesisStreamArn": "arn:aws:kinesis:eu-central-1:123456789012:stream/lake-krakow",
        "deliveryStreamArn": "arn:aws:firehose:eu-central-1:123456789012:deliverystream/lake-krakow",
        "region": "eu-central-1",
        "records": list(records),
    }


class Settled:
    """Where samples have come to an end, each with how often: lines with their partitions, and rejected messages."""

    def __init__(self) -> None:
        self.delivered: Counter[tuple[bytes, tuple[str, ...]]] = Counter()
        self.rejected: Counter[tuple[Any, ...]] = Counter()


#: What a log line says about a rejected message, beside its own bytes.
_REASON = ("rule", "field", "received_at", "gateway")


class Lane:
    """A transform with its log lines."""

    def __init__(
        self,
        lane: str = "measurements",
        schemas: str = SCHEMAS,
        stream: FakeDataStream | None = None,
        **settings: Any,
    ) -> None:
        """Make the transform of a lane, with the settings given and the defaults of the others."""
        self.stream = stream or FakeDataStream()
        self.printed: list[dict[str, Any]] = []
        made = Settings(factory="krakow", lane=lane, **settings)
        report = Report(made, lambda line: self.printed.append(json.loads(line)), clock=lambda: 1_773_039_960_000)
        self.transform = Transform(made, schemas, report, self.stream.stream)

    def answers(self, *payloads: bytes | str, **options: Any) -> list[Any]:
        """Transform messages as one batch; return the answers."""
        batch = event(record(payload, number, **options) for number, payload in enumerate(payloads))
        answers: list[Any] = self.transform.answer(batch, self.stream.clock.left_ms)["records"]
        assert [answer["recordId"] for answer in answers] == [made["recordId"] for made in batch["records"]]
        return answers

    def settled(self, *payloads: bytes | str, key: str | None = KEY) -> Settled:
        """Transform messages, and whatever is put back of them, until nothing is left."""
        end = Settled()
        waiting: list[tuple[str | None, bytes]] = [
            (key, each.encode("utf-8", "surrogatepass") if isinstance(each, str) else each) for each in payloads
        ]
        for _ in range(1_000):
            if not waiting:
                return end
            records = [record(payload, number, each) for number, (each, payload) in enumerate(waiting)]
            before, printed = len(self.stream.taken), len(self.rejections)
            answers = self.transform.answer(event(records), self.stream.clock.left_ms)["records"]
            reasons = {line["record_id"]: line for line in self.rejections[printed:]}
            for (_, payload), answer in zip(waiting, answers):  # noqa: B905 - Python 3.8 has no strict zip
                if answer["result"] == "Ok":
                    keys = tuple(answer["metadata"]["partitionKeys"].values())
                    lines = base64.b64decode(answer["data"]).splitlines(keepends=True)
                    end.delivered.update((line, keys) for line in lines)
                elif answer["result"] == "ProcessingFailed":
                    reason = reasons[answer["recordId"]]
                    end.rejected[(payload, *[reason[name] for name in _REASON])] += 1
            waiting = list(self.stream.taken[before:])
        raise AssertionError("put-backs have no end")

    def line(self, payload: bytes | str, **options: Any) -> str:
        """Transform a message that must be accepted; return its line."""
        (answer,) = self.answers(payload, **options)
        assert answer["result"] == "Ok", self.rejections
        return base64.b64decode(answer["data"]).decode()

    def row(self, payload: bytes | str, **options: Any) -> dict[str, Any]:
        """Transform a message that must be accepted; return its line's members but for the envelope's."""
        row: dict[str, Any] = json.loads(self.line(payload, **options))
        return {key: value for key, value in row.items() if key not in ("_received_at", "_gateway")}

    def rejection(self, payload: bytes | str, **options: Any) -> dict[str, Any]:
        """Transform a message that must be rejected; return its log line."""
        before = len(self.rejections)
        made = record(payload, **options)
        (answer,) = self.transform.answer(event([made]), self.stream.clock.left_ms)["records"]
        assert answer == {"recordId": made["recordId"], "result": "ProcessingFailed", "data": made["data"]}
        (rejection,) = self.rejections[before:]
        return rejection

    def broken(self, payload: bytes | str, **options: Any) -> tuple[str, str | None]:
        """Transform a message that must be rejected; return the rule that it broke, and the field."""
        rejection = self.rejection(payload, **options)
        return rejection["rule"], rejection["field"]

    def rule(self, payload: bytes | str, **options: Any) -> str:
        """Transform a message that must be rejected; return the rule that it broke."""
        return self.broken(payload, **options)[0]

    @property
    def rejections(self) -> list[dict[str, Any]]:
        """The log lines of the records that were rejected."""
        return [line for line in self.printed if line.get("message") == "record rejected"]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The lines in the embedded metric format."""
        return [line for line in self.printed if "_aws" in line]
