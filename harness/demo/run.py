"""`make demo`: every step of a lake's life on the local cloud, measured and reconciled."""

import json
import time
from pathlib import Path

from factory_lake import query as athena
from factory_lake.output import Table, emit, layout, output_width
from harness.demo import configuration, cost, messages
from harness.demo.gaps import GATEWAYS, Gaps
from harness.demo.steps import Steps
from harness.demo.summary import QueryRun, Summary, seconds_since_start
from harness.demo.video import Recording
from harness.lake import LocalLake
from harness.lake.draining import drain
from harness.lake.local import default_factories
from harness.lake.targets import Targets
from harness.outages.run import FACTORY, factory

_STEPS = 16
_ROWS_SHOWN = 8
_RECORDS_SHOWN = 2
_WRONG_SHOWN = 10
_HEADING_LINES = 7
_FLUSH_SECONDS = 120.0


def run(workdir: Path, file: Path | None) -> int:
    """Run the demonstration in `workdir` and stop everything again.

    Args:
        workdir: An empty folder; `summary.json` and the logs stay in it.
        file: A user's messages instead of the simulated plant's.

    Returns:
        0 when every message and every frame is where it should be, once; 1 otherwise.
    """
    steps = Steps(total=_STEPS)
    summary = Summary()
    summary.seconds["set_up"] = seconds_since_start()
    with steps.step("start", "Start the local cloud"):
        lake = LocalLake.start(workdir / "lake")
    with lake:
        with steps.step("apply", "Make the gateways' keys and apply environments/local"):
            lake.apply({**default_factories(), FACTORY: factory(GATEWAYS, has_minutes=False)})
            steps.note(f"{len(lake.outputs['gateways'])} factories: {', '.join(lake.outputs['gateways'])}")
            steps.note(f"{FACTORY} has outages, beside all that follows")
        # The account is of the other factories.
        recording = Recording(Targets(lake, sorted(default_factories()), workdir))
        gaps = Gaps(lake, workdir)
        with gaps.running(), recording.running():
            with steps.step("video", "Film: send the past while the schedule is off, switch it on, go on"):
                recording.begin()
            exact = _messages(steps, summary, recording.targets, workdir, file)
            exact = _video(steps, summary, recording) and exact
            exact = _gaps(steps, summary, gaps) and exact
    summary.seconds |= {key: steps.seconds[key] for key in ("apply", "deliver", "query", "video")}
    summary.seconds["set_up"] += steps.seconds["start"]
    summary.seconds["total"] = seconds_since_start()
    summary.write(workdir / "summary.json")
    print(f"\n{workdir / 'summary.json'}: {summary.seconds['total']:.0f} s in all")
    return 0 if exact else 1


def _messages(steps: Steps, summary: Summary, targets: Targets, workdir: Path, file: Path | None) -> bool:
    lake, journals = targets.lake, targets.journals
    with steps.step("deliver", "Send messages over MQTT with TLS client certificates"):
        if file is None:
            rate = messages.send_plant(lake, journals)
        else:
            rate = 0.0
            messages.send_file(lake, journals, file)
    with steps.step("deliver", "Deliver what is buffered, and what is put back of it"):
        drain(lake.cloud, targets.delivery_streams, _FLUSH_SECONDS)
    with steps.step("query", "Run every named query"):
        summary.queries = _run_queries(lake)
    with steps.step("query", "Ask for the configuration in force at random instants"):
        summary.configuration = configuration.check(lake.cloud.client, lake.outputs)
        steps.note("{right} of {tried} instants as the oracle says".format(**summary.configuration))
    with steps.step("reconcile", "Reconcile every message"):
        report = messages.reconcile_messages(lake, journals)
        text = json.dumps(report.to_json(), indent=2)
        (workdir / "reconciliation.json").write_text(text, encoding="utf-8")
    emit("table", report.table(), notes=report.notes())
    summary.messages = report.messages()
    summary.batches = messages.batches(lake, report, journals, rate)
    _show_batches(summary)
    return report.is_clean and summary.configuration["right"] == summary.configuration["tried"]


def _show_batches(summary: Summary) -> None:
    summary.cost = {"usd_per_million_samples": cost.by_million_samples()}
    columns = [name.replace("_", " ") for name in summary.batches]
    values = [f"{value:,.0f}" for value in summary.batches.values()]
    print(flush=True)
    emit("table", Table(columns, [values], title="Batches:", right=frozenset(columns)))
    print(flush=True)
    emit("table", cost.table(summary.cost["usd_per_million_samples"]))


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
    with steps.step("video", "Find the clip and the frame of random moments"):
        moments = recording.moments()
        note = "{right} of {tried} right, the worst {worst_frames_off} frames off"
        steps.note(note.format(**moments.summary()))
        for wrong in moments.wrong[:_WRONG_SHOWN]:
            steps.note(wrong)
    summary.moments = moments.summary()
    summary.video = report.summary()
    columns = [name.replace("_", " ") for name in summary.video]
    folder = recording.targets.folder
    notes = [*report.discrepancies, f"a clip and a picture of each camera: {folder}/*.mp4, *.png"]
    emit("table", Table(columns, [list(summary.video.values())]), notes=notes)
    return report.is_exact and moments.is_exact


def _gaps(steps: Steps, summary: Summary, gaps: Gaps) -> bool:
    with steps.step("coverage", "Judge what a coverage says of the outages"):
        gaps.finish()
        verdict = gaps.verdict
        steps.note(f"{verdict.causes_right} of {verdict.outages} outages of {len(verdict.kinds)} kinds named rightly")
    with steps.step("coverage", "Show the gaps and write the pages"):
        gaps.show()
    summary.coverage = verdict.to_json()
    return verdict.is_right


def _run_queries(lake: LocalLake) -> list[QueryRun]:
    client = lake.cloud.client("athena")
    runs = []
    for name in sorted(lake.outputs["named_queries"]):
        began = time.monotonic()
        result = athena.run_named(client, name, lake.outputs["athena"]["workgroup"])
        runs.append(QueryRun(name, len(result.rows), time.monotonic() - began))
        print("", *_shown(name, result), sep="\n", flush=True)
    return runs


def _shown(name: str, result: athena.Result) -> list[str]:
    """The first rows of a query's result, fewer where each takes several lines."""
    for rows in (_ROWS_SHOWN, _RECORDS_SHOWN):
        shown = f", the first {rows}" if len(result.rows) > rows else ""
        title = f"{name}: {len(result.rows)} rows{shown}"
        lines = list(layout(Table(result.columns, result.rows[:rows], title=title), output_width()))
        lines = lines if lines[-1] else lines[:-1]
        if len(lines) <= _HEADING_LINES + rows:
            break
    return lines
