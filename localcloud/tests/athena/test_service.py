"""Athena's API on the local cloud: executions, results, workgroups, and what the caller may do."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud
from localcloud.testing.tables import parquet, table, view

pytestmark = pytest.mark.cloud

LONG = """
    SELECT count(*) FROM UNNEST(sequence(1, 1000000)) AS a (x)
    CROSS JOIN UNNEST(sequence(1, 1000000)) AS b (y) WHERE a.x * b.y % 7 = 3
"""


@dataclass(frozen=True)
class Athena:
    """A workgroup over a table ``t`` of a database of its own, in a bucket of its own."""

    cloud: LocalCloud
    bucket: str
    workgroup: str
    database: str
    client: Any

    def start(self, sql: str, **settings: Any) -> str:
        request: dict[str, Any] = {
            "QueryString": sql,
            "WorkGroup": self.workgroup,
            "QueryExecutionContext": {"Database": self.database},
        }
        return str(self.client.start_query_execution(**{**request, **settings})["QueryExecutionId"])

    def ended(self, query_id: str) -> dict[str, Any]:
        """The execution once it has ended."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            execution: dict[str, Any] = self.client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
                return execution
            time.sleep(0.02)
        raise TimeoutError(query_id)

    def run(self, sql: str, **settings: Any) -> dict[str, Any]:
        return self.ended(self.start(sql, **settings))

    def as_user(self, *statements: Mapping[str, Any]) -> Athena:
        """The same for a user whom these statements allow something, and the use of Athena anyway."""
        iam = self.cloud.client("iam")
        name = f"user-{uuid.uuid4().hex[:12]}"
        iam.create_user(UserName=name)
        allowed = [{"Action": "athena:*", "Resource": "*"}, *statements]
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement} for statement in allowed]}
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(document))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        client = self.cloud.client("athena", key)
        return Athena(self.cloud, self.bucket, self.workgroup, self.database, client)


@pytest.fixture
def athena(cloud: LocalCloud, bucket: str) -> Athena:
    name = f"test_{uuid.uuid4().hex[:8]}"
    glue, s3, client = cloud.client("glue"), cloud.client("s3"), cloud.client("athena")
    parameters = {
        "projection.enabled": "true",
        "projection.station.type": "enum",
        "projection.station.values": "krakow,lyon",
        "storage.location.template": f"s3://{bucket}/station=${{station}}/",
    }
    definition = table({"x": "int"}, partitions={"station": "string"}, parameters=parameters)
    glue.create_database(DatabaseInput={"Name": name})
    glue.create_table(DatabaseName=name, TableInput=definition)
    for station, x in (("krakow", 1), ("lyon", 2)):
        s3.put_object(Bucket=bucket, Key=f"station={station}/a.parquet", Body=parquet(x=pa.array([x], pa.int32())))
    client.create_work_group(
        Name=name,
        Configuration={
            "EnforceWorkGroupConfiguration": True,
            "ResultConfiguration": {"OutputLocation": f"s3://{bucket}/results/"},
        },
    )
    return Athena(cloud, bucket, name, name, client)


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    """Code and message of the error that a call ends in."""
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_an_execution_tells_what_it_did(athena: Athena) -> None:
    execution = athena.run("SELECT sum(x) AS total FROM t")
    assert execution["Status"]["State"] == "SUCCEEDED"
    assert execution["Status"]["SubmissionDateTime"] <= execution["Status"]["CompletionDateTime"]
    assert execution["StatementType"] == "DML"
    assert execution["WorkGroup"] == athena.workgroup
    assert execution["QueryExecutionContext"]["Database"] == athena.database
    statistics = execution["Statistics"]
    assert statistics["DataScannedInBytes"] > 0
    assert statistics["EngineExecutionTimeInMillis"] <= statistics["TotalExecutionTimeInMillis"]
    result = athena.client.get_query_results(QueryExecutionId=execution["QueryExecutionId"])["ResultSet"]
    assert result["Rows"] == [{"Data": [{"VarCharValue": "total"}]}, {"Data": [{"VarCharValue": "3"}]}]


def test_columns_have_athenas_types_and_values_its_spelling(athena: Athena) -> None:
    sql = """
        SELECT 1 AS i, 2e10 AS d, CAST(1.5 AS real) AS f, true AS b, 'a' AS v, CAST(NULL AS varchar) AS n,
               CAST('12.30' AS decimal(8, 2)) AS c, DATE '2026-03-09' AS day,
               TIMESTAMP '2026-03-09 08:00:00' AS t, count(*) AS big, ARRAY[1, 2] AS list,
               TIMESTAMP '2026-03-09 08:00:00 UTC' AS z
    """
    execution = athena.run(sql)
    result = athena.client.get_query_results(QueryExecutionId=execution["QueryExecutionId"])["ResultSet"]
    info = result["ResultSetMetadata"]["ColumnInfo"]
    assert [(column["Name"], column["Type"]) for column in info] == [
        *(("i", "integer"), ("d", "double"), ("f", "float"), ("b", "boolean"), ("v", "varchar"), ("n", "varchar")),
        *(("c", "decimal"), ("day", "date"), ("t", "timestamp"), ("big", "bigint"), ("list", "array")),
        ("z", "timestamp with time zone"),
    ]
    assert (info[6]["Precision"], info[6]["Scale"]) == (8, 2)
    assert [cell.get("VarCharValue") for cell in result["Rows"][1]["Data"]] == [
        *("1", "2.0E10", "1.5", "true", "a", None, "12.30", "2026-03-09", "2026-03-09 08:00:00.000"),
        *("1", "[1, 2]", "2026-03-09 08:00:00.000 UTC"),
    ]


def test_the_result_file_quotes_every_value_and_leaves_null_empty(athena: Athena) -> None:
    execution = athena.run("""SELECT 'a "b", c' AS "x", '' AS y, CAST(NULL AS varchar) AS z, 1 AS n, 'é' AS e""")
    location = execution["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://{athena.bucket}/results/{execution['QueryExecutionId']}.csv"
    bucket, key = location.removeprefix("s3://").split("/", 1)
    body = athena.cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    assert body == '"x","y","z","n","e"\n"a ""b"", c","",,"1","é"\n'


def test_results_come_in_pages_whose_first_row_is_that_of_the_names(athena: Athena) -> None:
    query_id = athena.run("SELECT n FROM UNNEST(sequence(1, 2500)) AS t (n) ORDER BY n")["QueryExecutionId"]
    answers = athena.client.get_paginator("get_query_results").paginate(QueryExecutionId=query_id)
    pages = [answer["ResultSet"]["Rows"] for answer in answers]
    assert [len(page) for page in pages] == [1000, 1000, 501]
    values = [row["Data"][0]["VarCharValue"] for page in pages for row in page]
    assert values == ["n", *map(str, range(1, 2501))]
    small = athena.client.get_query_results(QueryExecutionId=query_id, MaxResults=2)
    assert len(small["ResultSet"]["Rows"]) == 2
    assert "NextToken" in small


def test_parameters_fill_in_question_marks(athena: Athena) -> None:
    execution = athena.run("SELECT x FROM t WHERE station = ?", ExecutionParameters=["'lyon'"])
    rows = athena.client.get_query_results(QueryExecutionId=execution["QueryExecutionId"])["ResultSet"]["Rows"]
    assert rows[1:] == [{"Data": [{"VarCharValue": "2"}]}]


def test_a_query_that_fails_says_why(athena: Athena) -> None:
    execution = athena.run("SELECT x FROM t WHERE station = 1")
    assert execution["Status"]["State"] == "FAILED"
    assert execution["Status"]["StateChangeReason"].startswith(
        "TYPE_MISMATCH: line 1:23: Cannot apply operator: varchar = integer"
    )
    query_id = execution["QueryExecutionId"]
    assert refused(lambda: athena.client.get_query_results(QueryExecutionId=query_id)) == (
        "InvalidRequestException",
        "Query did not finish successfully. Final query state: FAILED",
    )


def test_what_the_local_engine_does_not_take_fails_with_what_to_write(athena: Athena) -> None:
    reason = athena.run("SELECT format('%02d', x) FROM t")["Status"]["StateChangeReason"]
    assert reason.startswith("NOT_SUPPORTED_LOCALLY: function format()")


def test_a_query_that_does_not_parse_is_refused_at_once(athena: Athena) -> None:
    code, message = refused(lambda: athena.start("SELECT x, FROM t"))
    assert code == "InvalidRequestException"
    assert message == "SYNTAX_ERROR: line 1:9: a trailing comma is not Athena's: leave it out"


def test_a_workgroup_that_enforces_its_settings_decides_where_results_go(athena: Athena) -> None:
    elsewhere = {"OutputLocation": f"s3://{athena.bucket}/elsewhere"}
    enforced = athena.run("SELECT 1", ResultConfiguration=elsewhere)
    assert "/results/" in enforced["ResultConfiguration"]["OutputLocation"]
    athena.client.update_work_group(
        WorkGroup=athena.workgroup, ConfigurationUpdates={"EnforceWorkGroupConfiguration": False}
    )
    free = athena.run("SELECT 1", ResultConfiguration=elsewhere)
    assert f"/elsewhere/{free['QueryExecutionId']}.csv" in free["ResultConfiguration"]["OutputLocation"]


def test_requests_that_cannot_run_are_refused(athena: Athena) -> None:
    assert refused(lambda: athena.start("SELECT 1", WorkGroup="nowhere"))[1] == "WorkGroup nowhere is not found."
    assert "No output location provided" in refused(lambda: athena.start("SELECT 1", WorkGroup="primary"))[1]
    missing = {"OutputLocation": "s3://no-such-bucket-here/"}
    assert refused(lambda: athena.start("SELECT 1", WorkGroup="primary", ResultConfiguration=missing)) == (
        "InvalidRequestException",
        "Unable to verify/create output bucket no-such-bucket-here",
    )
    athena.client.update_work_group(WorkGroup=athena.workgroup, State="DISABLED")
    assert "is disabled" in refused(lambda: athena.start("SELECT 1"))[1]
    assert "was not found" in refused(lambda: athena.client.stop_query_execution(QueryExecutionId="none"))[1]


def test_the_scan_limit_cancels_and_can_be_taken_away(athena: Athena) -> None:
    athena.client.update_work_group(
        WorkGroup=athena.workgroup, ConfigurationUpdates={"BytesScannedCutoffPerQuery": 10_000_000}
    )
    body = parquet(x=pa.array(range(4_000_000), pa.int32()))
    assert len(body) > 10_000_000
    athena.cloud.client("s3").put_object(Bucket=athena.bucket, Key="station=lyon/big.parquet", Body=body)
    assert athena.run("SELECT sum(x) FROM t WHERE station = 'krakow'")["Status"]["State"] == "SUCCEEDED"
    status = athena.run("SELECT sum(x) FROM t")["Status"]
    assert (status["State"], status["StateChangeReason"]) == (
        "CANCELLED",
        "Query cancelled! : Bytes scanned limit was exceeded",
    )
    athena.client.update_work_group(
        WorkGroup=athena.workgroup, ConfigurationUpdates={"RemoveBytesScannedCutoffPerQuery": True}
    )
    assert athena.run("SELECT sum(x) FROM t")["Status"]["State"] == "SUCCEEDED"


def test_a_long_query_holds_nobody_up_and_can_be_stopped(athena: Athena) -> None:
    query_id = athena.start(LONG)
    began = time.monotonic()
    assert athena.run("SELECT 1")["Status"]["State"] == "SUCCEEDED"
    assert time.monotonic() - began < 10
    running = athena.client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
    assert running["Status"]["State"] == "RUNNING"
    assert "not yet finished" in refused(lambda: athena.client.get_query_results(QueryExecutionId=query_id))[1]
    athena.client.stop_query_execution(QueryExecutionId=query_id)
    assert athena.ended(query_id)["Status"]["State"] == "CANCELLED"


def test_a_request_that_is_repeated_starts_one_query(athena: Athena) -> None:
    token = uuid.uuid4().hex * 2
    first = athena.start("SELECT 1", ClientRequestToken=token)
    assert athena.start("SELECT 1", ClientRequestToken=token) == first
    assert "Idempotent" in refused(lambda: athena.start("SELECT 2", ClientRequestToken=token))[1]


def test_executions_are_listed_newest_first(athena: Athena) -> None:
    started = [athena.run("SELECT 1")["QueryExecutionId"] for _ in range(3)]
    pages = athena.client.get_paginator("list_query_executions").paginate(
        WorkGroup=athena.workgroup, PaginationConfig={"PageSize": 2}
    )
    assert [query_id for page in pages for query_id in page["QueryExecutionIds"]] == started[::-1]


class TestPermissions:
    """A query may do what its caller may do."""

    def tables(self, athena: Athena, name: str) -> dict[str, Any]:
        """A statement that allows to read these tables in Glue."""
        glue = f"arn:aws:glue:{athena.cloud.region}:{athena.cloud.account_id}"
        parts = ("catalog", f"database/{athena.database}", f"table/{athena.database}/{name}")
        return {"Action": "glue:GetTable", "Resource": [f"{glue}:{part}" for part in parts]}

    def statements(self, athena: Athena, *without: str) -> list[dict[str, Any]]:
        """What a user needs who may query the station lyon."""
        arn = f"arn:aws:s3:::{athena.bucket}"
        needed: dict[str, dict[str, Any]] = {
            "glue": self.tables(athena, "*"),
            "list": {
                "Action": "s3:ListBucket",
                "Resource": arn,
                "Condition": {"StringLike": {"s3:prefix": "station=lyon/*"}},
            },
            "read": {"Action": "s3:GetObject", "Resource": f"{arn}/station=lyon/*"},
            "place": {"Action": "s3:GetBucketLocation", "Resource": arn},
            "write": {"Action": "s3:PutObject", "Resource": f"{arn}/results/*"},
            "result": {"Action": "s3:GetObject", "Resource": f"{arn}/results/*"},
        }
        return [statement for name, statement in needed.items() if name not in without]

    def test_what_is_allowed_goes_through_and_another_stations_objects_are_refused(self, athena: Athena) -> None:
        user = athena.as_user(*self.statements(athena))
        execution = user.run("SELECT x FROM t WHERE station = 'lyon'")
        assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
        rows = user.client.get_query_results(QueryExecutionId=execution["QueryExecutionId"])["ResultSet"]["Rows"]
        assert rows[1:] == [{"Data": [{"VarCharValue": "2"}]}]
        status = user.run("SELECT x FROM t")["Status"]
        assert status["State"] == "FAILED"
        assert re.search("PERMISSION_DENIED.*s3:ListBucket", status["StateChangeReason"])

    @pytest.mark.parametrize(
        ("without", "action"),
        [
            ("glue", "glue:GetTable"),
            ("list", "s3:ListBucket"),
            ("read", "s3:GetObject"),
            ("place", "s3:GetBucketLocation"),
            ("write", "s3:PutObject"),
        ],
    )
    def test_each_permission_is_needed(self, athena: Athena, without: str, action: str) -> None:
        user = athena.as_user(*self.statements(athena, without))
        status = user.run("SELECT x FROM t WHERE station = 'lyon'")["Status"]
        assert status["State"] == "FAILED"
        assert f"is not authorized to perform: {action} on resource: arn:aws:" in status["StateChangeReason"]

    def test_a_view_needs_what_its_tables_need_and_itself(self, athena: Athena) -> None:
        columns = {"x": "integer", "station": "varchar"}
        definition = view("SELECT DISTINCT x, station FROM t", columns, schema=athena.database)
        athena.cloud.client("glue").create_table(DatabaseName=athena.database, TableInput={**definition, "Name": "v"})
        glue = f"arn:aws:glue:{athena.cloud.region}:{athena.cloud.account_id}"
        for granted, refused_table in (("t", "v"), ("v", "t"), ("*", None)):
            user = athena.as_user(*self.statements(athena, "glue"), self.tables(athena, granted))
            status = user.run("SELECT x FROM v WHERE station = 'lyon'")["Status"]
            if refused_table is None:
                assert status["State"] == "SUCCEEDED", status
            else:
                needed = f"glue:GetTable on resource: {glue}:table/{athena.database}/{refused_table}"
                assert needed in status["StateChangeReason"]
        # Objects are read as the caller too: those of the other station are not its.
        status = user.run("SELECT x FROM v")["Status"]
        assert "s3:ListBucket" in status["StateChangeReason"]

    def test_the_result_is_read_as_the_caller_too(self, athena: Athena) -> None:
        user = athena.as_user(*self.statements(athena, "result"))
        execution = user.run("SELECT x FROM t WHERE station = 'lyon'")
        assert execution["Status"]["State"] == "SUCCEEDED"
        query_id = execution["QueryExecutionId"]
        code, message = refused(lambda: user.client.get_query_results(QueryExecutionId=query_id))
        assert code == "AccessDeniedException"
        assert "s3:GetObject" in message

    def test_a_buckets_key_is_needed_to_write_and_to_read(self, athena: Athena) -> None:
        key = athena.cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]}
        s3 = athena.cloud.client("s3")
        s3.put_bucket_encryption(Bucket=athena.bucket, ServerSideEncryptionConfiguration=rules)
        via = {"StringEquals": {"kms:ViaService": f"s3.{athena.cloud.region}.amazonaws.com"}}

        def state(*actions: str) -> tuple[str, str]:
            grant = [{"Action": list(actions), "Resource": key, "Condition": via}] if actions else []
            user = athena.as_user(*self.statements(athena), *grant)
            status = user.run("SELECT x FROM t WHERE station = 'lyon'")["Status"]
            return status["State"], status.get("StateChangeReason", "")

        state_without, reason = state()
        assert state_without == "FAILED"
        assert f"is not authorized to perform: kms:GenerateDataKey on resource: {key}" in reason
        assert state("kms:GenerateDataKey")[0] == "SUCCEEDED"  # what it reads was put before the key

        s3.put_object(
            Bucket=athena.bucket, Key="station=lyon/encrypted.parquet", Body=parquet(x=pa.array([3], pa.int32()))
        )
        assert "kms:Decrypt" in state("kms:GenerateDataKey")[1]
        assert state("kms:GenerateDataKey", "kms:Decrypt")[0] == "SUCCEEDED"
