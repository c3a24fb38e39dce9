"""Views as Athena reads them: from Glue, analysed anew by each query, with the columns stored with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from localcloud.athena.engine import Query
from localcloud.athena.errors import QueryError
from localcloud.testing.memory_storage import MemoryStorage
from localcloud.testing.tables import NOW, PARTITIONS, PROJECTED, encoded, parquet, rows, storage_of, table, view


@pytest.fixture
def storage() -> MemoryStorage:
    """A table ``t`` of three partitions, with two rows x each, of which one is there twice."""
    objects = {
        f"station={station}/year=2026/month={month}/a.parquet": parquet(x=[x, x, x + 1])
        for station, month, x in (("krakow", "02", 10), ("krakow", "03", 20), ("lyon", "03", 30))
    }
    definition = table({"x": "bigint"}, partitions=PARTITIONS, parameters=PROJECTED)
    return storage_of(definition, objects)


def with_views(storage: MemoryStorage, **views: Mapping[str, Any]) -> MemoryStorage:
    named = {("test", name): {**definition, "Name": name} for name, definition in views.items()}
    return replace(storage, tables={**storage.tables, **named})


_ALL = {"x": "bigint", "station": "varchar", "year": "integer", "month": "integer"}
_DISTINCT = view("SELECT DISTINCT x, station, year, month FROM t", _ALL)


class TestNames:
    """What a view's name and the names in its query lead to."""

    def test_a_view_is_queried_like_a_table(self, storage: MemoryStorage) -> None:
        storage = with_views(storage, v=_DISTINCT)
        assert rows(storage, "SELECT * FROM v WHERE x < 20 ORDER BY x") == [
            ["10", "krakow", "2026", "2"],
            ["11", "krakow", "2026", "2"],
        ]
        for name in ("v", "test.v", "awsdatacatalog.test.v", '"test"."v"', "TEST.V"):
            assert rows(storage, f"SELECT count(*) FROM {name}") == [["6"]]  # noqa: S608 - the names above

    @pytest.mark.parametrize(
        ("select", "source"), [("v.x", "v"), ("test.v.x", "test.v"), ("w.x", "v AS w"), ("w.c", "v AS w (c, f, y, m)")]
    )
    def test_its_columns_are_named_through_it(self, storage: MemoryStorage, select: str, source: str) -> None:
        storage = with_views(storage, v=_DISTINCT)
        sql = f"SELECT max({select}) FROM {source}"  # noqa: S608 - the names above
        assert rows(storage, sql) == [["31"]]

    def test_names_in_it_are_those_of_its_own_database(self, storage: MemoryStorage) -> None:
        storage = with_views(storage, v=_DISTINCT)
        answer = Query("SELECT count(*) FROM test.v", database="elsewhere", now=NOW).run(storage, storage)
        assert answer.rows == [["6"]]

    def test_a_relation_of_the_query_does_not_get_into_it(self, storage: MemoryStorage) -> None:
        storage = with_views(storage, v=_DISTINCT)
        assert rows(storage, "WITH t AS (SELECT 1 AS y) SELECT count(*), max(y) FROM v, t") == [["6", "1"]]
        assert rows(storage, "WITH v AS (SELECT 1 AS y) SELECT * FROM v") == [["1"]]

    def test_a_view_of_a_view(self, storage: MemoryStorage) -> None:
        outer = view("SELECT station, count(*) AS n FROM v GROUP BY station", {"station": "varchar", "n": "bigint"})
        storage = with_views(storage, v=_DISTINCT, outer_view=outer)
        assert rows(storage, "SELECT * FROM outer_view ORDER BY station") == [["krakow", "4"], ["lyon", "2"]]

    def test_a_view_twice_in_one_query(self, storage: MemoryStorage) -> None:
        storage = with_views(storage, v=_DISTINCT)
        sql = "SELECT count(*) FROM v AS a JOIN v AS b ON a.x = b.x AND a.station = b.station"
        assert rows(storage, sql) == [["6"]]

    def test_the_moment_is_that_of_the_query(self, storage: MemoryStorage) -> None:
        today = view("SELECT current_date AS today", {"today": "date"})
        assert rows(with_views(storage, v=today), "SELECT today, today = current_date FROM v") == [
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
            ("SELECT x FROM t", {"x": "integer"}, "cannot be coerced to column [x] of type integer"),
            (
                "SELECT station, x FROM t",
                {"x": "bigint", "station": "varchar"},
                "column [station] of type varchar projected from query view at position 0 has a different "
                "name from column [x] of type bigint stored in view definition",
            ),
            (
                "SELECT x + 1 FROM t",
                {"x": "bigint"},
                "a column of type bigint projected from query view at position 0 has no name",
            ),
            (
                "SELECT * FROM t",
                {"x": "bigint", "station": "varchar"},
                "stored view column count (2) does not match column count derived from the view query analysis (4)",
            ),
        ],
    )
    def test_a_view_whose_query_gives_others_is_stale(
        self, storage: MemoryStorage, sql: str, columns: Mapping[str, str], why: str
    ) -> None:
        with pytest.raises(QueryError) as caught:
            rows(with_views(storage, v=view(sql, columns)), "SELECT 1 FROM v")
        assert str(caught.value).startswith(
            "VIEW_IS_STALE: line 1:15: View 'awsdatacatalog.test.v' is stale or in invalid state: "
        )
        assert why in str(caught.value)

    def test_narrower_columns_are_not_widened_here(self, storage: MemoryStorage) -> None:
        wide = view("SELECT month FROM t", {"month": "bigint"})
        with pytest.raises(QueryError, match=r"NOT_SUPPORTED_LOCALLY: .*integer .* coerced to column .* bigint"):
            rows(with_views(storage, v=wide), "SELECT * FROM v")

    def test_glues_columns_have_to_be_the_documents(self, storage: MemoryStorage) -> None:
        odd = view("SELECT x FROM t", {"x": "bigint"}, glue={"x": "int"})
        with pytest.raises(QueryError, match=r"Glue's columns \(x integer\) are not those .* \(x bigint\)"):
            rows(with_views(storage, v=odd), "SELECT x FROM v")


class TestRefusals:
    """Views that cannot be read."""

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"Parameters": {}}, "NOT_SUPPORTED_LOCALLY: view test.v: "),
            ({"Parameters": {"presto_view": "true", "comment": "Presto Materialized View"}}, "no materialized"),
            ({"ViewDefinition": {"Representations": [{"Dialect": "ATHENA"}]}}, "none in several dialects"),
            ({"ViewOriginalText": "SELECT x FROM t"}, "HIVE_INVALID_VIEW_DATA: view test.v: its original text"),
            ({"ViewOriginalText": "/* Presto View: ? */"}, "its document is not JSON in base64"),
            ({"ViewOriginalText": encoded("{")}, "its document is not JSON in base64"),
            ({"ViewOriginalText": encoded("[]")}, "its document has no originalSql"),
            ({"ViewOriginalText": encoded('{"originalSql": "SELECT 1"}')}, "its document has no catalog"),
            (
                {
                    "ViewOriginalText": encoded(
                        '{"originalSql": "", "catalog": "awsdatacatalog", "schema": "test", "columns": [{}]}'
                    )
                },
                "a column without name or type",
            ),
            (
                {
                    "ViewOriginalText": encoded(
                        '{"originalSql": "", "catalog": "other", "schema": "test", "columns": []}'
                    )
                },
                "CATALOG_NOT_FOUND: view test.v: Catalog 'other' does not exist",
            ),
        ],
    )
    def test_what_is_no_view_of_athenas(self, storage: MemoryStorage, change: Mapping[str, Any], message: str) -> None:
        with pytest.raises(QueryError, match=re.escape(message)):
            rows(with_views(storage, v={**_DISTINCT, **change}), "SELECT x FROM v")

    @pytest.mark.parametrize(
        ("serde", "message"),
        [
            (None, "HIVE_METASTORE_ERROR: Table storage descriptor is missing SerDe info (view test.v)"),
            ({"Name": "-"}, "HIVE_METASTORE_ERROR: Required Table SerDe information is not populated (view test.v)"),
        ],
    )
    def test_a_view_without_serde_information(
        self, storage: MemoryStorage, serde: Mapping[str, Any] | None, message: str
    ) -> None:
        bare = {**_DISTINCT["StorageDescriptor"], "SerdeInfo": serde}
        with pytest.raises(QueryError, match=re.escape(message)):
            rows(with_views(storage, v={**_DISTINCT, "StorageDescriptor": bare}), "SELECT x FROM v")

    @pytest.mark.parametrize(
        ("sql", "message"),
        [
            (
                "SELECT nothing FROM t",
                "INVALID_VIEW: line 1:15: Failed analyzing stored view 'awsdatacatalog.test.v': line 1:8: "
                "Column 'nothing' cannot be resolved",
            ),
            ("SELECT x FROM gone", "Failed analyzing stored view 'awsdatacatalog.test.v': line 1:15: Table"),
            ("SELECT x FROM", "INVALID_VIEW: line 1:15: Failed analyzing stored view 'awsdatacatalog.test.v'"),
            ("SELECT x FROM v", "line 1:15: View 'awsdatacatalog.test.v' is recursive"),
            (
                "SELECT format('%d', x) AS x FROM t",
                "NOT_SUPPORTED_LOCALLY: line 1:15: stored view 'awsdatacatalog.test.v': function format()",
            ),
        ],
    )
    def test_a_query_that_does_not_run(self, storage: MemoryStorage, sql: str, message: str) -> None:
        broken = with_views(storage, v=view(sql, {"x": "bigint"}))
        with pytest.raises(QueryError, match=re.escape(message)):
            rows(broken, "SELECT 1 FROM v")


class TestPruning:
    """Partitions that a condition outside leaves out are not read."""

    def _read(self, storage: MemoryStorage, sql: str) -> set[str]:
        storage.read.clear()
        rows(storage, sql)
        return {f"{key.split('/')[0][8:]} {key.split('month=')[1][:2]}" for _, key in storage.read}

    @pytest.mark.parametrize(
        "inner",
        [
            "SELECT x, station, year, month FROM t",
            "SELECT DISTINCT x, station, year, month FROM t",
            "SELECT min(x) AS x, station, year, month FROM t GROUP BY station, year, month",
            "SELECT x, station, month, max(x) OVER (PARTITION BY month, station) AS m FROM t",
            "SELECT a.x, a.station, a.month FROM t AS a JOIN (VALUES 20, 30) AS b (x) ON a.x = b.x",
            "SELECT x, station, month FROM (SELECT DISTINCT * FROM t)",
            "SELECT x, f AS station, month FROM (SELECT x, month, station FROM t) AS s (x, month, f)",
            "SELECT x, f AS station, month FROM "
            "(SELECT x, month, station AS f, max(x) OVER (PARTITION BY month, station) AS m FROM t)",
        ],
    )
    def test_a_condition_goes_where_it_is_true_of_the_same_rows(self, storage: MemoryStorage, inner: str) -> None:
        for where, read in (
            ("station = 'krakow'", {"krakow 02", "krakow 03"}),
            ("v.month = 3 AND x > 0", {"krakow 03", "lyon 03"}),
            ("station = 'krakow' AND month + 1 = 4", {"krakow 03"}),
            ("station = 'lyon' OR month = 2", {"krakow 02", "lyon 03"}),
        ):
            sql = f"SELECT x FROM ({inner}) AS v WHERE {where}"  # noqa: S608 - the queries above
            assert self._read(storage, sql) == read

    @pytest.mark.parametrize(
        "inner",
        [
            "SELECT x, month + 1 AS next FROM t",
            "SELECT min(x) AS x, month + 1 AS next FROM t GROUP BY station, month",
            "SELECT max(x) AS x, month + 1 AS next FROM t GROUP BY month + 1",
            "SELECT DISTINCT x, month + 1 AS next FROM t",
            "SELECT max(x) OVER (PARTITION BY month) AS x, month + 1 AS next FROM t",
            "SELECT max(x) OVER (PARTITION BY month + 1) AS x, month + 1 AS next FROM t",
            "SELECT x, next FROM (SELECT min(x) AS x, m + 1 AS next FROM (SELECT x, month AS m FROM t) GROUP BY m)",
        ],
    )
    def test_a_condition_on_an_expression_of_partitions_goes_in_as_well(
        self, storage: MemoryStorage, inner: str
    ) -> None:
        sql = f"SELECT x FROM ({inner}) AS v WHERE next BETWEEN 2 AND 3"  # noqa: S608 - the queries above
        assert self._read(storage, sql) == {"krakow 02"}
        assert rows(storage, sql.replace("SELECT x", "SELECT min(x)", 1)) in ([["10"]], [["11"]])

    @pytest.mark.parametrize(
        ("inner", "where"),
        [
            # Each of these counts or numbers rows of all partitions.
            ("SELECT count(*) AS x, max(station) AS station FROM t", "station = 'lyon'"),
            ("SELECT station, x, max(x) OVER (PARTITION BY month) AS m FROM t", "station = 'lyon'"),
            ("SELECT station, x, max(x) OVER (PARTITION BY station) AS m, sum(x) OVER () AS s FROM t",
             "station = 'lyon'"),
            ("SELECT station, x FROM t ORDER BY x LIMIT 3", "station = 'lyon'"),
            ("SELECT x, max(month) + 1 AS next FROM t GROUP BY x", "next = 4"),
            ("SELECT x, month + 1 AS next, max(x) OVER (PARTITION BY station) AS m FROM t", "next = 4"),
            ("SELECT x, month + x AS next FROM t", "next = 4"),
            ("SELECT station, x FROM t ORDER BY x OFFSET 8", "station = 'lyon'"),
            ("SELECT b.station, a.n AS x FROM (VALUES 31) AS a (n) LEFT JOIN t AS b ON a.n = b.x + 5",
             "station IS NULL"),
        ],
    )  # fmt: skip
    def test_a_condition_stays_outside_where_rows_of_other_partitions_count(
        self, storage: MemoryStorage, inner: str, where: str
    ) -> None:
        sql = f"SELECT * FROM ({inner}) AS v WHERE {where} ORDER BY x"  # noqa: S608 - the queries above
        assert self._read(storage, sql) == {"krakow 02", "krakow 03", "lyon 03"}

    def test_a_condition_on_what_an_outer_join_makes_null_stays_outside(self, storage: MemoryStorage) -> None:
        storage = with_views(storage, v=_DISTINCT)
        sql = "SELECT n, v.x FROM (VALUES 31, 7) AS a (n) LEFT JOIN v ON n = x WHERE station IS NULL"
        assert rows(storage, sql) == [["7", None]]

    @pytest.mark.parametrize(
        ("inner", "read", "found"),
        [
            # Each SELECT of a set operation hands on what is its own in that place, whatever it calls it.
            ("SELECT x, month FROM t UNION ALL SELECT x, month + 1 AS m FROM t", {"krakow 02", "krakow 03", "lyon 03"},
             ["20", "20", "21", "30", "30", "31", "10", "10", "11"]),
            ("SELECT x, month FROM t EXCEPT SELECT x, month + 1 FROM t WHERE x = 10", {"krakow 02", "krakow 03",
             "lyon 03"}, ["20", "21", "30", "31"]),
            ("SELECT x, month FROM t WHERE station = 'lyon' UNION SELECT x, month FROM t WHERE station = 'rome' "
             "UNION ALL SELECT x, month FROM t WHERE station = 'lyon'", {"lyon 03"}, ["30", "31", "30", "30", "31"]),
        ],
    )  # fmt: skip
    def test_a_condition_goes_into_each_select_of_a_set_operation(
        self, storage: MemoryStorage, inner: str, read: set[str], found: list[str]
    ) -> None:
        sql = f"SELECT x FROM ({inner}) AS v WHERE month = 3"  # noqa: S608 - the queries above
        assert self._read(storage, sql) == read
        assert sorted(x or "" for (x,) in rows(storage, sql)) == sorted(found)

    @pytest.mark.parametrize(
        ("inner", "x"),
        [
            ("SELECT x, month FROM t UNION ALL SELECT x, month FROM t LIMIT 5", None),
            ("SELECT x, month FROM t UNION ALL (SELECT x, month FROM t ORDER BY x LIMIT 1)", "20"),
        ],
    )
    def test_a_set_operation_that_is_cut_reads_everything(
        self, storage: MemoryStorage, inner: str, x: str | None
    ) -> None:
        sql = f"SELECT min(x) FROM ({inner}) AS v WHERE month = 3"  # noqa: S608 - the queries above
        assert self._read(storage, sql) == {"krakow 02", "krakow 03", "lyon 03"}
        assert x is None or rows(storage, sql) == [[x]]

    @pytest.mark.parametrize(
        ("join", "read_of_b", "found"),
        [
            ("JOIN t AS b ON a.month = b.month AND a.station = b.station", {"krakow 02"}, "9"),
            ("JOIN t AS b ON b.month = a.month", {"krakow 02"}, "9"),
            ("LEFT JOIN t AS b ON a.month = b.month AND a.x = b.x", {"krakow 02"}, "5"),
            ("LEFT JOIN (SELECT x, month + 1 AS next FROM t) AS b ON a.month = b.next", set(), "3"),
            (
                "LEFT JOIN (SELECT x, max(x) OVER (PARTITION BY month) AS m, month FROM t) AS b ON a.month = b.month",
                {"krakow 02"},
                "9",
            ),
            # Rows without an equal stay, and so do conditions that an OR or another comparison makes.
            ("RIGHT JOIN t AS b ON a.month = b.month", {"krakow 02", "krakow 03", "lyon 03"}, "9"),
            ("LEFT JOIN t AS b ON a.month < b.month", {"krakow 02", "krakow 03", "lyon 03"}, "18"),
            ("LEFT JOIN t AS b ON a.month = b.month OR b.x = 30", {"krakow 02", "krakow 03", "lyon 03"}, "15"),
            ("JOIN t AS b ON a.x = b.x", {"krakow 02", "krakow 03", "lyon 03"}, "5"),
        ],
    )
    def test_what_is_true_of_a_column_is_true_of_its_equals(
        self, storage: MemoryStorage, join: str, read_of_b: set[str], found: str
    ) -> None:
        sql = f"SELECT count(*) FROM t AS a {join} WHERE a.month = 2 AND a.station = 'krakow'"  # noqa: S608 - above
        everything = {"krakow 02"} if "RIGHT" not in join else {"krakow 02", "krakow 03", "lyon 03"}
        assert self._read(storage, sql) == everything | read_of_b
        assert rows(storage, sql) == [[found]]

    def test_a_condition_on_the_right_side_of_a_left_join_leaves_the_left_side_whole(
        self, storage: MemoryStorage
    ) -> None:
        sql = "SELECT count(*) FROM t AS a LEFT JOIN t AS b ON a.month = b.month AND b.month = 2"
        assert rows(storage, sql) == [["15"]]
        sql = "SELECT count(*) FROM t AS a LEFT JOIN t AS b ON a.month = b.month WHERE b.month = 2 OR b.x IS NULL"
        assert rows(storage, sql) == [["9"]]

    def test_a_with_query_that_is_used_twice_keeps_all_its_rows(self, storage: MemoryStorage) -> None:
        sql = """
            WITH w AS (SELECT x, station FROM t)
            SELECT count(*) FROM w AS a JOIN w AS b ON a.x < b.x
            WHERE a.station = 'krakow' AND b.station = 'lyon'
        """
        assert rows(storage, sql) == [["18"]]

    def test_the_query_over_a_view_reads_what_it_needs(self, storage: MemoryStorage) -> None:
        storage = with_views(storage, v=_DISTINCT)
        assert self._read(storage, "SELECT max(x) FROM v WHERE month = 3 AND station = 'lyon'") == {"lyon 03"}
        assert self._read(storage, "SELECT max(a) FROM v AS w (a, f, y, m) WHERE w.f = 'lyon'") == {"lyon 03"}
        assert self._read(
            storage, "SELECT max(v.x) FROM v JOIN (VALUES 30) AS o (x) ON v.x = o.x AND v.station = 'lyon'"
        ) == {"lyon 03"}
