"""What several tests of the commands stand on: a lake's outputs and access, an AWS in memory, a clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from factory_lake.gateway.identities import LANES, Source
from factory_lake.lake import LocalAccess
from tests.unit.factory_lake.gateway.test_connections import outputs_of

FACTORY = "krakow"
ACCOUNT = "123456789012"


def whole_outputs(folder: Path) -> dict[str, Any]:
    """The outputs of a lake with one factory, and in the folder the keys of its gateway."""
    gateways = outputs_of(folder, *(Source(FACTORY, "line-1", lane) for lane in LANES))
    lanes = {
        "data_streams": f"lake-{FACTORY}-{{lane}}",
        "delivery_streams": f"lake-{FACTORY}-{{lane}}",
        "transform_functions": f"lake-{FACTORY}-{{lane}}-transform",
    }
    roles = {lane: {"rule": f"arn:aws:iam::{ACCOUNT}:role/lake-{FACTORY}-{lane}-rule"} for lane in LANES}
    return {
        **gateways,
        **{name: {FACTORY: {lane: text.format(lane=lane) for lane in LANES}} for name, text in lanes.items()},
        "roles": {FACTORY: roles},
        "buckets": {name: f"lake-{ACCOUNT}-{name}" for name in (*LANES, "clips")},
        "athena": {"workgroup": "lake", "database": "lake"},
        "video": {
            FACTORY: {
                "streams": {"press-1": f"lake_{FACTORY}_press-1"},
                "clip_function": f"lake-{FACTORY}-clip-fetch",
                "schedule_rules": [f"lake-{FACTORY}-clip-fetch"],
            }
        },
    }


@dataclass
class Clock:
    """Seconds that only sleeping makes pass."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@contextmanager
def aws_in_memory() -> Iterator[None]:
    """Moto's AWS, and the settings of a user of it."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "test")
        environment.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        yield


def local_access(folder: Path, port: int, mqtt_port: int = 8883) -> LocalAccess:
    """How a local lake in a folder is reached, whose services are on these ports."""
    return LocalAccess(
        endpoint=f"http://127.0.0.1:{port}",
        region="eu-central-1",
        access_key_id="the-lake-s",
        secret_access_key="secret",
        ca_file=folder / "ca.pem",
        mqtt_host="127.0.0.1",
        mqtt_port=mqtt_port,
        key_dir=folder / "keys",
        journal_dir=folder / "journals",
    )
