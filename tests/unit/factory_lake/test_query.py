"""The runner against a strict stub of Athena's API: waiting, types, pages, errors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from factory_lake.cli import main
from factory_lake.output import Table, emit
from factory_lake.query import QueryError, run, run_named

QUERY_ID = "11111111-2222-3333-4444-555555555555"
START = {"QueryString": "SELECT 1", "WorkGroup": "lake", "QueryExecutionContext": {"Database": "lake"}}


@pytest.fixture
def client() -> Any:
    return boto3.client("athena", region_name="eu-central-1", aws_access_key_id="test", aws_secret_access_key="test")


@pytest.fixture
def stub(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def started(stub: Stubber, **more: Any) -> None:
    stub.add_response("start_query_execution", {"QueryExecutionId": QUERY_ID}, {**START, **more})


def looked(stub: Stubber, state: str, reason: str | None = None) -> None:
    status = {"State": state, **({"StateChangeReason": reason} if reason else {})}
    execution = {"QueryExecutionId": QUERY_ID, "Status": status, "Statistics": {"DataScannedInBytes": 42}}
    stub.add_response("get_query_execution", {"QueryExecution": execution}, {"QueryExecutionId": QUERY_ID})


def fetched(
    stub: Stubber, types: dict[str, str], *rows: list[str | None], token: str | None = None, more: str | None = None
) -> None:
    info = [{"Name": name, "Type": kind} for name, kind in types.items()]
    data = [{"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]} for row in rows]
    response: dict[str, Any] = {"ResultSet": {"Rows": data, "ResultSetMetadata": {"ColumnInfo": info}}}
    request = {"QueryExecutionId": QUERY_ID}
    stub.add_response(
        "get_query_results",
        {**response, **({"NextToken": more} if more else {})},
        {**request, **({"NextToken": token} if token else {})},
    )


def test_it_looks_again_until_the_query_has_ended_ever_less_often(client: Any, stub: Stubber) -> None:
    pauses: list[float] = []
    started(stub)
    for state in ("QUEUED", *["RUNNING"] * 12, "SUCCEEDED"):
        looked(stub, state)
    fetched(stub, {"n": "integer"}, ["n"], ["1"])
    result = run(client, "SELECT 1", "lake", "lake", sleep=pauses.append)
    assert result.rows == ((1,),)
    assert (result.bytes_scanned, result.query_id) == (42, QUERY_ID)
    assert pauses == sorted(pauses)
    assert len(pauses) == 13
    assert pauses[0] < 0.1
    assert pauses[-1] == 2.0


def test_values_come_as_python_has_them(client: Any, stub: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    types = {
        "i": "bigint",
        "d": "double",
        "b": "boolean",
        "c": "decimal",
        "day": "date",
        "t": "timestamp",
        "z": "timestamp with time zone",
        "v": "varchar",
        "n": "integer",
    }
    texts = [
        "7",
        "1.0E7",
        "false",
        "1.50",
        "2026-03-09",
        "2026-03-09 08:00:00.123",
        "2026-03-09 08:00:00.123 UTC",
        "",
        None,
    ]
    started(stub)
    looked(stub, "SUCCEEDED")
    fetched(stub, types, list(types), texts)
    result = run(client, "SELECT 1", "lake", "lake")
    assert result.columns == tuple(types)
    assert result.rows == (
        (
            *(7, 1e7, False, Decimal("1.50"), date(2026, 3, 9)),
            datetime(2026, 3, 9, 8, 0, 0, 123000),  # noqa: DTZ001 - Athena's timestamp has no zone
            *("2026-03-09 08:00:00.123 UTC", "", None),
        ),
    )
    emit("csv", Table(result.columns, result.rows))
    assert capsys.readouterr().out.splitlines()[1] == (
        "7,10000000.0,false,1.50,2026-03-09,2026-03-09 08:00:00.123,2026-03-09 08:00:00.123 UTC,,"
    )


def test_only_the_first_row_of_all_pages_is_that_of_the_names(client: Any, stub: Stubber) -> None:
    started(stub, ExecutionParameters=["'krakow'"])
    looked(stub, "SUCCEEDED")
    fetched(stub, {"n": "varchar"}, ["n"], ["n"], more="next")
    fetched(stub, {"n": "varchar"}, ["n"], ["x"], token="next")
    result = run(client, "SELECT 1", "lake", "lake", parameters=["'krakow'"])
    assert result.rows == (("n",), ("n",), ("x",))


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_query_without_an_answer_is_an_error_with_athenas_reason(client: Any, stub: Stubber, state: str) -> None:
    started(stub)
    looked(stub, state, "TYPE_MISMATCH: line 1:8: no")
    with pytest.raises(QueryError, match=f"^query {QUERY_ID}: {state.lower()}: TYPE_MISMATCH: line 1:8: no$"):
        run(client, "SELECT 1", "lake", "lake")


def test_an_interrupted_wait_stops_the_query(client: Any, stub: Stubber) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    started(stub)
    looked(stub, "RUNNING")
    stub.add_response("stop_query_execution", {}, {"QueryExecutionId": QUERY_ID})
    with pytest.raises(KeyboardInterrupt):
        run(client, "SELECT 1", "lake", "lake", sleep=interrupted)


def test_a_named_query_runs_in_its_own_database(client: Any, stub: Stubber) -> None:
    _named(stub, "other", "wanted")
    started(stub)
    looked(stub, "SUCCEEDED")
    fetched(stub, {"n": "integer"}, ["n"])
    assert run_named(client, "wanted", "lake").rows == ()


@pytest.mark.parametrize(("known", "count"), [(("other",), 0), (("wanted", "wanted"), 2)])
def test_a_name_has_to_mean_one_query(client: Any, stub: Stubber, known: tuple[str, ...], count: int) -> None:
    _named(stub, *known)
    with pytest.raises(QueryError, match=f"has {count} queries named 'wanted'; it has: {', '.join(known)}"):
        run_named(client, "wanted", "lake")


def _named(stub: Stubber, *names: str) -> None:
    ids = [f"id-{number}" for number, _ in enumerate(names)]
    stub.add_response("list_named_queries", {"NamedQueryIds": ids}, {"WorkGroup": "lake"})
    queries = [{"Name": name, "Database": "lake", "QueryString": "SELECT 1"} for name in names]
    stub.add_response("batch_get_named_query", {"NamedQueries": queries}, {"NamedQueryIds": ids})


def test_the_command_takes_one_of_name_sql_and_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["name", "--list"], ["--sql", "SELECT 1", "--list"]):
        assert main(["query", "--lake", str(tmp_path), *arguments]) == 2
        assert "query must have one of NAME, --sql and --list" in capsys.readouterr().err
    assert main(["query", "--lake", str(tmp_path), "--list", "--parameter", "1"]) == 2
    assert "--parameter goes with --sql" in capsys.readouterr().err
