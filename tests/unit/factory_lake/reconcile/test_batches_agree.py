"""What the transform makes of batches, following what it puts back, is what the reconciliation expects of them."""

import base64
import hashlib
import json
from itertools import islice
from random import Random

import pytest

from factory_lake.gateway import plant
from factory_lake.gateway.batches import join, split
from factory_lake.gateway.identities import Source
from factory_lake.gateway.journal import Entry
from factory_lake.reconcile.expectation import Rules
from factory_lake.reconcile.matching import match
from factory_lake.reconcile.report import ReconciliationReport
from factory_lake.reconcile.sent import by_sample
from factory_lake.reconcile.stored import Found, content_of, read_object
from tests.support.data_stream import FakeDataStream
from tests.unit.transform.support import SCHEMAS
from transform import splitting
from transform.batch import Transform
from transform.report import Report
from transform.settings import Settings

# At noon, so that what the plant takes a day late lies on another one.
ARRIVED_MS = 1_772_625_600_000
PRESS = Source("krakow", "line-1", "measurements")
KEY = f"{ARRIVED_MS}/line-1/5c2f7a10"
ODD = (b"5", b"null", b"[]", b"{}", b'"x"', b'{"samples":[]}', b'{"samples":5}')


class Delivery:
    """The transform between a data stream and the lake."""

    def __init__(self) -> None:
        settings = Settings(factory="krakow", lane="measurements", stream_name="lake-krakow-measurements")
        self.stream = FakeDataStream()
        self._transform = Transform(settings, SCHEMAS, Report(settings, lambda _: None), self.stream.stream)
        self.found: list[Found] = []
        self._records = 0

    def deliver(self, payload: bytes, key: str = KEY, *, lose_answer: bool = False) -> None:
        """Deliver a record, then what was put back of it; without its answer the same record is tried again."""
        self._records += 1
        record = {
            "recordId": str(self._records),
            "approximateArrivalTimestamp": ARRIVED_MS + 200,
            "data": base64.b64encode(payload).decode(),
            "kinesisRecordMetadata": {"partitionKey": key, "sequenceNumber": hashlib.sha256(payload).hexdigest()},
        }
        before = len(self.stream.taken)
        for _ in range(2 if lose_answer else 1):
            (answer,) = self._transform.answer({"records": [record]})["records"]  # type: ignore[list-item]
        if answer["result"] == "Ok":
            self._store(base64.b64decode(answer["data"]), answer["metadata"]["partitionKeys"])
        elif answer["result"] == "ProcessingFailed":
            self._reject(answer["data"])
        for again, data in self.stream.taken[before:]:
            self.deliver(data, again)

    def _store(self, lines: bytes, keys: object) -> None:
        day = tuple(int(dict(keys)[part]) for part in ("year", "month", "day"))  # type: ignore[call-overload]
        for line in lines.decode().splitlines():
            content, gateway, received_ms = content_of(line, "measurements")
            where = f"s3://b/{len(self.found)}#0"
            self.found.append(
                Found("table", where, "krakow", "measurements", gateway, content, None, day, received_ms)  # type: ignore[arg-type]
            )

    def _reject(self, data: str) -> None:
        document = {"errorCode": "Lambda.ProcessingFailedStatus", "arrivalTimestamp": ARRIVED_MS, "rawData": data}
        key = f"errors/factory=krakow/measurements/processing-failed/2026/03/04/{len(self.found)}"
        self.found += read_object("b", "measurements", key, json.dumps(document).encode())


def reconciled(payloads: list[bytes], delivery: Delivery) -> ReconciliationReport:
    entries = [
        Entry(PRESS, n, payload, hashlib.sha256(payload).hexdigest(), ARRIVED_MS, ARRIVED_MS, 1, ARRIVED_MS + 10)
        for n, payload in enumerate(payloads, start=1)
    ]
    return match([sample for entry in entries for sample in by_sample(entry)], delivery.found, Rules())


def batch(rng: Random, samples: list[bytes], depth: int = 0) -> bytes:
    elements = rng.choices(samples, k=rng.choice((0, 1, 1, 2, 3, 5, 14)))
    for at in range(len(elements)):
        if rng.random() < 0.1:
            elements[at] = rng.choice(ODD) if depth or rng.random() < 0.5 else batch(rng, samples, depth + 1)
    return join(elements) if rng.random() < 0.7 else b" [ " + b" ,\n".join(elements) + b" ] "


@pytest.mark.parametrize("lose_answer", [False, True], ids=["once", "answer lost"])
def test_every_sample_comes_to_its_expected_end(lose_answer: bool) -> None:
    """Of good, bad, late and odd samples, of batches in batches, and of texts that are damaged."""
    rng = Random(5)
    plain = [one.payload for one in islice(plant.messages(PRESS, 3, ARRIVED_MS, 10), 400)]
    samples = [one for one in plain if split(join([one, one])) == [one, one]]
    payloads = [batch(rng, samples) for _ in range(250)] + plain[:30]
    for at in rng.sample(range(250), 40):
        text = bytearray(payloads[at])
        text[rng.randrange(len(text))] = rng.choice(b'[]{},:"\\ 0')
        payloads[at] = bytes(text)
    delivery = Delivery()
    for payload in payloads:
        delivery.deliver(payload, lose_answer=lose_answer)
    report = reconciled(payloads, delivery)
    assert report.discrepancies == ()
    assert report.total.sent == report.total.delivered + report.total.rejected > 800
    assert report.total.rejected > 100
    assert (report.total.redelivered > 100) == lose_answer
    assert len(delivery.stream.taken) > 100


def test_both_split_alike() -> None:
    rng = Random(11)
    samples = [one.payload for one in islice(plant.messages(PRESS, 1, ARRIVED_MS, 10), 300)]
    split_at_all = 0
    for _ in range(3000):
        text = bytearray(batch(rng, samples))
        for _ in range(rng.randrange(3)):
            text[rng.randrange(len(text))] = rng.choice(b'[]{},:"\\ \n0e.-\x0b\xa0')
        try:
            elements = splitting.elements(text.decode())
        except UnicodeDecodeError:
            elements = None
        assert split(bytes(text)) == (None if elements is None else [one.encode() for one in elements])
        split_at_all += elements is not None
    assert 500 < split_at_all < 2500
