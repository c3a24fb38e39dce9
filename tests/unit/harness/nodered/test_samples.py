"""Samples are counted as the records of a data stream hold them."""

from __future__ import annotations

import json

from harness.nodered.samples import ODD, Arrivals, Sample

SENT = [Sample.make(number, 1_772_600_000_000) for number in range(6)]


def batch(*samples: bytes) -> bytes:
    """A batch as the flow sends it."""
    return b'{"samples":[' + b",".join(samples) + b"]}"


def payloads(*numbers: int) -> list[bytes]:
    """The samples of these numbers, as they were fed."""
    return [SENT[number].payload for number in numbers]


def test_every_form_is_fed() -> None:
    assert [sample.form for sample in SENT] == ["text", "bytes", "object"] * 2
    assert all(json.loads(sample.payload)["value"] == sample.number + 0.5 for sample in SENT)


def test_batches_and_single_samples_count_alike() -> None:
    arrivals = Arrivals.read([batch(*payloads(0, 1, 2)), *payloads(3, 4)], SENT)
    assert (arrivals.records, arrivals.lost(SENT), arrivals.twice) == (3, [5], 0)
    assert (arrivals.respelled, arrivals.unknown) == ([], [])


def test_a_copy_of_a_batch_counts_each_of_its_samples() -> None:
    arrivals = Arrivals.read([batch(*payloads(0, 1))] * 2 + payloads(1), SENT)
    assert arrivals.twice == 3


def test_a_number_that_is_spelled_anew_is_found_unless_the_sample_came_as_an_object() -> None:
    records = [sample.payload.replace(b".50}", b".5}") for sample in SENT]
    assert Arrivals.read(records, SENT).respelled == [0, 1, 3, 4]


def test_what_goes_alone_has_to_be_alone_and_as_it_was() -> None:
    odd = [payload for _, payload in ODD]
    arrivals = Arrivals.read(odd, SENT)
    assert arrivals.odd.keys() == set(odd)
    assert arrivals.unknown == []
    assert Arrivals.read([batch(b"not JSON")], SENT).unknown == [batch(b"not JSON")]
    assert Arrivals.read([b"not JSON\n"], SENT).unknown == [b"not JSON\n"]
