"""Messages of a plant, malformed ones too, from MQTT to S3 and SQL."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from factory_lake.gateway.identities import LANES, Source
from factory_lake.gateway.plant import messages
from harness.lake import LocalLake
from tests.e2e.plant import Factory, all_keys, rows, sample

_MINUTE_MS = 60_000


def test_every_message_of_a_plant_ends_in_exactly_one_place(factory: Callable[[str], Factory]) -> None:
    krakow = factory("krakow")
    before = krakow.reconcile().total.sent if any(krakow.journals.iterdir()) else 0
    for lane in LANES:
        source = Source("krakow", krakow.gateway, lane)
        now_ms = time.time_ns() // 1_000_000
        plant = messages(source, seed=7, start_ms=now_ms, interval_ms=10)
        krakow.send([next(plant).payload for _ in range(400)], lane)
    krakow.deliver()

    report = krakow.reconcile()

    assert report.discrepancies == ()
    assert report.total.sent == before + 800
    assert report.total.delivered + report.total.rejected == report.total.sent
    assert report.total.rejected > 0  # the malformed ones that must not get into a table


def test_a_sample_sent_late_lands_on_its_own_day(lake: LocalLake, factory: Callable[[str], Factory]) -> None:
    krakow = factory("krakow")
    taken = datetime.now(UTC) - timedelta(days=40)
    krakow.send([sample(tagName="late", timestamp=int(taken.timestamp() * 1000))])
    krakow.deliver()

    day = f"factory=krakow/year={taken:%Y}/month={taken:%m}/day={taken:%d}/"
    assert len(list(all_keys(lake, "measurements", day))) == 1
    found = rows(
        lake,
        "SELECT tag_name, gateway FROM measurements "  # noqa: S608 - numbers of this test's own
        f"WHERE factory = 'krakow' AND year = {taken.year} AND month = {taken.month} AND day = {taken.day}",
    )
    assert found == [("late", "line-1")]


def test_a_rejected_message_keeps_its_bytes_and_its_reason_is_logged(
    lake: LocalLake, factory: Callable[[str], Factory]
) -> None:
    krakow = factory("krakow")
    krakow.send([sample(tagName="   "), b"\xff not JSON"])
    krakow.deliver()

    assert krakow.reconcile().discrepancies == ()
    logs = lake.cloud.client("logs")
    group = f"/aws/lambda/{lake.outputs['transform_functions']['krakow']['measurements']}"
    events = logs.filter_log_events(logGroupName=group)["events"]
    lines = [event["message"] for event in events]
    assert any('"tagName"' in line and "BLANK_STRING" in line for line in lines)
    assert not any("not JSON" in line or "\\xff" in line for line in lines)
