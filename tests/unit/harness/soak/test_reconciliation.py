"""Repeats with an explanation, repeats without one, and losses are counted apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Literal

import pytest

from factory_lake.gateway.identities import Lane, Source
from factory_lake.gateway.journal import Entry
from factory_lake.reconcile.expectation import Row, Rules, expected
from factory_lake.reconcile.stored import Found
from harness.soak.faults import Kill, Outage, PutBackFault
from harness.soak.reconciliation import Answers, Messages, SampleKey, explain
from harness.soak.summary import Summary

NOW_MS = 1_772_600_000_000
NOW = NOW_MS / 1000
PRESS = Source("krakow", "line-1", "measurements")
KILL = Kill(NOW + 60, NOW + 61)
_numbers = count(1)


def sent(**changes: object) -> Entry:
    """A message that was acknowledged, of a register of its own."""
    number = next(_numbers)
    fields = {
        "datatype": "float64",
        "description": "",
        "deviceID": "d-1",
        "deviceName": "Press 1",
        "metadata": {},
        "registerId": f"r-{number}",
        "success": True,
        "tagName": "temperature",
        "timestamp": NOW_MS,
        "value": 1.5,
    }
    payload = json.dumps({**fields, **changes}).encode()
    return Entry(PRESS, number, payload, str(number), NOW_MS, NOW_MS, acked_ms=NOW_MS)


def stored(entry: Entry, where: str, received_ms: int = NOW_MS) -> Found:
    """The row of a message in an object."""
    row = expected(entry.payload, "measurements", NOW_MS, Rules())
    assert isinstance(row, Row)
    return Found("table", where, "krakow", "measurements", "line-1", row, day=(2026, 3, 4), received_ms=received_ms)


def sample(entry: Entry) -> SampleKey:
    """How the query names the sample of a message."""
    return "krakow", json.loads(entry.payload)["registerId"], NOW_MS


def explained(
    entries: list[Entry],
    found: list[Found],
    kills: list[Kill],
    repeats: dict[SampleKey, int],
    outages: Sequence[Outage] = (),
    rows_of_view: int | None = None,
    put_backs: Sequence[PutBackFault] = (),
    *,
    is_redriven: bool = False,
) -> tuple[Messages, Summary]:
    """Reconcile a lake whose objects `s3://b/1` and `s3://b/2` were written two minutes apart."""
    times = {"s3://b/1": NOW, "s3://b/2": NOW + 120}
    rows = {(copy.gateway, copy.content) for copy in found if copy.place == "table"}
    answers = Answers(repeats, len(rows) if rows_of_view is None else rows_of_view)
    messages = explain(entries, found, times, answers, kills, outages, put_backs, is_redriven=is_redriven)
    summary = Summary(seed=1)
    summary.take_rejected(messages)
    summary.take_messages(messages)
    return messages, summary


def test_a_record_written_before_and_after_a_kill_is_a_repeat_of_the_delivery() -> None:
    one, two = sent(), sent()
    found = [stored(one, "s3://b/1#0"), stored(one, "s3://b/2#0"), stored(two, "s3://b/2#1")]

    messages, summary = explained([one, two], found, [KILL], {sample(one): 2})

    assert (messages.repeated_by_delivery, messages.repeated_by_mqtt) == (1, 0)
    assert messages.expected_repeats == {sample(one): 2}
    assert summary.failures == []


def test_the_same_without_a_kill_in_between_is_a_duplicate() -> None:
    one = sent()
    found = [stored(one, "s3://b/1#0"), stored(one, "s3://b/2#0")]
    late = Kill(NOW + 200, NOW + 201)

    for kills in ([], [late]):
        _, summary = explained([one], found, kills, {sample(one): 2})
        assert summary.failures == ["duplicated: 1"]


def test_a_kill_explains_no_copy_within_one_object() -> None:
    one = sent()
    found = [stored(one, "s3://b/1#0"), stored(one, "s3://b/1#1")]

    _, summary = explained([one], found, [KILL], {sample(one): 2})

    assert summary.failures == ["duplicated: 1"]


def test_a_publish_that_was_repeated_explains_a_second_record_and_no_second_writing() -> None:
    again = replace(sent(), attempts=2)
    other_record = [stored(again, "s3://b/1#0"), stored(again, "s3://b/2#0", NOW_MS + 7)]
    same_record = [stored(again, "s3://b/1#0"), stored(again, "s3://b/2#0")]

    messages, summary = explained([again], other_record, [], {sample(again): 2})
    assert (messages.repeated_by_delivery, messages.repeated_by_mqtt) == (0, 1)
    assert summary.failures == []

    _, summary = explained([again], same_record, [], {sample(again): 2})
    assert summary.failures == ["duplicated: 1"]


def test_rejected_messages_are_repeated_in_the_same_ways() -> None:
    bad = replace(sent(), payload=b"not JSON")
    copies = [
        Found("rejected", f"s3://b/{n}#0", "krakow", "measurements", payload=bad.payload, received_ms=NOW_MS)
        for n in (1, 2)
    ]
    bad = replace(bad, sha256=str(copies[0].sha256))

    messages, summary = explained([bad], copies, [KILL], {})
    assert (messages.repeated_by_delivery, summary.rejected, summary.failures) == (1, 1, [])

    _, summary = explained([bad], copies, [], {})
    assert summary.failures == ["duplicated: 1"]


def test_repeats_of_both_kinds_and_an_error_action_are_told_apart_in_one_message() -> None:
    """The first publish is written twice, since the engine was killed; the stream refuses the second."""
    one = replace(sent(), attempts=2)
    kept = Found("error action", "s3://b/3", "krakow", "measurements", "line-1", payload=one.payload)
    one = replace(one, sha256=str(kept.sha256))
    found = [stored(one, "s3://b/1#0"), stored(one, "s3://b/2#0"), kept]

    messages, summary = explained([one], found, [KILL], {sample(one): 2})
    assert messages.repeated_by_delivery == 1
    assert summary.failures == ["error_objects: 1 for 0 refused_puts"]

    _, summary = explained([one], found, [], {sample(one): 2})
    assert "duplicated: 1" in summary.failures


def test_a_record_that_was_rejected_in_an_outage_and_taken_after_a_kill_is_one_repeated_record() -> None:
    one = sent()
    rejected = Found(
        "rejected",
        "s3://b/1#0",
        "krakow",
        "measurements",
        payload=one.payload,
        received_ms=NOW_MS + 9,
        reason="processing-failed: Lambda.InvokeLimitExceeded",
    )
    one = replace(one, sha256=str(rejected.sha256))
    outages = [Outage("krakow", "measurements", NOW - 5, NOW + 20)]

    published_twice = replace(one, attempts=2)  # one of them was taken, the other rejected
    for entry, kills, failures in (
        (one, [KILL], []),
        (one, [], ["duplicated: 1"]),
        (published_twice, [], []),
    ):
        _, summary = explained([entry], [rejected, stored(one, "s3://b/2#0")], kills, {}, outages)
        assert summary.failures == failures


def test_what_the_query_misses_or_invents_is_named() -> None:
    one, two = sent(), sent()
    found = [stored(one, "s3://b/1#0"), stored(one, "s3://b/2#0"), stored(two, "s3://b/1#1")]

    messages, summary = explained([one, two], found, [KILL], {sample(two): 2})

    assert summary.failures == ["query_disagreements: 2"]
    assert len(messages.disagreements) == 2


def test_a_view_that_counts_a_repeat_or_leaves_out_a_message_is_found_out() -> None:
    one = sent()
    found = [stored(one, "s3://b/1#0"), stored(one, "s3://b/2#0")]

    for rows, failures in ((1, []), (2, ["rows_of_view: 2 for 1 distinct_rows"])):
        _, summary = explained([one], found, [KILL], {sample(one): 2}, rows_of_view=rows)
        assert summary.failures == failures


def test_a_loss_is_named_with_its_place_in_the_journal() -> None:
    one, two = sent(), sent()

    messages, summary = explained([one, two], [stored(one, "s3://b/1#0")], [KILL], {})

    assert summary.failures == ["lost: 1"]
    assert [(discrepancy.kind, discrepancy.n) for discrepancy in messages.faulty] == [("lost", two.n)]


def test_an_error_action_answers_for_every_record_that_a_stream_refused() -> None:
    one = sent()
    kept = Found("error action", "s3://b/1", "krakow", "measurements", "line-1", payload=one.payload)
    one = replace(one, sha256=str(kept.sha256))

    _, summary = explained([one], [kept], [], {})
    assert summary.failures == ["error_objects: 1 for 0 refused_puts"]
    summary.refused_puts = 1
    assert summary.failures == []


@pytest.mark.parametrize(
    ("code", "lane", "began", "crashes", "failures"),
    [
        ("Lambda.InvokeLimitExceeded", "measurements", -5, [False], []),
        ("Lambda.FunctionError", "measurements", -5, [False, True], []),
        ("Lambda.FunctionError", "measurements", -5, [True], ["misplaced: 1"]),
        ("Lambda.FunctionError", "measurements", -5, [False], ["misplaced: 1"]),
        ("Lambda.InvokeLimitExceeded", "configuration", -5, [False], ["misplaced: 1"]),
        ("Lambda.InvokeLimitExceeded", "measurements", 5, [False], ["misplaced: 1"]),
    ],
)
def test_a_valid_message_may_be_rejected_where_its_function_was_out_of_order_and_nowhere_else(
    code: str, lane: Lane, began: float, crashes: list[bool], failures: list[str]
) -> None:
    one = sent()
    reason = f"processing-failed: {code}"
    copy = Found(
        "rejected", "s3://b/1#0", "krakow", "measurements", payload=one.payload, received_ms=NOW_MS, reason=reason
    )
    one = replace(one, sha256=str(copy.sha256))
    outages = [Outage("krakow", lane, NOW + began, NOW + began + 20, crash) for crash in crashes]

    _, summary = explained([one], [copy], [], {}, outages)

    assert summary.failures == failures
    assert summary.rejected_in_outages == (not failures)


def batch(*entries: Entry) -> list[Entry]:
    """The samples of one batch."""
    number = next(_numbers)
    return [replace(one, n=number, sample=place) for place, one in enumerate(entries, start=1)]


def not_taken() -> Entry:
    """A message that the lake rejects, with the hash of its bytes."""
    entry = sent(success="yes")
    return replace(entry, sha256=hashlib.sha256(entry.payload).hexdigest())


def kept(entry: Entry, where: str, received_ms: int = NOW_MS) -> Found:
    """A rejected message in an error object."""
    reason = "processing-failed: Lambda.ProcessingFailedStatus"
    return Found(
        "rejected",
        where,
        "krakow",
        "measurements",
        payload=entry.payload,
        received_ms=received_ms,
        reason=reason,
    )


@pytest.mark.parametrize(
    ("faults", "kills", "failures"),
    [
        ([PutBackFault("krakow", "late", NOW - 5, NOW + 3)], [], []),
        ([], [KILL], []),
        ([], [], ["duplicated: 2"]),
        ([PutBackFault("krakow", "throttled", NOW - 5, NOW + 3)], [], ["duplicated: 2"]),
        ([PutBackFault("lyon", "late", NOW - 5, NOW + 3)], [], ["duplicated: 2"]),
        ([PutBackFault("krakow", "late", NOW - 9, NOW - 5)], [], ["duplicated: 2"]),
        ([PutBackFault("krakow", "late", NOW + 130, NOW + 140)], [Kill(NOW + 130, NOW + 140)], ["duplicated: 2"]),
    ],
)
def test_samples_that_were_put_back_twice_need_something_that_repeated_the_invocation(
    faults: list[PutBackFault], kills: list[Kill], failures: list[str]
) -> None:
    """One sample is of another day, one is rejected; both lie in one object twice, and the third as it should."""
    stays, also_stays, late, bad = sent(), sent(), sent(timestamp=NOW_MS - 86_400_000), not_taken()
    entries = batch(stays, also_stays, late, bad)
    found = [stored(stays, "s3://b/1#0"), stored(also_stays, "s3://b/1#1")]
    found += [replace(stored(late, f"s3://b/2#{number}"), day=(2026, 3, 3)) for number in range(2)]
    found += [kept(bad, f"s3://b/2#{number}", NOW_MS + number) for number in (7, 8)]
    repeats = {("krakow", json.loads(late.payload)["registerId"], NOW_MS - 86_400_000): 2}

    messages, summary = explained(entries, found, kills, repeats, put_backs=faults)

    assert summary.failures == failures
    assert messages.repeated_by_put_back == (0 if failures else 2)
    assert (summary.batches, summary.samples_in_batches) == (1, 4)


def test_a_fault_of_put_backs_explains_no_copy_of_a_sample_that_went_on_in_its_record() -> None:
    one, two = sent(), sent()
    found = [stored(one, "s3://b/1#0"), stored(one, "s3://b/2#0"), stored(two, "s3://b/1#1")]

    late = [PutBackFault("krakow", "late", NOW - 5, NOW + 3)]
    _, summary = explained(batch(one, two), found, [], {sample(one): 2}, put_backs=late)

    assert summary.failures == ["duplicated: 1"]


@pytest.mark.parametrize(
    ("kind", "is_redriven", "failures"),
    [("refused", False, []), ("refused", True, ["misplaced: 2"]), ("throttled", False, ["misplaced: 2"])],
)
def test_samples_may_be_rejected_with_their_batch_while_nothing_can_be_put_back(
    kind: Literal["refused", "throttled"], *, is_redriven: bool, failures: list[str]
) -> None:
    good, other, bad = sent(), sent(), not_taken()
    entries = [replace(one, sha256=hashlib.sha256(one.payload).hexdigest()) for one in batch(good, other, bad)]
    found = [kept(one, f"s3://b/1#4.{place}") for place, one in enumerate(entries, start=1)]
    faults = [PutBackFault("krakow", kind, NOW - 5, NOW + 3)]

    messages, summary = explained(entries, found, [], {}, put_backs=faults, is_redriven=is_redriven)

    assert summary.failures == failures
    assert summary.rejected_not_split == (0 if failures else 2)
    assert {one.where for one in messages.to_redrive} == (set() if failures else {"s3://b/1#4.1", "s3://b/1#4.2"})


def test_a_batch_of_an_error_action_is_one_object() -> None:
    entries = [replace(one, sha256=hashlib.sha256(one.payload).hexdigest()) for one in batch(sent(), sent())]
    found = [
        Found("error action", f"s3://b/1#{place}", "krakow", "measurements", "line-1", payload=one.payload)
        for place, one in enumerate(entries, start=1)
    ]

    _, summary = explained(entries, found, [], {})

    assert summary.failures == ["error_objects: 1 for 0 refused_puts"]
    assert summary.error_action == 2
