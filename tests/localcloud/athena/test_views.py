"""Views as Athena reads them: from Glue, analysed anew by each query, with the columns stored with them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.localcloud.athena.lakes import MemoryLake
from tests.localcloud.athena.test_tables import NOW, PARTITIONS, PROJECTED, lake_of, parquet, rows, table
from tools.localcloud.athena.engine import Query
from tools.localcloud.athena.errors import QueryError

_IN_GLUE = {"integer": "int", "varchar": "string", "timestamp(3)": "timestamp", "real": "float"}


def view(
    sql: str, columns: Mapping[str, str], *, schema: str = "lake", glue: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A view in the shape of Glue's GetTable; its columns in Trino's types, in Glue too unless given."""
    document = {
        "originalSql": sql,
        "catalog": "awsdatacatalog",
        "schema": schema,
        "columns": [{"name": name, "type": kind} for name, kind in columns.items()],
    }
    in_glue = glue or {name: _IN_GLUE.get(kind, kind) for name, kind in columns.items()}
    return {
        "Name": "v",
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "ViewOriginalText": _encoded(json.dumps(document)),
        "ViewExpandedText": "/* Presto View */",
        "StorageDescriptor": {
            "Columns": [{"Name": name, "Type": kind} for name, kind in in_glue.items()],
            "SerdeInfo": {"Name": "-", "SerializationLibrary": "-"},
        },
    }


def _encoded(document: str) -> str:
    return f"/* Presto View: {base64.b64encode(document.encode()).decode()} */"


@pytest.fixture
def lake() -> MemoryLake:
    """A table ``t`` of three partitions, with two rows x each, of which one is there twice."""
    objects = {
        f"factory={factory}/year=2026/month={month}/a.parquet": parquet(x=[x, x, x + 1])
        for factory, month, x in (("krakow", "02", 10), ("krakow", "03", 20), ("lyon", "03", 30))
    }
    definition = table({"x": "bigint"}, partitions=PARTITIONS, parameters=PROJECTED)
    return lake_of(definition, objects)


def with_views(lake: MemoryLake, **views: Mapping[str, Any]) -> MemoryLake:
    named = {("lake", name): {**definition, "Name": name} for name, definition in views.items()}
    return replace(lake, tables={**lake.tables, **named})


_ALL = {"x": "bigint", "factory": "varchar", "year": "integer", "month": "integer"}
_DISTINCT = view("SELECT DISTINCT x, factory, year, month FROM t", _ALL)


class TestNames:
    """What a view's name and the names in its query lead to."""

    def test_a_view_is_queried_like_a_table(self, lake: MemoryLake) -> None:
        lake = with_views(lake, v=_DISTINCT)
        assert rows(lake, "SELECT * FROM v WHERE x < 20 ORDER BY x") == [
            ["10", "krakow", "2026", "2"],
            ["11", "krakow", "2026", "2"],
        ]
        for name in ("v", "lake.v", "awsdatacatalog.lake.v", '"lake"."v"', "LAKE.V"):
            assert rows(lake, f"SELECT count(*) FROM {name}") == [["6"]]  # noqa: S608 - the names above

    @pytest.mark.parametrize(
        ("select", "source"),
        [("v.x", "v"), ("lake.v.x", "lake.v"), ("w.x", "v AS w"), ("w.c", "v AS w (c, f, y, m)")],
    )
    def test_its_columns_are_named_through_it(self, lake: MemoryLake, select: str, source: str) -> None:
        lake = with_views(lake, v=_DISTINCT)
        sql = f"SELECT max({select}) FROM {source}"  # noqa: S608 - the names above
        assert rows(lake, sql) == [["31"]]

    def test_names_in_it_are_those_of_its_own_database(self, lake: MemoryLake) -> None:
        lake = with_views(lake, v=_DISTINCT)
        answer = Query("SELECT count(*) FROM lake.v", database="elsewhere", now=NOW).run(lake, lake)
        assert answer.rows == [["6"]]

    def test_a_relation_of_the_query_does_not_get_into_it(self, lake: MemoryLake) -> None:
        lake = with_views(lake, v=_DISTINCT)
        assert rows(lake, "WITH t AS (SELECT 1 AS y) SELECT count(*), max(y) FROM v, t") == [["6", "1"]]
        assert rows(lake, "WITH v AS (SELECT 1 AS y) SELECT * FROM v") == [["1"]]

    def test_a_view_of_a_view(self, lake: MemoryLake) -> None:
        outer = view(
            "SELECT factory, count(*) AS n FROM v GROUP BY factory", {"factory": "varchar", "n": "bigint"}
        )
        lake = with_views(lake, v=_DISTINCT, outer_view=outer)
        assert rows(lake, "SELECT * FROM outer_view ORDER BY factory") == [["krakow", "4"], ["lyon", "2"]]

    def test_a_view_twice_in_one_query(self, lake: MemoryLake) -> None:
        lake = with_views(lake, v=_DISTINCT)
        sql = "SELECT count(*) FROM v AS a JOIN v AS b ON a.x = b.x AND a.factory = b.factory"
        assert rows(lake, sql) == [["6"]]

    def test_the_moment_is_that_of_the_query(self, lake: MemoryLake) -> None:
        today = view("SELECT current_date AS today", {"today": "date"})
        assert rows(with_views(lake, v=today), "SELECT today, today = current_date FROM v") == [
            ["2026-03-09", "true"]
        ]


class TestColumns:
    """The columns stored with a view, against those that its query gives."""

    @pytest.mark.parametrize(
        ("sql", "columns", "why"),
        [
            (
                "SELECT x FROM t",
                {"x": "varchar"},
                "column [x] of type bigint projected from query view at position 0 cannot be coerced to "
                "column [x] of type varchar stored in view definition",
            ),
            (
                "SELECT x FROM t",
                {"x": "integer"},
                "cannot be coerced to column [x] of type integer",
            ),
            (
                "SELECT factory, x FROM t",
                {"x": "bigint", "factory": "varchar"},
                "column [factory] of type varchar projected from query view at position 0 has a different "
                "name from column [x] of type bigint stored in view definition",
            ),
            (
                "SELECT x + 1 FROM t",
                {"x": "bigint"},
                "a column of type bigint projected from query view at position 0 has no name",
            ),
            (
                "SELECT * FROM t",
                {"x": "bigint", "factory": "varchar"},
                "stored view column count (2) does not match column count derived from the view query "
                "analysis (4)",
            ),
        ],
    )
    def test_a_view_whose_query_gives_others_is_stale(
        self, lake: MemoryLake, sql: str, columns: Mapping[str, str], why: str
    ) -> None:
        with pytest.raises(QueryError) as caught:
            rows(with_views(lake, v=view(sql, columns)), "SELECT 1 FROM v")
        assert str(caught.value).startswith(
            "VIEW_IS_STALE: line 1:15: View 'awsdatacatalog.lake.v' is stale or in invalid state: "
        )
        assert why in str(caught.value)

    def test_narrower_columns_become_those_that_were_stored(self, lake: MemoryLake) -> None:
        wide = view("SELECT month, x FROM t", {"month": "bigint", "x": "double"})
        answer = Query("SELECT * FROM v ORDER BY x LIMIT 1", database="lake", now=NOW).run(
            (found := with_views(lake, v=wide)), found
        )
        assert [(column.name, str(column.type)) for column in answer.columns] == [
            ("month", "bigint"),
            ("x", "double"),
        ]
        assert answer.rows == [["2", "10.0"]]

    def test_glues_columns_have_to_be_the_documents(self, lake: MemoryLake) -> None:
        odd = view("SELECT x FROM t", {"x": "bigint"}, glue={"x": "int"})
        with pytest.raises(QueryError, match=r"Glue's columns \(x integer\) are not those .* \(x bigint\)"):
            rows(with_views(lake, v=odd), "SELECT x FROM v")


class TestRefusals:
    """Views that cannot be read."""

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"Parameters": {}}, "NOT_SUPPORTED_LOCALLY: view lake.v: "),
            (
                {"Parameters": {"presto_view": "true", "comment": "Presto Materialized View"}},
                "no materialized",
            ),
            ({"ViewDefinition": {"Representations": [{"Dialect": "ATHENA"}]}}, "none in several dialects"),
            (
                {"ViewOriginalText": "SELECT x FROM t"},
                "HIVE_INVALID_VIEW_DATA: view lake.v: its original text",
            ),
            ({"ViewOriginalText": "/* Presto View: ? */"}, "its document is not JSON in base64"),
            ({"ViewOriginalText": _encoded("{")}, "its document is not JSON in base64"),
            ({"ViewOriginalText": _encoded("[]")}, "its document has no originalSql"),
            ({"ViewOriginalText": _encoded('{"originalSql": "SELECT 1"}')}, "its document has no catalog"),
            (
                {
                    "ViewOriginalText": _encoded(
                        '{"originalSql": "", "catalog": "awsdatacatalog", "schema": "lake", "columns": [{}]}'
                    )
                },
                "a column without name or type",
            ),
            (
                {
                    "ViewOriginalText": _encoded(
                        '{"originalSql": "", "catalog": "other", "schema": "lake", "columns": []}'
                    )
                },
                "CATALOG_NOT_FOUND: view lake.v: Catalog 'other' does not exist",
            ),
        ],
    )
    def test_what_is_no_view_of_athenas(
        self, lake: MemoryLake, change: Mapping[str, Any], message: str
    ) -> None:
        with pytest.raises(QueryError, match=re.escape(message)):
            rows(with_views(lake, v={**_DISTINCT, **change}), "SELECT x FROM v")

    @pytest.mark.parametrize(
        ("serde", "message"),
        [
            (None, "HIVE_METASTORE_ERROR: Table storage descriptor is missing SerDe info (view lake.v)"),
            (
                {"Name": "-"},
                "HIVE_METASTORE_ERROR: Required Table SerDe information is not populated (view lake.v)",
            ),
        ],
    )
    def test_a_view_without_serde_information(
        self, lake: MemoryLake, serde: Mapping[str, Any] | None, message: str
    ) -> None:
        bare = {**_DISTINCT["StorageDescriptor"], "SerdeInfo": serde}
        with pytest.raises(QueryError, match=re.escape(message)):
            rows(with_views(lake, v={**_DISTINCT, "StorageDescriptor": bare}), "SELECT x FROM v")

    @pytest.mark.parametrize(
        ("sql", "message"),
        [
            (
                "SELECT nothing FROM t",
                "INVALID_VIEW: line 1:15: Failed analyzing stored view 'awsdatacatalog.lake.v': line 1:8: "
                "Column 'nothing' cannot be resolved",
            ),
            ("SELECT x FROM gone", "Failed analyzing stored view 'awsdatacatalog.lake.v': line 1:15: Table"),
            (
                "SELECT x FROM",
                "INVALID_VIEW: line 1:15: Failed analyzing stored view 'awsdatacatalog.lake.v'",
            ),
            ("SELECT x FROM v", "line 1:15: View 'awsdatacatalog.lake.v' is recursive"),
            (
                "SELECT format('%d', x) AS x FROM t",
                "NOT_SUPPORTED_LOCALLY: line 1:15: stored view 'awsdatacatalog.lake.v': function format()",
            ),
        ],
    )
    def test_a_query_that_does_not_run(self, lake: MemoryLake, sql: str, message: str) -> None:
        broken = with_views(lake, v=view(sql, {"x": "bigint"}))
        with pytest.raises(QueryError, match=re.escape(message)):
            rows(broken, "SELECT 1 FROM v")


class TestPruning:
    """Partitions that a condition outside leaves out are not read."""

    def _read(self, lake: MemoryLake, sql: str) -> set[str]:
        lake.read.clear()
        rows(lake, sql)
        return {f"{key.split('/')[0][8:]} {key.split('month=')[1][:2]}" for _, key in lake.read}

    @pytest.mark.parametrize(
        "inner",
        [
            "SELECT x, factory, year, month FROM t",
            "SELECT DISTINCT x, factory, year, month FROM t",
            "SELECT min(x) AS x, factory, year, month FROM t GROUP BY factory, year, month",
            "SELECT x, factory, month, max(x) OVER (PARTITION BY month, factory) AS m FROM t",
            "SELECT a.x, a.factory, a.month FROM t AS a JOIN (VALUES 20, 30) AS b (x) ON a.x = b.x",
            "SELECT x, factory, month FROM (SELECT DISTINCT * FROM t)",
            "SELECT x, f AS factory, month FROM (SELECT x, month, factory FROM t) AS s (x, month, f)",
            "SELECT x, f AS factory, month FROM "
            "(SELECT x, month, factory AS f, max(x) OVER (PARTITION BY month, factory) AS m FROM t)",
        ],
    )
    def test_a_condition_goes_where_it_is_true_of_the_same_rows(self, lake: MemoryLake, inner: str) -> None:
        for where, read in (
            ("factory = 'krakow'", {"krakow 02", "krakow 03"}),
            ("v.month = 3 AND x > 0", {"krakow 03", "lyon 03"}),
            ("factory = 'krakow' AND month + 1 = 4", {"krakow 03"}),
            ("factory = 'lyon' OR month = 2", {"krakow 02", "lyon 03"}),
        ):
            sql = f"SELECT x FROM ({inner}) AS v WHERE {where}"  # noqa: S608 - the queries above
            assert self._read(lake, sql) == read

    @pytest.mark.parametrize(
        ("inner", "where"),
        [
            # Each of these counts or numbers rows of all partitions.
            ("SELECT count(*) AS x, max(factory) AS factory FROM t", "factory = 'lyon'"),
            ("SELECT factory, x, max(x) OVER (PARTITION BY month) AS m FROM t", "factory = 'lyon'"),
            ("SELECT factory, x, max(x) OVER (PARTITION BY factory) AS m, sum(x) OVER () AS s FROM t",
             "factory = 'lyon'"),
            ("SELECT factory, x FROM t ORDER BY x LIMIT 3", "factory = 'lyon'"),
            ("SELECT factory, x FROM t ORDER BY x OFFSET 8", "factory = 'lyon'"),
            ("SELECT b.factory, a.n AS x FROM (VALUES 31) AS a (n) LEFT JOIN t AS b ON a.n = b.x + 5",
             "factory IS NULL"),
        ],
    )  # fmt: skip
    def test_a_condition_stays_outside_where_rows_of_other_partitions_count(
        self, lake: MemoryLake, inner: str, where: str
    ) -> None:
        sql = f"SELECT * FROM ({inner}) AS v WHERE {where} ORDER BY x"  # noqa: S608 - the queries above
        assert self._read(lake, sql) == {"krakow 02", "krakow 03", "lyon 03"}

    def test_a_condition_on_what_an_outer_join_makes_null_stays_outside(self, lake: MemoryLake) -> None:
        lake = with_views(lake, v=_DISTINCT)
        sql = "SELECT n, v.x FROM (VALUES 31, 7) AS a (n) LEFT JOIN v ON n = x WHERE factory IS NULL"
        assert rows(lake, sql) == [["7", None]]

    def test_a_with_query_that_is_used_twice_keeps_all_its_rows(self, lake: MemoryLake) -> None:
        sql = """
            WITH w AS (SELECT x, factory FROM t)
            SELECT count(*) FROM w AS a JOIN w AS b ON a.x < b.x
            WHERE a.factory = 'krakow' AND b.factory = 'lyon'
        """
        assert rows(lake, sql) == [["18"]]

    def test_the_query_over_a_view_reads_what_it_needs(self, lake: MemoryLake) -> None:
        lake = with_views(lake, v=_DISTINCT)
        assert self._read(lake, "SELECT max(x) FROM v WHERE month = 3 AND factory = 'lyon'") == {"lyon 03"}
        assert self._read(lake, "SELECT max(a) FROM v AS w (a, f, y, m) WHERE w.f = 'lyon'") == {"lyon 03"}
        assert self._read(
            lake, "SELECT max(v.x) FROM v JOIN (VALUES 30) AS o (x) ON v.x = o.x AND v.factory = 'lyon'"
        ) == {"lyon 03"}

    def test_an_injected_column_may_be_named_outside(self, lake: MemoryLake) -> None:
        parameters = {**PROJECTED, "projection.factory.type": "injected"}
        injected = replace(
            lake, tables={("lake", "t"): table({"x": "bigint"}, partitions=PARTITIONS, parameters=parameters)}
        )
        lake = with_views(injected, v=_DISTINCT)
        assert rows(lake, "SELECT count(*) FROM v WHERE factory = 'lyon'") == [["2"]]
