"""Every query of the notebook runs over the fixture lake's objects, in folders that stand for its buckets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.terraform.queries.conftest import BUCKETS, NOW
from tests.terraform.queries.rows import ROOT, SAMPLES, objects
from tests.terraform.queries.test_views import _distinct_samples

_NOTEBOOK = ROOT / "notebooks" / "lake.ipynb"
_CLIP = re.compile(r"factory=krakow/camera=([^/]+)/year=2026/month=03/day=09/[^/]+\.mp4")


def _cells() -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(_NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def _is_tagged(cell: dict[str, Any], tag: str) -> bool:
    return tag in cell["metadata"].get("tags", ())


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, str]:
    """The lake's buckets as folders, with what is no data beside it."""
    stored = objects(NOW, BUCKETS)
    stored["lake-measurements", "errors/factory=krakow/measurements/processing-failed/2026/03/09/x"] = b"{}"
    for (bucket, key), body in stored.items():
        file = tmp_path / bucket / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    return {name: str(tmp_path / f"lake-{name}") for name in ("measurements", "configuration", "clips")}


class _Connection:
    """DuckDB's connection, whose answers are kept as rows: a frame of pandas is for the reader's eyes."""

    def __init__(self) -> None:
        self.answers: list[list[tuple[Any, ...]]] = []
        self._own = duckdb.connect()

    def execute(self, sql: str) -> None:
        self._own.execute(sql)

    def sql(self, sql: str) -> _Connection:
        self.answers.append(self._own.execute(sql).fetchall())
        return self

    def df(self) -> None:
        """Nothing more than `sql` did."""

    def explained(self, sql: str) -> str:
        """The plan of a query."""
        return str(self._own.execute(f"EXPLAIN {sql}").fetchall())


def test_every_query_answers(folders: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """All cells in their order, but the one that lets DuckDB into S3."""
    connection = _Connection()
    names: dict[str, Any] = {}
    for cell in _cells():
        if _is_tagged(cell, "s3"):
            continue
        exec("".join(cell["source"]), names)  # noqa: S102 - the repository's own cells
        if _is_tagged(cell, "parameters"):
            names["BUCKETS"] = folders
        if "lake" in names and names["lake"] is not connection:
            names["lake"] = connection
    latest, hours, settings, joined, clips = connection.answers
    assert ("Press 1", "speed") in {row[:2] for row in latest}
    today = [row for row in _distinct_samples() if row[0] == "krakow" and row[7].date() == NOW.date()]
    assert sum(row[2] for row in hours) == len(today) < len(SAMPLES)
    assert [(factory, gateway, message) for factory, gateway, _, message in settings] == [
        ("krakow", "line-1", '{"v":2,"name":"a, b"}'),
        ("krakow", "line-2", "{}"),
        ("krakow", None, '{"x":"a\u2028b","deep":{"_received_at":5}}'),
        ("lyon", "press-shop", '{"a":2}'),
    ]
    # What line-1 measured before nine o'clock was measured under its first configuration.
    assert {(row[0].hour >= 9, row[5]) for row in joined} == {(False, '{"v":1}'), (True, '{"v":2,"name":"a, b"}')}
    stored = sorted((found[1], key) for _, key in objects(NOW, BUCKETS) if (found := _CLIP.fullmatch(key)))
    assert [(camera, file.removeprefix(f"{folders['clips']}/")) for camera, file in clips] == stored != []

    for condition in ("year = 2026 AND month = 3 AND day = 9", "date = make_date(2026, 3, 9)"):
        # The day's two files of one factory.
        plan = connection.explained(f"FROM samples WHERE factory = 'krakow' AND {condition}")
        assert re.search(r"Scanning Files: 2/\d\d", plan)


def test_it_has_no_output() -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in _cells())


def test_its_parameters_are_nobodys_lake() -> None:
    (parameters,) = [cell for cell in _cells() if _is_tagged(cell, "parameters")]
    assert "".join(parameters["source"]).count("s3://factory-lake-dev-111122223333-") == 3
