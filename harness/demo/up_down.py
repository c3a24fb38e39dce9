"""A lake that stays: `make up` and `make down`."""

import json
import shutil
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.demo.steps import Steps
from harness.lake import LocalLake
from localcloud import LocalCloud, StartError

# LocalStack's port and MQTT's, so that clients need no configuration beyond "local".
_PORT = 4566
_MQTT_PORT = 8883


def up(workdir: Path) -> int:
    """Start a lake, or bring the one that runs up to date, and say how to use it.

    Raises:
        StepError: When a step fails; a lake that was started here is stopped again.
    """
    steps = Steps(total=2)
    began_here = False
    with steps.step("start", "Start the local cloud"):
        try:
            lake = LocalLake.attach(workdir)
            steps.note("it runs already; what changed in the configuration is applied to it")
        except (StartError, FileNotFoundError):
            shutil.rmtree(workdir, ignore_errors=True)
            lake = LocalLake.start(workdir, _PORT, _MQTT_PORT, detached=True)
            began_here = True
    try:
        with steps.step("apply", "Apply environments/local"):
            lake.apply()
            (workdir / "outputs.json").write_text(json.dumps(lake.outputs, indent=2), encoding="utf-8")
    except BaseException:
        if began_here:
            lake.stop()
        raise
    _explain(lake)
    return 0


def down(workdir: Path) -> int:
    """Stop the lake that `up` started."""
    try:
        LocalCloud.attach(workdir / "cloud").stop()
    except StartError as error:
        print(error)
        return 0
    print("stopped")
    return 0


def _explain(lake: LocalLake) -> None:
    console = Console()
    outputs = lake.outputs
    console.print(f"\nAWS endpoint   {lake.cloud.endpoint}  (access key and secret: test)")
    console.print(
        f"MQTT           {lake.cloud.mqtt_host}:{lake.cloud.mqtt_port}, CA {_short(lake.cloud.ca_file)}"
    )
    console.print(f"Buckets        {', '.join(outputs['buckets'].values())}")
    table = Table(title="Gateways")
    for heading in ("client ID", "topic", "key"):
        table.add_column(heading, overflow="fold")
    for gateways in outputs["gateways"].values():
        for lanes in gateways.values():
            for identity in lanes.values():
                key = lake.key_dir / identity["client_id"]
                table.add_row(identity["client_id"], identity["topic"], str(_short(key)))
    console.print(table)
    workdir = _short(lake.workdir)
    common = f"--local {workdir}/cloud --outputs {workdir}/outputs.json --journal-dir {workdir}/journals"
    console.print(
        "Send            .venv/bin/python -m factory_lake.gateway simulate --messages 500 "
        f"{common} --key-dir {workdir}/keys",
        soft_wrap=True,
    )
    console.print(
        f"Deliver now     .venv/bin/python -m localcloud flush --workdir {workdir}/cloud",
        soft_wrap=True,
    )
    console.print(f"Account         .venv/bin/python -m factory_lake.reconcile {common}", soft_wrap=True)
    console.print(
        "Query           .venv/bin/python -m factory_lake.query "
        f"--local {workdir}/cloud --outputs {workdir}/outputs.json --query-name latest-value-per-tag",
        soft_wrap=True,
    )
    console.print("Stop            make down")


def _short(path: Path) -> Path:
    """The path from here, when it is below here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
