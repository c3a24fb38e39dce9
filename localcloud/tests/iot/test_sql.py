"""IoT SQL: what it gives, and what it refuses instead of guessing."""

import re

import pytest

from localcloud.iot.sql import EvaluationError, Message, SqlError, parse_statement, parse_template

NOW = 1_772_323_445_678  # 2026-03-01T00:04:05.678Z
MESSAGE = Message("stations/krakow/line-1/measurements", b"\xff no text", "krakow-line-1-measurements", NOW, "trace-1")


@pytest.mark.parametrize("sql", ["SELECT * FROM 'stations/+/#'", ' select *\nfrom "stations/+/#" '])
def test_a_bare_star_has_a_topic_filter(sql: str) -> None:
    assert parse_statement(sql).topic_filter == "stations/+/#"


@pytest.mark.parametrize(
    ("payload", "result"),
    [
        (b'{"a": 1.50}', b'{"a":1.5,"station":"it\'s"}'),
        (b'{"station": 1}', b'{"station":"it\'s"}'),
        (b"", b'{"station":"it\'s"}'),
    ],
)
def test_constants_stand_beside_what_a_message_has(payload: bytes, result: bytes) -> None:
    statement = parse_statement("SELECT *, 'it''s' AS station FROM 'stations/+'")
    assert statement.topic_filter == "stations/+"
    assert statement.select(payload) == result


@pytest.mark.parametrize("payload", [b"\xff", b"[1]", b"text"])
def test_a_constant_cannot_stand_beside_what_is_no_object(payload: bytes) -> None:
    with pytest.raises(EvaluationError, match="needs a payload"):
        parse_statement("SELECT *, 'a' AS b FROM 't'").select(payload)
    assert parse_statement("SELECT * FROM 't'").select(payload) == payload


def test_constants_have_names_of_their_own() -> None:
    with pytest.raises(SqlError, match="a name of its own"):
        parse_statement("SELECT *, 'a' AS b, 'c' AS b FROM 't'")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT",
        "SELECT *, 'a' FROM 't'",
        "SELECT *, 1 AS a FROM 't'",
        "SELECT 'a' AS b FROM 't'",
        "SELECT *",
        "SELECT * FROM t",
        "SELECT * FROM ''",
        "SELECT * FROM 't' LIMIT 1",
        "SELECT * FROM 't' WHERE a = 1",
        "SELECT a FROM 't'",
        "SELECT *, timestamp() AS at FROM 't'",
    ],
)
def test_another_statement_is_refused(sql: str) -> None:
    with pytest.raises(SqlError, match=r"must be SELECT \* FROM"):
        parse_statement(sql)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("${timestamp()}/${topic(3)}/x", f"{NOW}/line-1/x"),
        ("${topic()}", "stations/krakow/line-1/measurements"),
        ("no expression", "no expression"),
        ('${parse_time("yyyy/MM/dd", timestamp())}', "2026/03/01"),
        ("${parse_time('yyyy-MM-dd''T''HH:mm:ss.SSS', timestamp())}", "2026-03-01T00:04:05.678"),
    ],
)
def test_a_template_renders_its_expressions(template: str, text: str) -> None:
    assert parse_template(template).render(MESSAGE) == text


def test_each_new_uuid_differs() -> None:
    first, second = parse_template("${newuuid()} ${newuuid()}").render(MESSAGE).split()
    assert first != second
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", first)


@pytest.mark.parametrize("template", ["${topic(9)}", "${parse_time('yyyy', newuuid())}"])
def test_a_template_without_a_text_fails(template: str) -> None:
    with pytest.raises(EvaluationError):
        parse_template(template).render(MESSAGE)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("${timestamp()", "has no end"),
        ("${}", "'' is not supported"),
        ("${key}", "'key' is not supported"),
        ("${nope()}", "'nope' is not supported"),
        ("${timestamp() x}", "'x' is not supported here"),
        ("${timestamp(}", "'' is not supported"),
        ("${timestamp(1)}", "takes no arguments"),
        ("${topic(1 2)}", "',' or ')' is expected"),
        ("${topic(0)}", "from 1 on"),
        ("${topic('a')}", "from 1 on"),
        ("${parse_time('EEE', timestamp())}", "'EEE' is not supported"),
        ("${parse_time('yyyy', 1)}", "takes a pattern"),
        ("${parse_time('yyyy', timestamp(), 'Europe/Warsaw')}", "takes a pattern"),
    ],
)
def test_a_template_that_is_not_supported_is_refused(template: str, why: str) -> None:
    with pytest.raises(SqlError, match=re.escape(why)):
        parse_template(template)
