"""IoT SQL: what it gives, and what it refuses instead of guessing."""

# ruff: noqa: S608 - IoT's SQL, of which no part is user input

import json
import re
from typing import Any

import pytest

from localcloud.iot.sql import (
    EvaluationError,
    Message,
    SqlError,
    parse_statement,
    parse_template,
)

NOW = 1_772_323_445_678  # 2026-03-01T00:04:05.678Z


def message(
    payload: bytes = b'{"a": {"b": 7}, "t": "x"}', *, client_id: str | None = "krakow-line-1-measurements"
) -> Message:
    return Message("stations/krakow/line-1/measurements", payload, client_id, NOW, "trace-1")


def select(items: str, payload: bytes = b'{"a": {"b": 7}, "t": "x"}') -> object:
    return json.loads(parse_statement(f"SELECT {items} FROM 'stations/#'").evaluate(message(payload)))


@pytest.mark.parametrize("payload", [b"\xff\x00 no text", b'{ "a" : 1.0 }', b"", b'{"a":1,"a":2}'])
def test_a_bare_star_gives_the_payload_byte_for_byte(payload: bytes) -> None:
    assert parse_statement("SELECT * FROM 't'").evaluate(message(payload)) == payload


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("*, timestamp() AS at", {"a": {"b": 7}, "t": "x", "at": NOW}),
        ("a.b", {"b": 7}),
        ("a.b AS deep, t AS text", {"deep": 7, "text": "x"}),
        ("absent, t", {"t": "x"}),
        (
            "topic() AS whole, topic(3) AS line",
            {"whole": "stations/krakow/line-1/measurements", "line": "line-1"},
        ),
        ("topic(9) AS none, t", {"t": "x"}),
        ("clientid() AS c", {"c": "krakow-line-1-measurements"}),
        ("'it''s' AS quoted, -1.5 AS number", {"quoted": "it's", "number": -1.5}),
        ("parse_time('yyyy-MM-dd HH:mm:ss.SSS', timestamp()) AS at", {"at": "2026-03-01 00:04:05.678"}),
        ("parse_time(\"yyyy/MM/dd'T'HH\", timestamp(), 'Europe/Warsaw') AS at", {"at": "2026/03/01T01"}),
        ("traceid() AS id", {"id": "trace-1"}),
    ],
)
def test_items(items: str, expected: dict[str, Any]) -> None:
    assert select(items) == expected


def test_an_empty_payload_takes_additional_items() -> None:
    assert select("*, timestamp() AS at", b"") == {"at": NOW}


@pytest.mark.parametrize("payload", [b"no json", b"[1]", b"NaN", b"\xff"])
def test_a_payload_that_is_no_object_loses_a_statement_that_reads_it(payload: bytes) -> None:
    with pytest.raises(EvaluationError):
        select("*, timestamp() AS at", payload)


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT", "a value is expected"),
        ("SELECT * FROM t", "a topic filter in quotes is expected"),
        ("SELECT * FROM 't' LIMIT 1", "at 'LIMIT'"),
        ("SELECT lower(t) AS l FROM 't'", "the function lower() is not supported"),
        ("SELECT timestamp() FROM 't'", "needs an alias"),
        ("SELECT topic(0) AS x FROM 't'", "counts segments from 1"),
        ("SELECT topic(a) AS x FROM 't'", "takes constants"),
        ("SELECT a + 1 AS x FROM 't'", "cannot be read from position"),
        ("SELECT parse_time('EEE', 1) AS x FROM 't'", "'EEE' is not supported"),
        ("SELECT parse_time('yyyy', 1, 'Nowhere/Land') AS x FROM 't'", "no zone"),
        ("SELECT NULL AS x FROM 't'", "a value is expected"),
        ("SELECT * FROM 't' WHERE a", "at 'WHERE'"),
        ("SELECT VALUE a FROM 't'", "at 'a'"),
    ],
)
def test_what_is_not_supported_is_refused(sql: str, why: str) -> None:
    with pytest.raises(SqlError, match=re.escape(why)):
        parse_statement(sql)


def test_a_template_renders_its_expressions() -> None:
    text = parse_template("${timestamp()}/${topic(3)}/x").render(message(b"\xff"))
    assert text == f"{NOW}/line-1/x"


def test_each_new_uuid_differs() -> None:
    first, second = parse_template("${newuuid()} ${newuuid()}").render(message()).split()
    assert first != second
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", first)


def test_a_template_takes_either_quote() -> None:
    key = '${parse_time("yyyy/MM/dd", timestamp())}'
    assert parse_template(key).render(message()) == "2026/03/01"


def test_a_client_off_mqtt_is_not_available() -> None:
    assert parse_template("${clientid()}").render(message(client_id=None)) == "n/a"


@pytest.mark.parametrize("template", ["${absent}", "${a}"])
def test_a_template_without_a_text_fails(template: str) -> None:
    with pytest.raises(EvaluationError):
        parse_template(template).render(message())


@pytest.mark.parametrize("template", ["${timestamp()", "${nope()}", "${timestamp() x}"])
def test_a_template_that_is_not_supported_is_refused(template: str) -> None:
    with pytest.raises(SqlError):
        parse_template(template)
