"""A message that was redriven is where it went, not where it lay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_lake.reconcile.redriven import Lines, Redriven, object_key, record_key
from factory_lake.reconcile.stored import StoredError
from tests.support.fixture_lake import BUCKETS, FixtureLake, kinds, row, sample


def _written_down(lake: FixtureLake, where: str, *numbers: int) -> None:
    key = where.removeprefix(f"s3://{BUCKETS.by_lane['measurements']}/")
    record = Redriven(key, '"etag"', Lines().plus(numbers))
    lake.put("measurements", record_key(key), record.to_bytes())


def test_a_message_that_was_redriven_and_delivered_is_delivered(lake: FixtureLake) -> None:
    lake.send(sample(1), sample(2))
    where = lake.store_failures(sample(1), sample(2))
    lake.store_rows(row(2))
    before = lake.reconcile()
    assert sorted(kinds(before)) == ["duplicated", "unexpectedly rejected"]
    _written_down(lake, where, 1)
    report = lake.reconcile()
    assert kinds(report) == ["unexpectedly rejected"]
    assert (report.total.delivered, report.total.rejected, report.total.lost) == (1, 1, 0)


def test_a_message_that_was_redriven_and_rejected_again_is_rejected_once(lake: FixtureLake) -> None:
    lake.send(b"no JSON")
    _written_down(lake, lake.store_failures(b"no JSON"), 0)
    lake.store_failures(b"no JSON")
    report = lake.reconcile()
    assert report.is_clean
    assert report.total.rejected == 1


def test_a_message_that_was_redriven_and_is_nowhere_is_lost(lake: FixtureLake) -> None:
    lake.send(sample(1))
    _written_down(lake, lake.store_error_action(sample(1)), 0)
    report = lake.reconcile()
    assert kinds(report) == ["lost"]


def test_a_pending_line_still_lies_in_errors(lake: FixtureLake) -> None:
    lake.send(b"no JSON")
    key = lake.store_failures(b"no JSON").removeprefix(f"s3://{BUCKETS.by_lane['measurements']}/")
    record = Redriven(key, '"etag"', pending=Lines().plus([0]))
    lake.put("measurements", record_key(key), record.to_bytes())
    assert lake.reconcile().total.rejected == 1


def test_a_damaged_record_is_named(lake: FixtureLake) -> None:
    lake.send(b"no JSON")
    key = lake.store_failures(b"no JSON").removeprefix(f"s3://{BUCKETS.by_lane['measurements']}/")
    where = lake.put("measurements", record_key(key), b'{"redriven": "secret"}')
    with pytest.raises(StoredError, match=f"^{where} cannot be read: is no record of redriven lines$"):
        lake.reconcile()


@given(st.lists(st.sets(st.integers(0, 60), max_size=20), max_size=4))
def test_lines_are_a_set_of_numbers(additions: list[set[int]]) -> None:
    lines, numbers = Lines(), set[int]()
    for added in additions:
        lines, numbers = lines.plus(added), numbers | added
    assert list(lines) == sorted(numbers)
    assert len(lines) == len(numbers)
    assert {number for number in range(-1, 62) if number in lines} == numbers
    assert all(after[0] > before[1] + 1 for before, after in zip(lines.ranges, lines.ranges[1:], strict=False))


def test_a_record_is_read_as_it_was_written() -> None:
    record = Redriven("errors/a/b.json", '"e"', Lines().plus([1, 2, 9]), Lines().plus([4]), 17, 19, 10, "run")
    assert Redriven.from_bytes(record.to_bytes()) == record
    assert object_key(record_key(record.object)) == record.object
