"""`make demo`: every step of a lake's life on the local cloud, measured and reconciled."""

import json
import shutil
import time
from pathlib import Path

from factory_lake import query as athena
from factory_lake.output import Table, emit
from harness.demo import messages
from harness.demo.steps import Steps
from harness.demo.summary import QueryRun, Summary, seconds_since_start
from harness.demo.video import Recording
from harness.lake import LocalLake
from harness.lake.targets import Targets

_STEPS = 12
_ROWS_SHOWN = 3
_FLUSH_SECONDS = 120.0


def run(workdir: Path, file: Path | None) -> int:
    """Run the demonstration in `workdir` and stop everything again.

    Args:
        workdir: Emptied first; `summary.json` and the logs stay in it.
        file: A user's messages instead of the simulated plant's.

    Returns:
        0 when every message and every frame is where it should be, once; 1 otherwise.

    Raises:
        StepError: When a step fails; everything it started is stopped.
    """
    if file is not None:
        messages.check_file(file)
    steps = Steps(total=_STEPS)
    summary = Summary()
    summary.seconds["set_up"] = seconds_since_start()
    shutil.rmtree(workdir, ignore_errors=True)
    workdir.mkdir(parents=True)
    with steps.step("start", "Start the local cloud"):
        lake = LocalLake.start(workdir / "lake")
    with lake:
        with steps.step("apply", "Make the gateways' keys and apply environments/local"):
            lake.apply()
            steps.note(f"{len(lake.outputs['gateways'])} factories: {', '.join(lake.outputs['gateways'])}")
        recording = Recording(Targets(lake, sorted(lake.outputs["gateways"]), workdir))
        with recording.running():
            with steps.step("video", "Film: send the past while the schedule is off, switch it on, go on"):
                recording.begin()
            exact = _messages(steps, summary, lake, workdir, file)
            exact = _video(steps, summary, recording) and exact
    summary.seconds |= {key: steps.seconds[key] for key in ("apply", "deliver", "query", "video")}
    summary.seconds["set_up"] += steps.seconds["start"]
    summary.seconds["total"] = seconds_since_start()
    summary.write(workdir / "summary.json")
    print(f"\n{workdir / 'summary.json'}: {summary.seconds['total']:.0f} s in all")
    return 0 if exact else 1


def _messages(steps: Steps, summary: Summary, lake: LocalLake, workdir: Path, file: Path | None) -> bool:
    journals = workdir / "journals"
    with steps.step("deliver", "Send messages over MQTT with TLS client certificates"):
        if file is None:
            messages.send_plant(lake, journals)
        else:
            messages.send_file(lake, journals, file)
    with steps.step("deliver", "Deliver what is buffered"):
        lake.cloud.flush(timeout=_FLUSH_SECONDS)
    with steps.step("query", "Run every named query"):
        summary.queries = _run_queries(lake)
    with steps.step("account", "Reconcile every message"):
        account = messages.account(lake, journals)
        (workdir / "account.json").write_text(json.dumps(account.to_json(), indent=2), encoding="utf-8")
    emit("table", account.table(), notes=account.notes())
    summary.messages = account.messages()
    return account.is_clean


def _video(steps: Steps, summary: Summary, recording: Recording) -> bool:
    with steps.step("video", "Wait for the schedule to catch up with the missed runs"):
        recording.await_schedule()
    with steps.step("video", "Change the clip length"):
        recording.change_clip_length()
    with steps.step("video", "Kill a run while it stores a clip"):
        recording.crash()
    with steps.step("video", "Stop the cameras and archive the rest"):
        recording.finish()
    with steps.step("video", "Decode every clip and reconcile every frame"):
        report = recording.reconcile()
    summary.video = report.summary()
    names = [name.replace("_", " ") for name in summary.video]
    table = Table(names, [list(summary.video.values())], title="Reconciliation of every frame")
    kept = f"A clip and a picture of each camera: {recording.targets.folder}/*.mp4, *.png"
    emit("table", table, notes=[*report.discrepancies, kept])
    return report.is_exact


def _run_queries(lake: LocalLake) -> list[QueryRun]:
    client = lake.cloud.client("athena")
    runs = []
    for name in sorted(lake.outputs["named_queries"]):
        began = time.monotonic()
        result = athena.run_named(client, name, lake.outputs["athena"]["workgroup"])
        runs.append(QueryRun(name, len(result.rows), time.monotonic() - began))
        shown = f"; the first {_ROWS_SHOWN}" if len(result.rows) > _ROWS_SHOWN else ""
        title = f"\n{name}: {len(result.rows)} rows{shown}"
        emit("table", Table(result.columns, result.rows[:_ROWS_SHOWN], title=title))
    return runs
