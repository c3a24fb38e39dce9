"""`make demo`: every step of a lake's life on the local cloud, measured and accounted for."""

import json
import shutil
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tools import athena
from tools.demo import messages
from tools.demo.steps import Steps
from tools.demo.summary import QueryRun, Summary, seconds_since_start
from tools.lake import LocalLake

_ROWS_SHOWN = 8
_FLUSH_SECONDS = 120.0


def run(workdir: Path, file: Path | None) -> int:
    """Run the demonstration in `workdir` and stop everything again.

    Args:
        workdir: Emptied first; `summary.json` and the logs stay in it.
        file: A user's messages instead of the simulated plant's.

    Returns:
        0 when every message and every frame is where it should be, once; 1 otherwise.

    Raises:
        StepFailed: When a step fails; everything it started is stopped.
    """
    steps = Steps(total=6)
    summary = Summary()
    summary.seconds["set_up"] = seconds_since_start()
    shutil.rmtree(workdir, ignore_errors=True)
    workdir.mkdir(parents=True)
    journals = workdir / "journals"
    with steps.step("start", "Start the local cloud"):
        lake = LocalLake.start(workdir / "lake")
    with lake:
        with steps.step("apply", "Make the gateways' keys and apply environments/local"):
            lake.apply()
            steps.note(f"{len(lake.outputs['gateways'])} factories: {', '.join(lake.outputs['gateways'])}")
        with steps.step("deliver", "Send messages over MQTT with TLS client certificates"):
            if file is None:
                messages.send_plant(lake, journals)
            else:
                messages.send_file(lake, journals, file)
        with steps.step("deliver", "Deliver what is buffered"):
            lake.cloud.flush(timeout=_FLUSH_SECONDS)
        with steps.step("query", "Run every named query"):
            summary.queries = _run_queries(lake)
        with steps.step("account", "Account for every message"):
            account = messages.account(lake, journals)
        summary.messages = account.messages()
        account.show(Console())
        (workdir / "account.json").write_text(json.dumps(account.to_json(), indent=2), encoding="utf-8")
    summary.seconds |= {key: steps.seconds[key] for key in ("apply", "deliver", "query")}
    summary.seconds["set_up"] += steps.seconds["start"]
    summary.seconds["total"] = seconds_since_start()
    summary.write(workdir / "summary.json")
    print(f"\n{workdir / 'summary.json'}: {summary.seconds['total']:.0f} s in all")
    return 0 if account.is_clean else 1


def _run_queries(lake: LocalLake) -> list[QueryRun]:
    client = lake.cloud.client("athena")
    console = Console()
    runs = []
    for name in sorted(lake.outputs["named_queries"]):
        began = time.monotonic()
        result = athena.run_named(client, name, lake.outputs["athena"]["workgroup"])
        runs.append(QueryRun(name, len(result.rows), time.monotonic() - began))
        table = Table(title=f"{name}: {len(result.rows)} rows")
        for column in result.columns:
            table.add_column(column, overflow="fold")
        for row in result.rows[:_ROWS_SHOWN]:
            table.add_row(*("" if cell is None else str(cell) for cell in row))
        if len(result.rows) > _ROWS_SHOWN:
            table.caption = f"the first {_ROWS_SHOWN} of {len(result.rows)}"
        console.print(table)
    return runs
