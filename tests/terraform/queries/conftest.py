"""The fixture lake, in memory and on a local cloud."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from localcloud import LocalCloud
from localcloud.testing.memory_storage import MemoryStorage
from tests.terraform.queries.rows import QUERIES, objects, tables, views

BUCKETS = {
    "measurements": "lake-measurements",
    "configuration": "lake-configuration",
    "connections": "lake-configuration",
    "clips": "lake-clips",
}
NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)


@pytest.fixture
def lake() -> MemoryStorage:
    """The fixture lake in memory, around ``NOW``."""
    return MemoryStorage(
        tables={("lake", table["Name"]): table for table in (*tables(BUCKETS), *views("lake"))},
        objects=objects(NOW, BUCKETS),
    )


@dataclass(frozen=True)
class CloudLake:
    """The fixture lake on a local cloud.

    Attributes:
        cloud: the cloud.
        now: the moment that its rows lie around.
        workgroup: its workgroup, with enforced settings.
        database: its database.
    """

    cloud: LocalCloud
    now: datetime
    workgroup: str = "lake"
    database: str = "lake"


@pytest.fixture(scope="session")
def cloud_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudLake]:
    """The lake, around noon of today, with its tables, its workgroup and the named queries."""
    with LocalCloud.start(tmp_path_factory.mktemp("cloud")) as cloud:
        lake = CloudLake(cloud, datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0))
        _fill(lake)
        yield lake


def _fill(lake: CloudLake) -> None:
    s3, glue, athena = (lake.cloud.client(service) for service in ("s3", "glue", "athena"))
    for bucket in set(BUCKETS.values()):
        place = {"LocationConstraint": lake.cloud.region}
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    for (bucket, key), body in objects(lake.now, BUCKETS).items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    glue.create_database(DatabaseInput={"Name": lake.database})
    for table in (*tables(BUCKETS), *views(lake.database)):
        glue.create_table(DatabaseName=lake.database, TableInput=table)
    athena.create_work_group(
        Name=lake.workgroup,
        Configuration={
            "EnforceWorkGroupConfiguration": True,
            "BytesScannedCutoffPerQuery": 10_000_000,
            "ResultConfiguration": {"OutputLocation": f"s3://{BUCKETS['measurements']}/athena-results/"},
        },
    )
    for path in QUERIES.glob("*.sql"):
        text = path.read_text()
        athena.create_named_query(
            Name=path.stem,
            Description=text.splitlines()[0].removeprefix("-- "),
            Database=lake.database,
            WorkGroup=lake.workgroup,
            QueryString=text,
        )
