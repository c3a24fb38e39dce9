"""Tables as Athena reads them: partitions from projection, columns from Glue, rows by their SerDe."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from localcloud.athena.engine import Query, ScanLimitError
from localcloud.athena.errors import QueryError
from localcloud.testing.memory_storage import MemoryStorage
from localcloud.testing.tables import OPENX, PARTITIONS, PROJECTED, REGEX, parquet, rows, storage_of, table


@pytest.fixture
def projected() -> MemoryStorage:
    """One row x in each of some folders, its value named for where it lies."""
    folders = {
        "station=krakow/year=2026/month=02/": 1,
        "station=krakow/year=2026/month=03/": 2,
        "station=lyon/year=2025/month=12/": 3,
        # None of these is a projected partition.
        "station=oslo/year=2026/month=03/": 90,
        "station=krakow/year=1999/month=03/": 91,
        "station=krakow/year=2026/month=3/": 92,
        "station=krakow/year=2026/month=13/": 93,
        "station=krakow/year=2026/": 94,
        "errors/station=krakow/year=2026/month=03/": 95,
    }
    definition = table({"x": "int"}, partitions=PARTITIONS, parameters=PROJECTED)
    return storage_of(
        definition, {f"{folder}a.parquet": parquet(x=pa.array([x], pa.int32())) for folder, x in folders.items()}
    )


def with_parameters(storage: MemoryStorage, **changes: str | None) -> MemoryStorage:
    """The storage with other table properties; ``__`` in a name is a dot, None removes a property."""
    renamed = {name.replace("__", "."): value for name, value in changes.items()}
    merged = {**storage.tables["test", "t"]["Parameters"], **renamed}
    parameters = {name: value for name, value in merged.items() if value is not None}
    return replace(storage, tables={("test", "t"): {**storage.tables["test", "t"], "Parameters": parameters}})


class TestProjection:
    """Partitions that no one registered."""

    def test_rows_come_from_projected_partitions_alone(self, projected: MemoryStorage) -> None:
        assert rows(projected, "SELECT station, year, month, x FROM t ORDER BY x") == [
            ["krakow", "2026", "2", "1"],
            ["krakow", "2026", "3", "2"],
            ["lyon", "2025", "12", "3"],
        ]

    def test_a_century_of_partitions_takes_one_listing(self, projected: MemoryStorage) -> None:
        rows(projected, "SELECT count(*) FROM t")
        assert projected.listed == [("test", "station=")]

    @pytest.mark.parametrize(
        ("where", "values"),
        [
            ("month = 3", ["2"]),
            ("month = 3 AND x > 5", ["2"]),
            ("year = 2026 AND month BETWEEN 1 AND 2", ["1"]),
            ("station = 'lyon' OR month = 2", ["1", "3"]),
            ("station LIKE 'kr%'", ["1", "2"]),
            ("year * 100 + month >= 202602", ["1", "2"]),
            ("year >= year(current_date)", ["1", "2"]),
            ("station = 'oslo'", []),
            ("year = 1999", []),
            ("station IN (SELECT 'lyon')", ["1", "2", "3"]),
        ],
    )
    def test_only_partitions_that_the_conditions_leave_are_read(
        self, projected: MemoryStorage, where: str, values: list[str]
    ) -> None:
        rows(projected, f"SELECT x FROM t WHERE {where}")  # noqa: S608 - the conditions above
        folders = {"1": "2026/month=02", "2": "2026/month=03", "3": "2025/month=12"}
        read = {key.split("year=")[1].removesuffix("/a.parquet") for _, key in projected.read}
        assert read == {folders[value] for value in values}
        assert {prefix + "a.parquet" for _, prefix in projected.authorized} == {key for _, key in projected.read}

    def test_each_reference_to_the_table_is_pruned_by_itself(self, projected: MemoryStorage) -> None:
        sql = """
            SELECT a.x, b.x FROM t AS a JOIN t AS b ON b.month = 3 AND a.year = b.year WHERE a.month = 2
        """
        assert rows(projected, sql) == [["1", "2"]]
        assert len(projected.read) == 2

    def test_conditions_on_what_an_outer_join_makes_null_prune_nothing(self, projected: MemoryStorage) -> None:
        sql = "SELECT a.n, b.x FROM (VALUES 2, 5) AS a (n) LEFT JOIN t AS b ON a.n = b.x WHERE b.month IS NULL"
        assert rows(projected, sql) == [["5", None]]

    def test_a_number_column_is_not_compared_with_text(self, projected: MemoryStorage) -> None:
        with pytest.raises(QueryError, match=r"TYPE_MISMATCH: line 1:25: .*integer = varchar.*such as 3"):
            rows(projected, "SELECT x FROM t WHERE t.month = '03'")

    def test_on_a_text_column_the_padded_text_is_the_value(self, projected: MemoryStorage) -> None:
        definition = table({"x": "int"}, partitions={**PARTITIONS, "month": "string"}, parameters=PROJECTED)
        storage = replace(projected, tables={("test", "t"): definition})
        assert rows(storage, "SELECT x, month FROM t WHERE month = '03'") == [["2", "03"]]
        assert rows(storage, "SELECT x FROM t WHERE month = '3'") == []

    def test_interval_skips_values(self, projected: MemoryStorage) -> None:
        storage = with_parameters(projected, projection__month__interval="2")
        assert rows(storage, "SELECT x FROM t") == [["2"]]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"projection__month__type": "injected"}, "one of enum, integer here, got 'injected'"),
            ({"storage__location__template": None}, "must end with /, got ''"),
            ({"projection__month__type": None}, "must be one of enum, integer here, got None"),
            ({"projection__month__range": "1-12"}, "projection.month.range must be two integers, got '1-12'"),
            ({"projection__station__values": ""}, "station.values must be a list of values, got ''"),
            ({"projection__year__type": "enum", "projection__year__values": "x"}, "'x' is no value of a"),
            ({"storage__location__template": "s3://test/${station}/${year}/${month}"}, "must end with /"),
            ({"storage__location__template": "s3://test/${station}/${year}/"}, "each partition column once"),
            ({"storage__location__template": "test/${station}/${year}/${month}/"}, "is no s3:// URL"),
        ],
    )  # fmt: skip
    def test_a_projection_that_is_set_up_wrongly_is_refused(
        self, projected: MemoryStorage, change: dict[str, str | None], message: str
    ) -> None:
        with pytest.raises(QueryError, match="HIVE_INVALID_METADATA") as caught:
            rows(with_parameters(projected, **change), "SELECT x FROM t")
        assert message in str(caught.value)

    def test_registered_partitions_are_refused(self, projected: MemoryStorage) -> None:
        with pytest.raises(QueryError, match=r"NOT_SUPPORTED_LOCALLY: table test\.t: .* projected partitions only"):
            rows(with_parameters(projected, projection__enabled="false"), "SELECT x FROM t")


class TestObjects:
    """Which objects make a table."""

    def test_hidden_and_empty_objects_are_not_read(self) -> None:
        body = parquet(x=pa.array([1], pa.int32()))
        storage = storage_of(
            table({"x": "int"}),
            {
                "data/a": body,
                "data/deep/er/b": body,
                "data/_temporary/c": body,
                "data/.hidden": body,
                "data/empty": b"",
                "database": body,
            },
        )
        assert rows(storage, "SELECT count(*) FROM t") == [["2"]]

    def test_an_object_that_is_not_parquet_fails_the_query(self) -> None:
        storage = storage_of(table({"x": "int"}), {"data/a": b'{"x": 1}'})
        with pytest.raises(QueryError, match=r"HIVE_CANNOT_OPEN_SPLIT: .*s3://test/data/a"):
            rows(storage, "SELECT x FROM t")

    def test_a_table_that_is_not_there(self) -> None:
        with pytest.raises(QueryError, match=r"TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.test.u'"):
            rows(storage_of(table({"x": "int"}), {}), "SELECT * FROM u")

    def test_names_in_full_and_in_capitals(self) -> None:
        storage = storage_of(table({"x": "int"}), {"data/a": parquet(x=pa.array([1], pa.int32()))})
        for name in ("test.t", '"test"."t"', "awsdatacatalog.test.t", "TEST.T"):
            sql = f"SELECT t.X, test.t.x FROM {name}"  # noqa: S608 - the names above
            assert rows(storage, sql) == [["1", "1"]]
        with pytest.raises(QueryError, match="CATALOG_NOT_FOUND"):
            rows(storage, "SELECT x FROM elsewhere.test.t")


class TestParquet:
    """Parquet, by the table's schema."""

    def test_columns_are_those_of_the_table(self) -> None:
        """Found by name whatever the case; NULL where the file lacks one."""
        storage = storage_of(
            table({"b": "string", "a": "int", "missing": "double"}),
            {
                "data/1": parquet(A=pa.array([1], pa.int32()), b=pa.array(["x"]), extra=pa.array([9])),
                "data/2": parquet(b=pa.array(["y"])),
            },
        )
        assert rows(storage, "SELECT * FROM t ORDER BY b") == [["x", "1", None], ["y", None, None]]
        with pytest.raises(QueryError, match="COLUMN_NOT_FOUND: line 1:11: Column 'extra' cannot be resolved"):
            rows(storage, "SELECT a, extra FROM t")

    @pytest.mark.parametrize(
        ("kind", "array", "shown"),
        [
            ("double", pa.array([1.5], pa.float32()), "1.5"),
            ("bigint", pa.array([7], pa.int32()), "7"),
            ("string", pa.array(["x"]).dictionary_encode(), "x"),
            ("string", pa.array([b"x"]), "x"),
            ("boolean", pa.array([True]), "true"),
            ("date", pa.array([20521], pa.date32()), "2026-03-09"),
            ("decimal(10,2)", pa.array([Decimal("1.00")], pa.decimal128(10, 2)), "1.00"),
            ("timestamp", pa.array([1773043200123499], pa.timestamp("us")), "2026-03-09 08:00:00.123"),
            ("timestamp", pa.array([1773043200123500], pa.timestamp("us", "UTC")), "2026-03-09 08:00:00.124"),
            ("timestamp", pa.array([-500], pa.timestamp("us")), "1970-01-01 00:00:00.000"),
            ("timestamp", pa.array([-501, None], pa.timestamp("us"))[:1], "1969-12-31 23:59:59.999"),
            ("timestamp", pa.array([None], pa.timestamp("us")), None),
        ],
    )  # fmt: skip
    def test_types_that_athena_reads(self, kind: str, array: Any, shown: str | None) -> None:
        storage = storage_of(table({"x": kind}), {"data/a": parquet(x=array)})
        assert rows(storage, "SELECT x FROM t") == [[shown]]

    @pytest.mark.parametrize(
        ("kind", "array"),
        [
            ("double", pa.array([1])),
            ("string", pa.array([1])),
            ("int", pa.array([1], pa.int64())),
            ("timestamp", pa.array([1])),
            ("boolean", pa.array(["true"])),
        ],
    )
    def test_another_type_than_the_tables_is_bad_data(self, kind: str, array: Any) -> None:
        storage = storage_of(table({"x": kind, "y": "int"}), {"data/a": parquet(x=array)})
        with pytest.raises(QueryError, match=r"HIVE_BAD_DATA: .*s3://test/data/a, column x"):
            rows(storage, "SELECT x FROM t")
        # A column that the query does not read is not checked.
        assert rows(storage, "SELECT y FROM t") == [[None]]

    def test_int96_timestamps_as_hive_and_firehose_write_them(self) -> None:
        target = io.BytesIO()
        stamp = pa.array([1773043200123000], pa.timestamp("us"))
        pq.write_table(pa.table({"x": stamp}), target, use_deprecated_int96_timestamps=True)
        assert rows(storage_of(table({"x": "timestamp"}), {"data/a": target.getvalue()}), "SELECT x FROM t") == [
            ["2026-03-09 08:00:00.123"]
        ]

    def test_only_the_columns_that_are_needed_count_as_scanned(self) -> None:
        body = parquet(x=pa.array(range(1000), pa.int32()), y=pa.array(["long text"] * 1000))
        storage = storage_of(table({"x": "int", "y": "string"}), {"data/a": body})
        scanned = {
            sql: Query(sql, database="test").run(storage, storage).bytes_scanned
            for sql in ("SELECT count(*) FROM t", "SELECT sum(x) FROM t", "SELECT sum(x), max(y) FROM t")
        }
        assert list(scanned.values()) == sorted(scanned.values())
        assert scanned["SELECT count(*) FROM t"] == 0
        assert 0 < scanned["SELECT sum(x) FROM t"] < scanned["SELECT sum(x), max(y) FROM t"] < len(body)

    def test_the_scan_limit_ends_a_query_before_it_reads_on(self) -> None:
        body = parquet(x=pa.array(range(1000), pa.int32()))
        storage = storage_of(table({"x": "int"}), {f"data/{number}": body for number in range(10)})
        with pytest.raises(ScanLimitError):
            rows(storage, "SELECT sum(x) FROM t", scan_limit=10_000)
        assert 1 < len(storage.read) < 10


class TestRegexSerDe:
    """Lines that a pattern takes apart."""

    LINES = b'1 a\n2 b"c\nno match\n\n3 \xc5\xbc\n'

    def _storage(self, body: bytes = LINES, key: str = "data/a", pattern: str = r"(\d+)(?: (.*))?") -> MemoryStorage:
        columns = {"n": "string", "rest": "string"}
        return storage_of(table(columns, serde=REGEX, settings={"input.regex": pattern}), {key: body})

    def test_groups_become_columns_and_other_lines_nulls(self) -> None:
        assert rows(self._storage(), "SELECT n, rest FROM t") == [
            ["1", "a"],
            ["2", 'b"c'],
            [None, None],
            [None, None],
            ["3", "ż"],
        ]

    def test_a_group_that_takes_no_part_is_null(self) -> None:
        assert rows(self._storage(b"7\n"), "SELECT n, rest FROM t") == [["7", None]]

    def test_line_ends(self) -> None:
        assert rows(self._storage(b"1 a\r\n2 b"), "SELECT rest FROM t") == [["a"], ["b"]]

    def test_compressed_lines_are_refused(self) -> None:
        with pytest.raises(QueryError, match=r"NOT_SUPPORTED_LOCALLY: s3://test/data/a.gz: .* plain lines"):
            rows(self._storage(key="data/a.gz"), "SELECT rest FROM t")

    @pytest.mark.parametrize("char", ["\u0085", "\u2028", "\u2029"])
    def test_javas_dot_stops_at_its_line_ends_unless_told_otherwise(self, char: str) -> None:
        body = f"1 a{char}b\n".encode()
        assert rows(self._storage(body), "SELECT n FROM t") == [[None]]
        assert rows(self._storage(body, pattern=r"(?s)(\d+)(?: (.*))?"), "SELECT rest FROM t") == [[f"a{char}b"]]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"settings": {}}, "needs input.regex"),
            ({"settings": {"input.regex": "(a)"}}, "1 groups for 2 columns"),
            ({"settings": {"input.regex": r"(\p{Alpha})(b)"}}, "not supported locally"),
            ({"columns": {"n": "int", "rest": "string"}}, "columns of type string only"),
        ],
    )
    def test_a_serde_that_is_set_up_wrongly_is_refused(self, change: dict[str, Any], message: str) -> None:
        columns = change.pop("columns", {"n": "string", "rest": "string"})
        settings = change.pop("settings", {"input.regex": "(a)(b)"})
        storage = storage_of(table(columns, serde=REGEX, settings=settings), {"data/a": b"x"})
        with pytest.raises(QueryError, match="HIVE_INVALID_METADATA: .*" + re.escape(message)):
            rows(storage, "SELECT n FROM t")


class TestOpenXJsonSerDe:
    """Lines of JSON, by what all implementations of the SerDe agree on."""

    COLUMNS: ClassVar = {
        "i": "int",
        "b": "bigint",
        "d": "double",
        "s": "string",
        "ok": "boolean",
        "at": "timestamp",
        "on_day": "date",
    }

    def _storage(self, *lines: str, settings: dict[str, str] | None = None) -> MemoryStorage:
        definition = table(self.COLUMNS, serde=OPENX, settings=settings or {})
        return storage_of(definition, {"data/a.json": "".join(line + "\n" for line in lines).encode()})

    def test_columns_of_every_type(self) -> None:
        line = (
            '{"i":7,"b":9007199254740993,"d":1.5,"s":"\\u017c\\n\\"","ok":true,'
            '"at":"2026-03-09 08:00:01.25","on_day":"2026-03-09"}'
        )
        assert rows(self._storage(line), "SELECT i, b, d, s, ok, at, on_day FROM t") == [
            ["7", "9007199254740993", "1.5", 'ż\n"', "true", "2026-03-09 08:00:01.250", "2026-03-09"]
        ]

    def test_a_key_that_is_missing_or_null_is_null_and_others_are_ignored(self) -> None:
        assert rows(self._storage('{"i":null,"x":{"i":3}}'), "SELECT i, s FROM t") == [[None, None]]

    def test_capitals_do_not_matter_and_of_one_key_the_last_counts(self) -> None:
        assert rows(self._storage('{"I":1,"i":2}'), "SELECT i FROM t") == [["2"]]

    def test_a_line_that_is_no_object_is_a_row_of_nulls(self) -> None:
        assert rows(self._storage("", "words", ' {"i":1} {"i":2}'), "SELECT i FROM t") == [[None], [None], ["1"]]

    def test_a_line_that_is_cut_short_fails_the_query_unless_told_otherwise(self) -> None:
        with pytest.raises(QueryError, match=r"HIVE_BAD_DATA: s3://test/data/a.json, line 2: .* not a valid JSON"):
            rows(self._storage('{"i":1}', '{"i":2'), "SELECT i FROM t")
        settings = {"ignore.malformed.json": "true"}
        assert rows(self._storage('{"i":1}', '{"i":2', settings=settings), "SELECT i FROM t") == [["1"], [None]]

    def test_texts_of_numbers_fit_number_columns(self) -> None:
        assert rows(self._storage('{"i":"7","d":"-2.5e1","ok":"True"}'), "SELECT i, d, ok FROM t") == [
            ["7", "-25.0", "true"]
        ]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("i", "1.0"),
            ("i", "1e3"),
            ("i", "2147483648"),
            ("i", '"0x10"'),
            ("i", '"010"'),
            ("i", "[1]"),
            ("i", "true"),
            ("d", '"NaN"'),
            ("s", "1.50"),
            ("s", '{"a":1}'),
            ("ok", "1"),
            ("at", '"2026-03-09T08:00:01Z"'),
            ("at", "1773043200000"),
            ("at", '"2026-03-09 25:00:00"'),
            ("on_day", '"2026-03-09 08:00:01"'),
        ],
    )
    def test_a_value_on_which_its_readers_do_not_agree_is_refused(self, name: str, value: str) -> None:
        storage = self._storage('{"i":1}', f'{{"{name}":{value}}}')
        with pytest.raises(QueryError, match=rf"NOT_SUPPORTED_LOCALLY: .*line 2, column {name}: readers"):
            rows(storage, f"SELECT {name} FROM t")  # noqa: S608 - the columns above
        assert rows(storage, "SELECT count(*) FROM t") == [["2"]]

    @pytest.mark.parametrize("settings", [{"mapping.i": "j"}, {"case.insensitive": "false"}, {"dots.in.keys": "true"}])
    def test_parameters_that_change_more_are_refused(self, settings: dict[str, str]) -> None:
        with pytest.raises(QueryError, match=r"NOT_SUPPORTED_LOCALLY: table test\.t: OpenX JSON SerDe with"):
            rows(self._storage(settings=settings), "SELECT i FROM t")

    def test_an_array_is_no_row_here(self) -> None:
        with pytest.raises(QueryError, match="no array as a row"):
            rows(self._storage("[1]"), "SELECT i FROM t")


def test_a_table_without_serde_information_is_refused() -> None:
    bare = table({"x": "string"})
    del bare["StorageDescriptor"]["SerdeInfo"]
    message = r"HIVE_METASTORE_ERROR: Table storage descriptor is missing SerDe info \(table test.t\)"
    with pytest.raises(QueryError, match=message):
        rows(storage_of(bare, {"data/a": b"x"}), "SELECT x FROM t")


def test_a_serde_that_is_not_known_is_refused() -> None:
    storage = storage_of(table({"x": "string"}, serde="org.example.SerDe"), {"data/a": b"x"})
    with pytest.raises(QueryError, match="the local engine reads Parquet, RegexSerDe and OpenX JSON"):
        rows(storage, "SELECT x FROM t")


@pytest.mark.parametrize("make", [lambda text: text, lambda text: f"{text};", lambda text: f"-- why\n{text}\n;\n"])
def test_one_statement_with_or_without_a_semicolon(make: Callable[[str], str]) -> None:
    assert rows(MemoryStorage(), make("SELECT 1")) == [["1"]]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1; SELECT 2", "one statement at a time"),
        ("DROP TABLE t", "the local engine runs queries"),
        ("SHOW TABLES", "the local engine runs queries"),
        ("INSERT INTO t SELECT 1", "the local engine runs queries"),
        ("", "the local engine runs queries"),
        ("SELECT 1 FORM t x", "SYNTAX_ERROR: line 1:"),
        ("SELECT x FROM (VALUES 1) AS v (x) TABLESAMPLE BERNOULLI (50)", "function bernoulli()"),
        ("SELECT x FROM (VALUES 1) AS v (x) TABLESAMPLE (50 PERCENT)", "tablesample()"),
        ("SELECT x FROM (VALUES 1) AS v (x) GROUP BY ROLLUP (x)", "rollup()"),
        ("WITH RECURSIVE r (x) AS (SELECT 1) SELECT x FROM r", "RECURSIVE in WITH"),
        ("SELECT x FROM (VALUES 1) AS v (x) FETCH FIRST 1 ROWS WITH TIES", "computed LIMIT: give a number"),
        ("SELECT x FROM (VALUES 1) AS v (x) LIMIT 1 + 1", "computed LIMIT"),
        ("SELECT x FROM (VALUES 1) AS v (x) WHERE x = ANY (SELECT 1)", "ANY"),
        ("SELECT DISTINCT ON (x) x FROM (VALUES 1) AS v (x)", "ON in DISTINCT"),
        ("SELECT 1 FROM (VALUES 1) AS a (x) SEMI JOIN (VALUES 1) AS b (x) ON a.x = b.x", "SEMI JOIN"),
        ("SELECT 1 FROM (VALUES 1) AS a (x) NATURAL JOIN (VALUES 1) AS b (x)", "METHOD in JOIN"),
    ],
)
def test_what_is_no_query_is_refused(sql: str, message: str) -> None:
    with pytest.raises(QueryError) as caught:
        rows(MemoryStorage(), sql)
    assert message in str(caught.value)


class TestParameters:
    """Values for the question marks of a query."""

    def test_they_take_the_place_of_question_marks_in_order(self) -> None:
        assert rows(MemoryStorage(), "SELECT ?, ? + 1", parameters=("'a;b'", "41")) == [["a;b", "42"]]

    @pytest.mark.parametrize("parameters", [(), ("1", "2")])
    def test_their_number_has_to_match(self, parameters: tuple[str, ...]) -> None:
        with pytest.raises(QueryError, match=r"INVALID_PARAMETER_USAGE: .*expected 1"):
            rows(MemoryStorage(), "SELECT ?", parameters=parameters)

    @pytest.mark.parametrize("parameter", ["krakow", "(SELECT 1)", "1, 2", "'"])
    def test_only_values_are_taken(self, parameter: str) -> None:
        with pytest.raises(QueryError, match="is no SQL value"):
            rows(MemoryStorage(), "SELECT ?", parameters=(parameter,))


def test_the_moment_is_one_and_the_same_throughout_a_query() -> None:
    sql = "SELECT current_date, current_timestamp, now() = current_timestamp, localtimestamp, date(now())"
    assert rows(MemoryStorage(), sql) == [
        ["2026-03-09", "2026-03-09 12:00:00.000 UTC", "true", "2026-03-09 12:00:00.000", "2026-03-09"]
    ]


def test_columns_without_a_name_get_athenas() -> None:
    answer = Query("SELECT 1, 2 AS b, x, x + 1 FROM (VALUES 1) AS v (x)").run(MemoryStorage(), MemoryStorage())
    assert [column.name for column in answer.columns] == ["_col0", "b", "x", "_col3"]
