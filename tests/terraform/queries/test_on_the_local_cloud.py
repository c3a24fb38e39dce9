"""The named queries as their users run them: by name, through the Athena API of the local cloud."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from factory_lake.cli import main
from factory_lake.query import named_queries, run_named
from harness.demo.configuration import check
from tests.support.local_lake import describe
from tests.terraform.queries.conftest import BUCKETS, CloudLake
from tests.terraform.queries.expected import EXPECTED, resolved
from tests.terraform.queries.rows import FACTORIES

pytestmark = pytest.mark.cloud


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_answers_as_worked_out_by_hand(cloud_lake: CloudLake, name: str) -> None:
    """The result file has Athena's own spelling of every value."""
    client = cloud_lake.cloud.client("athena")
    result = run_named(client, name, cloud_lake.workgroup)
    body = (
        cloud_lake.cloud.client("s3")
        .get_object(Bucket=BUCKETS["measurements"], Key=f"athena-results/{result.query_id}.csv")["Body"]
        .read()
        .decode()
    )
    header, *rows = csv.reader(io.StringIO(body))
    assert tuple(header) == result.columns
    expected = resolved(EXPECTED[name], cloud_lake.now)
    assert rows == [["" if cell is None else cell for cell in row] for row in expected]
    assert len(result.rows) == len(expected)
    assert result.bytes_scanned > 0


def test_the_command_lists_and_runs_named_queries(
    cloud_lake: CloudLake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    athena = {"workgroup": cloud_lake.workgroup, "database": cloud_lake.database}
    folder = describe(cloud_lake.cloud, tmp_path / "lake", {"athena": athena})
    common = ["query", "--lake", str(folder)]

    assert main([*common, "--list"]) == 0
    listed = capsys.readouterr().out
    for query in named_queries(cloud_lake.cloud.client("athena"), cloud_lake.workgroup):
        assert f"{query['Name']} " in listed
        assert query["Description"] in listed

    assert main([*common, "latest-configuration-per-gateway", "--format", "csv"]) == 0
    header, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
    assert header == ["factory", "gateway", "received_at", "message"]
    expected = resolved(EXPECTED["latest-configuration-per-gateway"], cloud_lake.now)
    assert rows == [["" if cell is None else cell for cell in row] for row in expected]

    sql = "SELECT count(*) AS n FROM measurements WHERE factory = ? AND success = true"
    assert main([*common, "--sql", sql, "--parameter", "'lyon'"]) == 0
    table = capsys.readouterr().out
    assert table.splitlines()[2] == "8"
    assert "1 rows" in table

    assert main([*common, "--sql", "SELECT nothing FROM measurements"]) == 2
    assert "COLUMN_NOT_FOUND" in capsys.readouterr().err
    assert main([*common, "no-such-query"]) == 2
    assert "it has: clips-of-a-moment, clips-of-samples, configuration-at" in capsys.readouterr().err


def test_the_configuration_in_force_is_right_at_every_instant(cloud_lake: CloudLake) -> None:
    """By the view and by the command's own reading, as the demonstration tries it."""
    outputs = {
        "athena": {"workgroup": cloud_lake.workgroup, "database": cloud_lake.database},
        "buckets": BUCKETS,
        "gateways": {factory: {} for factory in FACTORIES},
    }
    assert check(cloud_lake.cloud.client, outputs) == {"tried": 1_000, "right": 1_000}
