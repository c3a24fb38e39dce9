"""Every query of the Grafana dashboards runs, with macros and variables filled in as Grafana's Athena plugin does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from localcloud.athena.engine import Query
from localcloud.testing.memory_storage import MemoryStorage
from tests.terraform.queries.conftest import NOW
from tests.terraform.queries.rows import ROOT

DASHBOARDS = sorted((ROOT / "dashboards" / "grafana").glob("*.json"))
_VALUES = {"factory": "krakow", "device": "Press 1", "tag": "speed"}
_TIME_SERIES, _TABLE = 0, 1


def queries(board: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The queries of a dashboard by what they are for."""
    for panel in board["panels"]:
        yield from ((panel["title"], target["rawSQL"]) for target in panel["targets"])
    for annotation in board["annotations"]["list"]:
        yield annotation["name"], annotation["target"]["rawSQL"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]["rawSQL"]


def filled(sql: str, now: datetime) -> str:
    """A query as the plugin sends it (``pkg/athena/macros.go``), for the 12 hours before a moment."""
    begin, end = now - timedelta(hours=12), now
    times = [f"TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S}'" for moment in (begin, end)]
    days = [f"date '{moment:%Y-%m-%d}'" for moment in (begin, end)]
    # Grafana itself fills in variables, before the plugin sees the query.
    for name, value in {**_VALUES, "__interval": "1m"}.items():
        sql = re.sub(rf"\${name}\b", value, sql)
    sql = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 BETWEEN {times[0]} AND {times[1]}", sql)
    sql = re.sub(r"\$__dateFilter\((\w+)\)", rf"\1 BETWEEN {days[0]} AND {days[1]}", sql)
    sql = re.sub(r"\$__timeGroup\((\w+), '1m'\)", r"FROM_UNIXTIME(FLOOR(TO_UNIXTIME(\1)/60)*60)", sql)
    return sql.replace("$__timeFrom()", times[0]).replace("$__timeTo()", times[1])


def all_queries() -> list[tuple[str, str]]:
    """Every query of every dashboard."""
    return [one for file in DASHBOARDS for one in queries(json.loads(file.read_text(encoding="utf-8")))]


@pytest.mark.parametrize(("name", "sql"), all_queries())
def test_every_query_runs_and_finds_something(lake: MemoryStorage, name: str, sql: str) -> None:
    text = filled(sql, NOW)
    assert "$" not in text, name
    assert Query(text, database="lake", now=NOW).run(lake, lake).rows


@pytest.mark.parametrize(("name", "sql"), [one for one in all_queries() if "_distinct" in one[1]])
def test_a_query_over_messages_reads_the_days_of_the_range_alone(lake: MemoryStorage, name: str, sql: str) -> None:
    """Those of variables read the last 31 days."""
    Query(filled(sql, NOW), database="lake", now=NOW).run(lake, lake)
    folders = {key.partition("/delivery")[0].partition("/")[2] for _, key in lake.read}
    if "$__dateFilter" in sql:
        assert folders == {"year=2026/month=03/day=09"}, name
    else:
        assert min(folders) == ("year=2026/month=02/day=06" if name == "factory" else "year=2026/month=02/day=17")


@pytest.mark.parametrize(("name", "sql"), [one for one in all_queries() if "FROM moments" in one[1]])
def test_a_query_over_moments_reads_the_days_of_the_range_and_clips_of_those_beside_it(
    lake: MemoryStorage, name: str, sql: str
) -> None:
    Query(filled(sql, NOW), database="lake", now=NOW).run(lake, lake)
    days = {(bucket, key.partition("/day=")[2][:2]) for bucket, key in lake.read}
    assert days == {("lake-measurements", "09"), ("lake-clips", "08"), ("lake-clips", "09")}, name


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_a_dashboard_can_be_imported_anywhere(file: Path) -> None:
    """No data source, region or database of anyone's; panels that do not overlap; names that are defined."""
    board = json.loads(file.read_text(encoding="utf-8"))
    assert board["uid"] == f"factory-lake-{file.stem}"
    variables = {variable["name"] for variable in board["templating"]["list"]}
    sources = [found for found in _objects(board) if found.get("type") == "grafana-athena-datasource"]
    assert {source["uid"] for source in sources} == {"${datasource}"}
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        own = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not own & cells
        assert place["x"] + place["w"] <= 24
        cells |= own
        (target,) = panel["targets"]
        assert set(target["connectionArgs"].values()) == {"__default"}
        assert target["format"] == (_TIME_SERIES if panel["type"] == "timeseries" else _TABLE)
        assert (" AS time" in target["rawSQL"]) == (panel["type"] == "timeseries")
    for _, sql in queries(board):
        assert set(re.findall(r"\$(?!__)(\w+)", sql)) <= variables


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _objects(each)
