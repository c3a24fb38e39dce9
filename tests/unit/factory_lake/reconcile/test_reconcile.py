"""Every way in which a message can end, made by hand, is seen for what it is."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from factory_lake.gateway.errors import JournalError
from factory_lake.reconcile import Counts, Rules, StoredObjects, reconcile
from factory_lake.reconcile.stored import StoredError
from tests.support.fixture_lake import BUCKETS, NOW_MS, OVEN, PRESS, SETUP, FixtureLake, day_of, kinds, row, sample

DAY_MS = 86_400_000
NOT_JSON = b'{"deviceID": "d-1", '


def test_everything_in_its_place(lake: FixtureLake) -> None:
    lake.send(sample(1.5), sample("  text "), sample(2**53 + 1), NOT_JSON)
    lake.send(b'{"recipe":{"speed":1.50}}', source=SETUP)
    lake.store_rows(row(1.5), row(None, value_text="text"), row(2.0**53, value_text=str(2**53 + 1)))
    lake.store_failures(NOT_JSON)
    lake.store_lines(f'{{"recipe":{{"speed":1.50}},"_received_at":{NOW_MS},"_gateway":"line-1"}}')

    report = lake.reconcile()

    assert report.discrepancies == ()
    assert report.is_clean
    assert report.by_lane["krakow/measurements"] == Counts(sent=4, delivered=3, rejected=1)
    assert report.by_lane["krakow/configuration"] == Counts(sent=1, delivered=1)
    assert report.total == Counts(sent=5, delivered=4, rejected=1)


@pytest.mark.parametrize("value", [None, 2.5])
def test_a_column_of_the_lakes_own_is_passed_over(lake: FixtureLake, value: float | None) -> None:
    lake.send(sample(1.5))
    lake.store_rows(row(1.5), own={"line_speed": value})

    assert lake.reconcile().is_clean


def test_lost(lake: FixtureLake) -> None:
    lake.send(sample(1), sample(2), sample(3))
    lake.store_rows(row(1), row(3))

    report = lake.reconcile()

    assert report.total == Counts(sent=3, delivered=2, lost=1)
    (discrepancy,) = report.discrepancies
    assert (discrepancy.kind, discrepancy.source, discrepancy.n) == ("lost", str(PRESS), 2)
    assert discrepancy.detail == "acknowledged, and stored nowhere"


def test_of_equal_messages_the_one_without_acknowledgement_counts_as_the_lost_one(lake: FixtureLake) -> None:
    lake.send(sample(1), acked=False)
    lake.send(sample(1))
    lake.store_rows(row(1))

    (discrepancy,) = lake.reconcile().discrepancies

    assert (discrepancy.kind, discrepancy.n) == ("lost", 1)
    assert discrepancy.detail.startswith("never acknowledged")


def test_refused_by_the_broker_is_lost_and_says_so(lake: FixtureLake) -> None:
    lake.refuse(sample(1), "Not authorized")
    (discrepancy,) = lake.reconcile().discrepancies
    assert (discrepancy.kind, discrepancy.detail) == ("lost", "the broker refused it: Not authorized")


def test_duplicated(lake: FixtureLake) -> None:
    lake.send(sample(1))
    lake.store_rows(row(1))
    second = lake.store_rows(row(1), row(1))

    report = lake.reconcile()

    assert report.total == Counts(sent=1, delivered=1, duplicated=2)
    assert kinds(report) == ["duplicated", "duplicated"]
    assert any(discrepancy.where == f"{second}#0" for discrepancy in report.discrepancies)


def test_a_message_in_its_table_and_in_an_error_object_is_duplicated(lake: FixtureLake) -> None:
    lake.send(sample(1))
    lake.store_rows(row(1))
    lake.store_failures(sample(1))
    report = lake.reconcile()
    assert report.total.duplicated == 1
    assert "duplicated" in kinds(report)


@pytest.mark.parametrize(
    ("attempts", "copies", "redelivered", "duplicated"), [(2, 2, 1, 0), (2, 3, 1, 1), (3, 1, 0, 0)]
)
def test_a_second_publish_explains_one_more_copy_and_demands_none(
    lake: FixtureLake, attempts: int, copies: int, redelivered: int, duplicated: int
) -> None:
    lake.send(sample(1), attempts=attempts)
    lake.store_rows(*[row(1)] * copies)
    report = lake.reconcile()
    assert report.total == Counts(sent=1, delivered=1, redelivered=redelivered, duplicated=duplicated)
    assert kinds(report) == ["duplicated"] * duplicated


def test_equal_messages_are_counted_not_merged(lake: FixtureLake) -> None:
    lake.send(sample(1), sample(1), sample(" x "), sample("x"))
    lake.store_rows(row(1), row(1), row(None, value_text="x"), row(None, value_text="x"))
    report = lake.reconcile()
    assert report.total == Counts(sent=4, delivered=4)
    assert report.is_clean


def test_copies_give_way_to_each_other(lake: FixtureLake) -> None:
    """Two messages become the same row; the one whose bytes were rejected leaves the row to the other."""
    lake.send(sample(" x "), sample("x"))
    lake.store_rows(row(None, value_text="x"))
    lake.store_failures(sample(" x "))
    report = lake.reconcile()
    assert report.total == Counts(sent=2, delivered=1, rejected=1)
    (discrepancy,) = report.discrepancies
    assert (discrepancy.kind, discrepancy.n) == ("unexpectedly rejected", 1)


def test_the_same_bytes_of_two_gateways_stay_apart(lake: FixtureLake) -> None:
    """An error object does not name the gateway: it stands for the one whose row is missing."""
    lake.send(sample(1))
    lake.send(sample(1), source=OVEN)
    lake.store_rows(row(1))
    lake.store_failures(sample(1))
    report = lake.reconcile()
    assert report.total == Counts(sent=2, delivered=1, rejected=1)
    assert [(discrepancy.kind, discrepancy.source) for discrepancy in report.discrepancies] == [
        ("unexpectedly rejected", str(OVEN))
    ]


def test_error_action(lake: FixtureLake) -> None:
    lake.send(sample(1), sample(2))
    lake.store_rows(row(1))
    where = lake.store_error_action(sample(2))

    report = lake.reconcile()

    assert report.total == Counts(sent=2, delivered=1, error_action=1)
    (discrepancy,) = report.discrepancies
    assert (discrepancy.kind, discrepancy.n, discrepancy.where) == ("error action", 2, where)
    assert "Stream not found" in discrepancy.detail


def test_an_error_action_of_another_gateway_does_not_stand_for_ours(lake: FixtureLake) -> None:
    lake.send(sample(1))
    lake.send(sample(2), source=OVEN)
    lake.store_rows(row(2, gateway="line-2"))
    lake.store_error_action(sample(1), source=OVEN)
    report = lake.reconcile()
    assert report.total.lost == 1
    assert report.total.error_action == 0


def test_unexpectedly_rejected(lake: FixtureLake) -> None:
    lake.send(sample(1))
    lake.store_failures(sample(1))
    report = lake.reconcile()
    assert report.total == Counts(sent=1, rejected=1)
    (discrepancy,) = report.discrepancies
    assert discrepancy.kind == "unexpectedly rejected"
    assert "Lambda.Code" in discrepancy.detail


@pytest.mark.parametrize(
    ("payload", "stored"),
    [
        (sample(1, success="true"), row(1)),
        (sample(1, deviceName=" "), row(1, device_name="")),
        (sample(1)[:-1] + b',"value":1}', row(1)),
        (b"\xef\xbb\xbf" + sample(1), row(1)),
    ],
)
def test_unexpectedly_accepted(lake: FixtureLake, payload: bytes, stored: dict[str, object]) -> None:
    lake.send(payload)
    where = lake.store_rows(stored)
    report = lake.reconcile()
    assert report.total == Counts(sent=1, delivered=1)
    (discrepancy,) = report.discrepancies
    assert (discrepancy.kind, discrepancy.n, discrepancy.where) == ("unexpectedly accepted", 1, f"{where}#0")


def test_unexpectedly_accepted_configuration(lake: FixtureLake) -> None:
    lake.send(b'{"operator":" "}', source=SETUP)
    lake.store_lines(f'{{"operator":"","_received_at":{NOW_MS},"_gateway":"line-1"}}')
    assert kinds(lake.reconcile()) == ["unexpectedly accepted"]


@pytest.mark.parametrize(
    ("payload", "stored", "column"),
    [
        (sample(0.1), row(0.1 + 2**-56), "value"),
        (sample(2**53 + 1), row(2.0**53), "value_text"),
        (sample(1), row(1, device_name="Press 2"), "device_name"),
        (sample(1, deviceID="other"), row(1), "device_id"),
        (sample(1, datatype="int64"), row(1), "datatype"),
        (sample(1, description=" oil "), row(1, description=" oil "), "description"),
        (sample(1, success=False), row(1), "success"),
        (sample(None), row(0.0), "value"),
        (sample(1, unit="kPa"), row(1), "attributes"),
        (sample(1, limit=1)[:-2] + b"1.50}", row(1, attributes='{"limit":1.5}'), "attributes"),
        (sample(1, x={"b": 1, "a": 2}), row(1, attributes='{"x":{"a":2,"b":1}}'), "attributes"),
        (sample(1), row(1, gateway="line-2"), "gateway"),
        (sample(1), row(1, gateway=None), "gateway"),
    ],
)
def test_altered(lake: FixtureLake, payload: bytes, stored: dict[str, object], column: str) -> None:
    """What is stored is not what was sent: named by the column, and counted as lost."""
    lake.send(payload)
    lake.send(NOT_JSON, source=OVEN)
    lake.store_failures(NOT_JSON)
    where = lake.store_rows(stored)

    report = lake.reconcile()

    assert report.total == Counts(sent=2, rejected=1, lost=1)
    (discrepancy,) = report.discrepancies
    assert (discrepancy.kind, discrepancy.source, discrepancy.n, discrepancy.where) == (
        "altered",
        str(PRESS),
        1,
        f"{where}#0",
    )
    assert discrepancy.detail == f"differs in {column}"


@pytest.mark.parametrize(
    "line",
    [
        '{"speed":1.5,"name":"a"}',
        '{"speed":1.50,"name":" a"}',
        '{"name":"a","speed":1.50}',
        '{"Speed":1.50,"name":"a"}',
    ],
)
def test_altered_configuration(lake: FixtureLake, line: str) -> None:
    """A number spelled anew, a text not trimmed, another order, a changed key."""
    lake.send(b'{"speed":1.50,"name":" a "}', source=SETUP)
    lake.store_lines(f'{line[:-1]},"_received_at":{NOW_MS},"_gateway":"line-1"}}')
    report = lake.reconcile()
    assert report.total == Counts(sent=1, lost=1)
    assert kinds(report) == ["altered"]


def test_an_error_object_that_does_not_hold_the_original_bytes(lake: FixtureLake) -> None:
    lake.send(sample(1, success="true"))
    lake.store_failures(sample(1, success="true").replace(b": ", b":"))
    report = lake.reconcile()
    assert report.total == Counts(sent=1, lost=1)
    (discrepancy,) = report.discrepancies
    assert (discrepancy.kind, discrepancy.detail) == ("altered", "the rejected entry holds other bytes than were sent")


def test_wrong_partition(lake: FixtureLake) -> None:
    """The partition is the day of the sample, not of its arrival."""
    lake.send(sample(1, timestamp=NOW_MS - DAY_MS), sample(2))
    wrong = lake.store_rows(row(1, ts=NOW_MS - DAY_MS), row(2))
    report = lake.reconcile()
    assert report.total == Counts(sent=2, delivered=2)
    (discrepancy,) = report.discrepancies
    assert (discrepancy.kind, discrepancy.n, discrepancy.where) == ("wrong partition", 1, f"{wrong}#0")


def test_late_samples_on_their_own_day_are_right(lake: FixtureLake) -> None:
    lake.send(sample(1, timestamp=NOW_MS - DAY_MS))
    lake.store_rows(row(1, ts=NOW_MS - DAY_MS), day=day_of(NOW_MS - DAY_MS))
    assert lake.reconcile().is_clean


def test_configuration_belongs_to_the_day_of_its_arrival(lake: FixtureLake) -> None:
    lake.send(b"{}", source=SETUP)
    lake.store_lines(f'{{"_received_at":{NOW_MS},"_gateway":"line-1"}}', day=day_of(NOW_MS - DAY_MS))
    assert kinds(lake.reconcile()) == ["wrong partition"]


@pytest.mark.parametrize("received_at", [NOW_MS - 3_600_000, NOW_MS + 3_600_000, None])
def test_wrong_arrival_time(lake: FixtureLake, received_at: int | None) -> None:
    lake.send(sample(1))
    lake.store_rows(row(1, received_at=received_at))
    assert kinds(lake.reconcile()) == ["wrong arrival time"]


def test_rows_that_were_never_sent(lake: FixtureLake) -> None:
    lake.send(sample(1))
    lake.store_rows(row(1), row(7, register_id="r-9"))
    lake.store_failures(b"noise")
    report = lake.reconcile()
    assert report.total == Counts(sent=1, delivered=1)
    assert kinds(report) == ["never sent", "never sent"]


def test_gateways_without_a_journal_are_counted_apart(lake: FixtureLake) -> None:
    lake.send(sample(1))
    lake.store_rows(row(1), row(2, gateway="line-7"))
    report = lake.reconcile()
    assert report.is_clean
    assert report.unexpected == report.to_json()["unexpected"] == 1


def test_other_factories_are_not_read(lake: FixtureLake) -> None:
    lake.send(sample(1))
    lake.store_rows(row(1))
    lake.put("measurements", f"factory=krakow-2/{day_of(NOW_MS)}/broken", b"no Parquet")
    lake.put("measurements", "athena-results/1.csv", b"a,b")
    assert lake.reconcile().is_clean


@pytest.mark.parametrize("kind", ["format-conversion-failed", "partitioning-failed", "activePartitionExceeded"])
def test_a_line_that_failed_behind_the_transform_is_found(lake: FixtureLake, kind: str) -> None:
    """Such an error object holds the line that the transform made, not the original bytes."""
    lake.send(sample(2**53 + 1, unit=" kPa "), sample(True))
    for value, more in (("9007199254740993", ',"value_text":"9007199254740993"'), ("true", "")):
        line = sample(0).decode()[:-1].replace('"value": 0', f'"value": {value}').replace('"metadata": {}, ', "")
        line = line.replace('"description": ""', '"description": null')
        attributes = ',"attributes":"{\\"unit\\":\\"kPa\\"}"' if more else ""
        envelope = f',"_received_at":{NOW_MS},"_gateway":"line-1"}}\n'
        lake.store_failures(f"{line}{more}{attributes}{envelope}".encode(), kind=kind)

    report = lake.reconcile()

    assert report.total == Counts(sent=2, rejected=2)
    assert kinds(report) == ["unexpectedly rejected"] * 2
    assert report.discrepancies[0].detail == f"{kind}: Lambda.Code"


def test_a_sample_at_the_edge_of_the_window_may_end_either_way(lake: FixtureLake) -> None:
    """Whether it was too old is decided between its publish (NOW) and its PUBACK (NOW + 10 ms)."""
    edge = sample(1, timestamp=NOW_MS + 5 - 400 * DAY_MS)
    lake.send(edge, edge)
    lake.store_rows(row(1, ts=NOW_MS + 5 - 400 * DAY_MS), day=day_of(NOW_MS - 400 * DAY_MS))
    lake.store_failures(edge)
    report = lake.reconcile()
    assert report.total == Counts(sent=2, delivered=1, rejected=1)
    assert report.is_clean


def test_other_rules(lake: FixtureLake) -> None:
    lake.send(sample("  ", timestamp=NOW_MS - 500 * DAY_MS))
    lake.store_rows(row(None, ts=NOW_MS - 500 * DAY_MS), day=day_of(NOW_MS - 500 * DAY_MS))
    rules = Rules(past_days=600, blank_strings={"measurements": "null"})
    assert reconcile(StoredObjects(lake.s3, BUCKETS), lake.journal_dir, rules).is_clean


@pytest.mark.parametrize(("comes_after", "waits", "lost"), [(5, 60, 0), (100, 10, 1)])
def test_waits_for_what_is_still_on_its_way(lake: FixtureLake, comes_after: int, waits: int, lost: int) -> None:
    lake.send(sample(1))
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        if now[0] > comes_after:
            lake.store_rows(row(1))

    stored = StoredObjects(lake.s3, BUCKETS)
    report = reconcile(stored, lake.journal_dir, wait_seconds=waits, clock=lambda: now[0], sleep=sleep)
    assert report.total.lost == lost
    assert min(comes_after, waits) <= now[0] < min(comes_after, waits) + 5


@pytest.mark.parametrize(
    ("key", "body"),
    [
        (f"factory=krakow/{day_of(NOW_MS)}/x.parquet", b"no Parquet"),
        ("errors/factory=krakow/measurements/processing-failed/2026/03/04/x", b'{"errorCode":"no data"}'),
        ("errors/factory=krakow/measurements/processing-failed/2026/03/04/x", b'{"rawData":"?"}'),
        ("errors/factory=krakow/measurements/iot-rule/2026/03/04/x.json", b"{}"),
    ],
)
def test_an_object_that_cannot_be_read_is_named(lake: FixtureLake, key: str, body: bytes) -> None:
    lake.send(sample(1))
    lake.put("measurements", key, body)
    with pytest.raises(StoredError, match=f"s3://lake-measurements/{key}"):
        lake.reconcile()


def test_a_cut_configuration_object_is_named(lake: FixtureLake) -> None:
    lake.send(b"{}", source=SETUP)
    lake.put("configuration", f"factory=krakow/{day_of(NOW_MS)}/x", b'{"a":1}')
    with pytest.raises(StoredError, match="the last line has no end"):
        lake.reconcile()


def test_no_journal(lake: FixtureLake) -> None:
    with pytest.raises(JournalError, match="no journal"):
        lake.reconcile()


def test_json_has_the_numbers_of_the_contract(lake: FixtureLake) -> None:
    lake.send(sample(1), sample(2))
    lake.store_rows(row(1))
    report = json.loads(json.dumps(lake.reconcile().to_json()))
    numbers = asdict(Counts(sent=2, delivered=1, lost=1))
    assert report["messages"] == {"total": numbers, "by_lane": {"krakow/measurements": numbers}}
    assert set(numbers) == {"sent", "delivered", "rejected", "error_action", "lost", "duplicated", "redelivered"}
    assert report["discrepancies"][0]["kind"] == "lost"


def test_no_payload_reaches_the_report(lake: FixtureLake) -> None:
    lake.send(sample("secret-text"), sample("secret-name", deviceName=" "), b"secret-noise")
    lake.store_rows(row(None, value_text="secret-other"))
    assert "secret" not in json.dumps(lake.reconcile().to_json())


def test_many_equal_messages_and_many_copies_are_matched_quickly(lake: FixtureLake, tmp_path: Path) -> None:
    lake.send(*[b"{}"] * 2000, source=SETUP)
    lake.store_lines(*[f'{{"_received_at":{NOW_MS},"_gateway":"line-1"}}'] * 2500)
    report = lake.reconcile()
    assert report.total == Counts(sent=2000, delivered=2000, duplicated=500)


def test_what_the_canary_left_is_nobodys_and_no_discrepancy(lake: FixtureLake) -> None:
    lake.send(sample(1.5))
    lake.send(b'{"recipe":1}', source=SETUP)
    lake.store_rows(row(1.5), row(42.0, tag_name="_canary"))
    lake.store_lines(
        f'{{"recipe":1,"_received_at":{NOW_MS},"_gateway":"line-1"}}',
        f'{{"_canary":"1","_received_at":{NOW_MS},"_gateway":"line-1"}}',
    )
    lake.store_failures(sample(1.5, tagName="_canary-rejected", success="no"))
    lake.store_error_action(b'{"_canary":"2"}', source=SETUP)

    report = lake.reconcile()

    assert report.discrepancies == ()
    assert report.unexpected == 0
    assert report.total == Counts(sent=2, delivered=2)
