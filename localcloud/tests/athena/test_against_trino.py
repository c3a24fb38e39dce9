"""The local engine gives Trino's own answers, or refuses.

Athena's engine is a fork of Trino. ``trino/queries.json`` holds queries with what Trino 435 answered;
``trino/record.py`` asks it again.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import sqlglot

from localcloud.athena.engine import Query
from localcloud.athena.errors import QueryError, UnsupportedError
from localcloud.athena.functions import NAMES
from localcloud.athena.surface import RULES, Rule
from localcloud.testing.memory_storage import MemoryStorage

_ANSWERS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "trino" / "queries.json").read_text())


def _plain_type(kind: str) -> str:
    """A type without what Athena does not show: lengths of texts, digits of seconds."""
    return re.sub(r"(varchar|timestamp)\(\d+\)", r"\1", kind).replace(", ", ",")


def _plain_value(value: str | None, kind: str) -> str | None:
    """A value as Athena writes it: always three digits of a second."""
    if value is None or not kind.startswith("timestamp"):
        return value
    return re.sub(r"(\d\d:\d\d:\d\d)(?:\.(\d+))?", lambda found: f"{found[1]}.{(found[2] or '').ljust(3, '0')}", value)


@pytest.mark.parametrize("answer", _ANSWERS, ids=lambda answer: re.sub(r"\s+", " ", answer["sql"])[:60])
def test_means_the_same_as_on_trino(answer: dict[str, Any]) -> None:
    if "refused" in answer:
        with pytest.raises(UnsupportedError, match=re.escape(answer["refused"])):
            Query(answer["sql"]).run(MemoryStorage(), MemoryStorage())
    elif "error" in answer:
        with pytest.raises(QueryError):
            Query(answer["sql"]).run(MemoryStorage(), MemoryStorage())
    else:
        got = Query(answer["sql"]).run(MemoryStorage(), MemoryStorage())
        types = [_plain_type(kind) for kind in answer["types"]]
        assert [str(column.type) for column in got.columns] == types
        rows = [[_plain_value(*pair) for pair in zip(row, types, strict=True)] for row in answer["rows"]]
        if "ORDER BY" in answer["sql"]:
            assert got.rows == rows
        else:
            assert sorted(map(repr, got.rows)) == sorted(map(repr, rows))


def test_only_what_trino_answers_counts_as_refused() -> None:
    assert not [answer["sql"] for answer in _ANSWERS if "refused" in answer and "error" in answer]


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_function_has_been_compared(name: str) -> None:
    assert any(
        "error" not in answer and re.search(rf"\b{name}\s*\(", answer["sql"], re.IGNORECASE) for answer in _ANSWERS
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_forbids_what_trino_does_not_read(rule: Rule) -> None:
    """Trino refused at least one query for it, and nothing that Trino answered falls under it."""
    hit = [
        answer
        for answer in _ANSWERS
        if next(rule.found(sqlglot.tokenize(answer["sql"], read="trino")), None) is not None
    ]
    assert hit
    assert all("error" in answer for answer in hit)
    with pytest.raises(QueryError, match=re.escape(rule.write)):
        Query(hit[0]["sql"]).run(MemoryStorage(), MemoryStorage())
