"""A whole lake's outputs, made by hand, for commands that are to fail behind them or to be rendered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
        "video": {FACTORY: {"streams": {"press-1": f"lake_{FACTORY}_press-1"}}},
    }


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
