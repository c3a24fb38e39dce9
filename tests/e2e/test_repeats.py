"""Messages that delivery repeats: the tables have them, the duplicates query finds them, the views do not."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from factory_lake.gateway.identities import Lane
from factory_lake.query import run_named
from harness.lake import LocalLake
from tests.e2e.plant import Factory, rows, sample
from tests.terraform.queries.rows import TABLES, in_force_sql, moments_sql, view_sql


def test_repeats_of_both_kinds_are_found_and_can_be_left_out(
    lake: LocalLake, factory: Callable[[str], Factory]
) -> None:
    krakow = factory("krakow")
    once, republished, redelivered, conflicting = sample(), sample(), sample(), sample()
    other_reading = json.dumps({**json.loads(conflicting), "value": -1}).encode()
    # A gateway that did not see the acknowledgement publishes again; then each copy has its own arrival.
    krakow.send([once, republished, conflicting])
    krakow.send([republished, other_reading])
    _deliver_twice(krakow, redelivered)
    krakow.deliver()

    table = rows(lake, "SELECT register_id, value, received_at FROM measurements WHERE factory = 'krakow'")
    sent = [once, republished, republished, redelivered, redelivered, conflicting, other_reading]
    assert sorted(row[:2] for row in table) == sorted(map(_reading, sent))
    first = {reading: min(row[2] for row in table if row[:2] == reading) for reading in map(_reading, sent)}
    view = rows(lake, "SELECT register_id, value, received_at FROM measurements_distinct WHERE factory = 'krakow'")
    assert sorted(view) == sorted((*reading, arrival) for reading, arrival in first.items())

    result = run_named(lake.cloud.client("athena"), "duplicate-samples", lake.outputs["athena"]["workgroup"])
    named: list[dict[str, Any]] = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    found = {
        row["register_id"]: (row["copies"], row["messages"], row["kind"])
        for row in named
        if row["factory"] == "krakow"
    }
    assert found == {
        _reading(republished)[0]: (2, 1, "same"),
        _reading(redelivered)[0]: (2, 1, "same"),
        _reading(conflicting)[0]: (2, 2, "conflicting"),
    }
    assert sum(copies - messages for copies, messages, _ in found.values()) == len(table) - len(view)


def test_configuration_that_is_delivered_twice_can_be_left_out(
    lake: LocalLake, factory: Callable[[str], Factory]
) -> None:
    krakow = factory("krakow")
    _deliver_twice(krakow, b'{"speed":3}', "configuration")
    # The same settings sent once more are a message of their own: they might have been others in between.
    krakow.send([b'{"speed":3}'], "configuration")
    krakow.deliver()

    counts = "SELECT count(*) FROM {} WHERE factory = 'krakow'"
    assert rows(lake, counts.format("configuration")) == [(3,)]
    assert rows(lake, counts.format("configuration_distinct")) == [(2,)]
    assert rows(lake, counts.format("configuration_in_force")) == [(1,)]


def test_the_views_have_the_query_that_the_tests_have(lake: LocalLake) -> None:
    """The queries' tests run without Terraform and fill in the same file by themselves."""
    glue, database = lake.cloud.client("glue"), lake.outputs["athena"]["database"]
    queries = {f"{table}_distinct": view_sql(table) for table in TABLES}
    queries |= {"configuration_in_force": in_force_sql(), "moments": moments_sql()}
    for name, sql in queries.items():
        view = glue.get_table(DatabaseName=database, Name=name)["Table"]
        document = view["ViewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")
        assert json.loads(base64.b64decode(document))["originalSql"] == sql


def _deliver_twice(factory: Factory, payload: bytes, lane: Lane = "measurements") -> None:
    """Puts a record on the lane's stream twice, as it is: both have the same arrival and gateway."""
    key = f"{time.time_ns() // 1_000_000}/{factory.gateway}/{uuid.uuid4()}"
    kinesis = factory.lake.cloud.client("kinesis")
    stream = factory.lake.outputs["data_streams"][factory.name][lane]
    for _ in range(2):
        kinesis.put_record(StreamName=stream, Data=payload, PartitionKey=key)


def _reading(payload: bytes) -> tuple[str, float]:
    message = json.loads(payload)
    return message["registerId"], float(message["value"])
