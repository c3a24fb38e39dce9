"""A lake that stays: `make up` and `make down`."""

import shutil
import sys
from pathlib import Path

from factory_lake.lake import DEFAULT_LOCAL, LOCAL_FILE
from factory_lake.output import Table, emit
from harness.demo.steps import Steps
from harness.lake import LocalLake
from harness.lake.local import CERTIFICATE
from localcloud import LocalCloud, StartError

# LocalStack's port and MQTT's, so that clients need no configuration beyond "local".
PORT = 4566
MQTT_PORT = 8883


def up(workdir: Path, port: int = PORT, mqtt_port: int = MQTT_PORT) -> None:
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
            lake = LocalLake.start(workdir, port, mqtt_port, detached=True)
            began_here = True
    try:
        with steps.step("apply", "Apply environments/local"):
            lake.apply()
            lake.describe()
    except BaseException:
        if began_here:
            lake.stop()
        raise
    explain(lake)


def down(workdir: Path) -> bool:
    """Stop the lake that `up` started, and say whether it ran."""
    (workdir / LOCAL_FILE).unlink(missing_ok=True)
    try:
        LocalCloud.attach(workdir / "cloud").stop()
    except StartError:
        return False
    return True


def explain(lake: LocalLake) -> None:
    """Say how to use a lake; each command fits a line, and can be copied as it is."""
    folder = _short(lake.workdir)
    command = _command()
    where = "" if folder == DEFAULT_LOCAL else f" --lake {folder}"
    print(f"\nAWS endpoint  {lake.cloud.endpoint}  (key and secret: test)")
    print(f"MQTT          {lake.cloud.mqtt_host}:{lake.cloud.mqtt_port}")
    print(f"CA            {_short(lake.cloud.ca_file)}")
    print(f"Keys          {_short(lake.key_dir)}/CLIENT_ID/{CERTIFICATE}.key")
    for heading, bucket in zip(("Buckets", "", ""), sorted(lake.outputs["buckets"].values()), strict=True):
        print(f"{heading:13} {bucket}")
    print()
    rows = [
        (identity["client_id"], identity["topic"])
        for gateways in lake.outputs["gateways"].values()
        for lanes in gateways.values()
        for identity in lanes.values()
    ]
    emit("table", Table(("client ID", "topic"), rows))
    print(f"\nSend          {command} gateway simulate --messages 500{where}")
    print(f"Deliver now   {command} local flush{where}")
    print(f"Reconcile     {command} reconcile{where}")
    print(f"Query         {command} query latest-value-per-tag{where}")
    print(f"Stop          {command} local down{where}")


def _command() -> Path:
    """The command as the user's shell finds it from here."""
    installed = Path(sys.executable).parent / "factory-lake"
    return Path(installed.name) if shutil.which(installed.name) == str(installed) else _short(installed)


def _short(path: Path) -> Path:
    """The path from here, when it is below here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
