"""Each sample of a batch is accounted for once, however the batch ended."""

import json
from typing import Any

import pytest

from factory_lake.gateway.batches import join
from factory_lake.reconcile import Counts
from tests.support.fixture_lake import NOW_MS, OVEN, PRESS, SETUP, FixtureLake, day_of, kinds, row, sample

YESTERDAY = NOW_MS - 86_400_000
BAD = sample(1, success="true")
LATE = sample(9, timestamp=YESTERDAY)
LATE_ROW = row(9, ts=YESTERDAY)


def line(value: int) -> str:
    """What the transform makes of `sample(value)`."""
    text = (
        sample(value).decode()[:-1].replace('"metadata": {}, ', "").replace('"description": ""', '"description": null')
    )
    return f'{text},"_received_at":{NOW_MS},"_gateway":"line-1"}}\n'


@pytest.mark.parametrize("form", [join, lambda samples: b"[ " + b" ,\n".join(samples) + b" ]"])
def test_every_sample_in_its_place(lake: FixtureLake, form: Any) -> None:
    """Delivered with the batch, put back to its own day, put back and rejected with its own bytes."""
    lake.send(form([sample(1), BAD, LATE, sample(2)]))
    lake.send(sample(3))
    lake.store_rows(row(1), row(2), row(3))
    lake.store_rows(LATE_ROW, day=day_of(YESTERDAY))
    lake.store_failures(BAD)
    report = lake.reconcile()
    assert report.is_clean
    assert report.total == Counts(sent=5, delivered=4, rejected=1)
    assert report.in_batches == Counts(sent=4, delivered=3, rejected=1)
    assert report.to_json()["in_batches"]["sent"] == 4


def test_a_lost_sample_is_named(lake: FixtureLake) -> None:
    lake.send(sample(7))
    lake.send(join([sample(1), sample(2), sample(3)]))
    lake.store_rows(row(7), row(1), row(3))
    report = lake.reconcile()
    assert report.total == Counts(sent=4, delivered=3, lost=1)
    assert report.in_batches == Counts(sent=3, delivered=2, lost=1)
    (lost,) = report.discrepancies
    assert (lost.kind, lost.n, lost.sample) == ("lost", 2, 2)
    assert "lost: krakow/line-1/measurements message 2, sample 2: acknowledged" in report.notes()[0]


def test_the_same_sample_several_times_in_one_batch_is_as_many_samples(lake: FixtureLake) -> None:
    lake.send(join([sample(1), sample(1), sample(1)]))
    lake.store_rows(row(1), row(1))
    assert lake.reconcile().total == Counts(sent=3, delivered=2, lost=1)


def test_a_batch_that_was_published_again_explains_a_copy_of_each_sample(lake: FixtureLake) -> None:
    lake.send(join([sample(1), sample(2)]), attempts=2)
    lake.store_rows(row(1), row(2), row(1, received_at=NOW_MS + 9), row(2, received_at=NOW_MS + 9))
    lake.store_rows(row(2, received_at=NOW_MS + 10))
    report = lake.reconcile()
    assert report.total == Counts(sent=2, delivered=2, redelivered=2, duplicated=1)
    assert kinds(report) == ["duplicated"]


def test_a_batch_that_was_rejected_as_a_whole_stands_for_its_samples(lake: FixtureLake) -> None:
    """Its function failed, or it could not be split: the samples that belong into the table are named."""
    lake.send(join([sample(1), BAD, sample(2)]))
    where = lake.store_failures(b"other", join([sample(1), BAD, sample(2)]))
    lake.send(b"other")
    report = lake.reconcile()
    assert report.total == Counts(sent=4, rejected=4)
    assert [(one.kind, one.n, one.sample, one.where) for one in report.discrepancies] == [
        ("unexpectedly rejected", 1, 1, f"{where}#1.1"),
        ("unexpectedly rejected", 1, 3, f"{where}#1.3"),
    ]


@pytest.mark.parametrize(
    "payload",
    [
        b'{"samples":[',
        b'{"samples":[]}',
        b"[]",
        join([sample(1)]) + b"\xff",
        b'{"samples":5}',
        b'{"samples":[1],"b":2}',
    ],
)
def test_what_is_no_batch_is_one_message_that_is_rejected(lake: FixtureLake, payload: bytes) -> None:
    lake.send(payload)
    lake.store_failures(payload)
    report = lake.reconcile()
    assert report.is_clean
    assert report.total == Counts(sent=1, rejected=1)


@pytest.mark.parametrize("element", [b"5", b"null", b'"text"', b"{}", b'{"samples":5}'])
def test_elements_that_are_no_samples_are_rejected_alone(lake: FixtureLake, element: bytes) -> None:
    lake.send(join([element, sample(1)]))
    lake.store_rows(row(1))
    lake.store_failures(element)
    assert lake.reconcile().is_clean


@pytest.mark.parametrize("stored", [join([BAD]), BAD])
def test_a_batch_of_one_is_rejected_as_it_came(lake: FixtureLake, stored: bytes) -> None:
    lake.send(join([BAD]))
    lake.store_failures(stored)
    report = lake.reconcile()
    assert report.is_clean
    assert report.total == Counts(sent=1, rejected=1)


def test_configuration_has_no_batches(lake: FixtureLake) -> None:
    """An array is no object; an object whose only key is `samples` is a configuration like any other."""
    lake.send(b'{"samples":[{},{}]}', b"[{},{}]", source=SETUP)
    lake.store_lines(f'{{"samples":[{{}},{{}}],"_received_at":{NOW_MS},"_gateway":"line-1"}}')
    lake.store_failures(b"[{},{}]", lane="configuration")
    report = lake.reconcile()
    assert report.is_clean
    assert report.total == Counts(sent=2, delivered=1, rejected=1)


def test_samples_that_were_put_back_twice_are_explained(lake: FixtureLake) -> None:
    """An invocation was repeated after its puts: their copies are equal in every column."""
    lake.send(join([sample(1), BAD, LATE, sample(2)]))
    lake.store_rows(row(1), row(2))
    lake.store_rows(LATE_ROW, LATE_ROW, LATE_ROW, day=day_of(YESTERDAY))
    lake.store_failures(BAD, BAD)
    report = lake.reconcile()
    assert report.is_clean
    assert report.total == Counts(sent=4, delivered=3, rejected=1, redelivered=3)


def test_a_sample_that_went_on_in_its_batch_has_one_copy(lake: FixtureLake) -> None:
    """It was never put back, so nothing explains a second one."""
    lake.send(join([sample(1), LATE, sample(2)]))
    lake.store_rows(row(1), row(1), row(2))
    lake.store_rows(LATE_ROW, day=day_of(YESTERDAY))
    assert kinds(lake.reconcile()) == ["duplicated"]


def test_a_copy_of_another_arrival_is_not_a_put_back(lake: FixtureLake) -> None:
    """A put-back keeps the arrival. The other one is a publish, which the journal must show."""
    lake.send(join([sample(1), LATE, sample(2)]))
    lake.store_rows(row(1), row(2))
    lake.store_rows(LATE_ROW, {**LATE_ROW, "received_at": NOW_MS + 9}, day=day_of(YESTERDAY))
    assert kinds(lake.reconcile()) == ["duplicated"]


def test_publishes_and_put_backs_together(lake: FixtureLake) -> None:
    lake.send(join([sample(1), LATE, sample(2)]), attempts=2)
    lake.store_rows(row(1), row(2), row(1, received_at=NOW_MS + 9), row(2, received_at=NOW_MS + 9))
    again = {**LATE_ROW, "received_at": NOW_MS + 9}
    lake.store_rows(LATE_ROW, again, again, LATE_ROW, day=day_of(YESTERDAY))
    report = lake.reconcile()
    assert report.is_clean
    assert report.total == Counts(sent=3, delivered=3, redelivered=5)


def test_a_batch_that_could_be_split_only_in_part(lake: FixtureLake) -> None:
    """What had been put back arrives, and the batch lies in errors/ as a whole: what is missing is named."""
    batch = join([sample(1), BAD, LATE, sample(2)])
    lake.send(batch)
    lake.store_rows(LATE_ROW, day=day_of(YESTERDAY))
    lake.store_failures(batch)
    report = lake.reconcile()
    assert report.total == Counts(sent=4, delivered=1, rejected=3, redelivered=1)
    assert [(one.kind, one.sample) for one in report.discrepancies] == [
        ("unexpectedly rejected", 1),
        ("unexpectedly rejected", 4),
    ]


def test_the_same_when_the_batch_was_redriven(lake: FixtureLake) -> None:
    """Its line in the error object counts no longer, and what had been put back comes a second time."""
    batch = join([sample(1), BAD, LATE, sample(2)])
    lake.send(batch, sample(5, success=1))
    bucket, _, key = lake.store_failures(batch, sample(5, success=1)).removeprefix("s3://").partition("/")
    etag = lake.s3.head_object(Bucket=bucket, Key=key)["ETag"]
    record = {"object": key, "etag": etag, "redriven": [[0, 0]], "pending": [], "since_ms": 0, "alive_ms": 0}
    document = json.dumps({**record, "lines": None, "run": "run"}).encode()
    lake.s3.put_object(Bucket=bucket, Key=f"errors-redriven/{key.removeprefix('errors/')}.json", Body=document)
    lake.store_rows(row(1), row(2))
    lake.store_rows(LATE_ROW, LATE_ROW, day=day_of(YESTERDAY))
    lake.store_failures(BAD, BAD)
    report = lake.reconcile()
    assert report.is_clean
    assert report.total == Counts(sent=5, delivered=3, rejected=2, redelivered=2)


@pytest.mark.parametrize("prefix", ["", "$aws/rules/lake_krakow_measurements/"])
def test_a_batch_in_a_document_of_the_error_action(lake: FixtureLake, prefix: str) -> None:
    """AWS does not say whether its topic has the prefix of Basic Ingest. Either names the gateway."""
    batch = join([sample(1), sample(2)])
    lake.send(batch)
    lake.send(batch, source=OVEN)
    where = lake.store_error_action(batch, source=OVEN, topic=f"{prefix}{OVEN.topic}")
    report = lake.reconcile()
    assert report.total == Counts(sent=4, error_action=2, lost=2)
    assert [(one.kind, one.source, one.sample, one.where) for one in report.discrepancies] == [
        ("lost", str(PRESS), 1, None),
        ("lost", str(PRESS), 2, None),
        ("error action", str(OVEN), 1, f"{where}#1"),
        ("error action", str(OVEN), 2, f"{where}#2"),
    ]


@pytest.mark.parametrize("kind", ["format-conversion-failed", "partitioning-failed"])
def test_lines_that_failed_behind_the_transform(lake: FixtureLake, kind: str) -> None:
    """A record of several lines is one document, and each line a row."""
    lake.send(join([sample(1), LATE, sample(2)]))
    where = lake.store_failures((line(1) + line(2)).encode(), kind=kind)
    lake.store_rows(LATE_ROW, day=day_of(YESTERDAY))
    report = lake.reconcile()
    assert report.total == Counts(sent=3, delivered=1, rejected=2)
    assert [(one.kind, one.sample, one.where) for one in report.discrepancies] == [
        ("unexpectedly rejected", 1, f"{where}#0.1"),
        ("unexpectedly rejected", 3, f"{where}#0.2"),
    ]


@pytest.mark.parametrize("payload", [join([sample(1), sample(2)]), b"no JSON", b'{\n"value": 5\n}'])
def test_an_original_that_failed_behind_the_transform(lake: FixtureLake, payload: bytes) -> None:
    """Firehose's guide does not say that it keeps the line: the record itself is found as well."""
    lake.send(payload)
    lake.store_failures(payload, kind="format-conversion-failed")
    report = lake.reconcile()
    assert report.total.rejected == report.total.sent
    assert report.total.lost == 0
