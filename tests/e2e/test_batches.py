"""Batches of samples, from MQTT to S3: each sample ends where it would have ended alone."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factory_lake.gateway.batches import join
from factory_lake.reconcile import ReconciliationReport
from harness.lake import LocalLake
from harness.lake.metrics import samples_put_back
from harness.lake.targets import Targets
from harness.soak.redriving import redrive
from tests.e2e.plant import Factory, sample

FACTORY = "krakow"
_DAY_MS = 86_400_000


def clean(days_ago: int = 0) -> bytes:
    """A sample of this minute, or of an earlier day."""
    return sample(timestamp=time.time_ns() // 1_000_000 - days_ago * _DAY_MS)


def bad(**changes: object) -> bytes:
    """A sample that no other one equals, and that the lake rejects."""
    return sample(**{"success": "yes", **changes})


def key_twice() -> bytes:
    """An element that only a reader of JSON that counts keys rejects."""
    return sample()[:-1] + b', "value": 1}'


def over_midnight() -> list[bytes]:
    """Samples on both sides of the last midnight, in no order."""
    midnight_ms = time.time_ns() // 1_000_000 // _DAY_MS * _DAY_MS
    return [sample(timestamp=midnight_ms + off_ms) for off_ms in (-1, 0, -500, 1, -2, 2)]


@pytest.fixture
def krakow(factory: Callable[[str], Factory]) -> Factory:
    """The factory of these tests, and of others before."""
    return factory(FACTORY)


@pytest.mark.parametrize("basic_ingest", [False, True], ids=["topic", "Basic Ingest"])
def test_each_sample_of_a_batch_fares_as_if_it_had_come_alone(
    lake: LocalLake, krakow: Factory, *, basic_ingest: bool
) -> None:
    before = _report(krakow)
    rejected = [*(bad() for _ in range(6)), key_twice(), b"5", b"null", b"[]", bad(value={"raw": 1})]
    first, middle, last, one, other, alone, twice, number, nothing, array, inner = rejected
    nested = join([clean(), inner, clean(days_ago=1)])
    batches = [
        join([first, clean(), clean()]),
        join([clean(), middle, clean(days_ago=3), twice, clean()]),
        b"\n[ " + b" ,\r\n".join([clean(), clean(), last]) + b"\t]\n",
        join([one, other]),
        join([clean(days_ago=2), clean(days_ago=2)]),
        join(over_midnight()),
        join([number, clean(), nothing, array, nested]),
        join([alone]),
        join([clean()]),
    ]
    put_back = samples_put_back(lake.cloud, [FACTORY])
    krakow.send(batches, basic_ingest=basic_ingest)
    krakow.deliver()

    report = _report(krakow)
    assert report.discrepancies == ()
    lane = report.by_lane[f"{FACTORY}/measurements"]
    earlier = before.by_lane.get(f"{FACTORY}/measurements") if before.by_lane else None
    was_sent, was_rejected = (earlier.sent, earlier.rejected) if earlier else (0, 0)
    # All but the two batches of one came in batches.
    assert report.in_batches.sent - before.in_batches.sent == lane.sent - was_sent - 2 == 28
    assert lane.rejected - was_rejected == len(rejected)
    assert lane.redelivered == (earlier.redelivered if earlier else 0)
    # Each rejected sample lies in the errors with its own bytes, the batch of one as it came.
    stored = Counter(one.payload for one in krakow.found() if one.place == "rejected" and one.payload is not None)
    assert not Counter(rejected) - stored
    # 10 rejected ones, the nested batch and one sample out of it, one of another day, three around midnight.
    assert samples_put_back(lake.cloud, [FACTORY]) - put_back == 10 + 2 + 1 + 3


def test_what_is_no_batch_is_rejected_as_it_came(krakow: Factory) -> None:
    cut = join([clean(), clean()])[:-20]
    empty = b'{"samples": []}'
    array = b"[" + sample(tagName="in an array") + b"]"
    others = [json.dumps({"samples": 5}).encode(), json.dumps({"samples": [], "more": 1}).encode()]
    krakow.send([cut, empty, *others])
    krakow.send([array, join([b"{}"])], "configuration")
    krakow.deliver()

    assert _report(krakow).discrepancies == ()
    found = krakow.found()
    rejected = Counter((one.lane, one.payload) for one in found if one.place == "rejected")
    for payload in (cut, empty, *others):
        assert rejected["measurements", payload] >= 1
    assert rejected["configuration", array] == 1
    # To this lane an object with samples is an object like any other.
    assert any(
        one.place == "table" and '"samples"' in str(one.content) for one in found if one.lane == "configuration"
    )


def test_a_stream_that_takes_part_of_what_is_put_back_gets_the_rest(lake: LocalLake, krakow: Factory) -> None:
    before = _report(krakow)
    faults = [
        _fail_puts(lake, error="InternalFailure", entries=[0, 2]),
        _fail_puts(lake, error="ProvisionedThroughputExceededException"),
    ]
    krakow.send([join([bad(), clean(), bad(), bad(), clean(days_ago=1)])], basic_ingest=True)
    krakow.deliver()

    assert [lake.cloud.faults.remove(fault) for fault in faults] == [1, 1]
    report = _report(krakow)
    assert report.discrepancies == ()
    assert report.in_batches.redelivered == before.in_batches.redelivered
    assert report.total.rejected == before.total.rejected + 3


def test_a_batch_that_could_not_be_split_is_rejected_whole_and_can_be_redriven(
    lake: LocalLake, krakow: Factory, tmp_path: Path
) -> None:
    batch = join([bad(), clean(), clean(days_ago=1)])
    fault = _fail_puts(lake, error="KMSDisabledException", times=None)
    krakow.send([batch])
    krakow.deliver()
    assert lake.cloud.faults.remove(fault) >= 1

    report = _report(krakow)
    assert [(one.kind, one.sample) for one in report.discrepancies] == [
        ("unexpectedly rejected", 2),
        ("unexpectedly rejected", 3),
    ]

    targets = Targets(lake, [FACTORY], tmp_path)
    assert redrive(targets, [str(one.where) for one in report.discrepancies]) == 1
    krakow.deliver()

    report = _report(krakow)
    assert report.discrepancies == ()
    assert report.total.duplicated == 0


def _report(factory: Factory) -> ReconciliationReport:
    if not any(factory.journals.glob("*.jsonl")):
        return ReconciliationReport({}, ())
    return factory.reconcile()


def _fail_puts(lake: LocalLake, **fault: Any) -> str:
    stream = lake.outputs["data_streams"][FACTORY]["measurements"]
    return lake.cloud.faults.add(service="kinesis", operation="PutRecords", resource=stream, **fault)
