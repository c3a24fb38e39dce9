"""The fault histories themselves: they hold, they are what they say, they can be cut down."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from clip_fetch import planning
from clip_fetch.video import Video
from harness.simulation import __main__ as cli
from harness.simulation import batch
from harness.simulation.checker import check
from harness.simulation.generate import generate
from harness.simulation.history import EPOCH_MS, Action, Fault, History, Run, Stream
from harness.simulation.run import run_history
from harness.simulation.shrink import shrink
from harness.simulation.simulated_aws import CHECKED_SHARE
from tests.unit.harness.simulation import counterexamples

CHUNK = 25


@pytest.mark.parametrize("first", range(0, 300, CHUNK))
def test_every_fragment_is_archived_exactly_once_in_order(first: int) -> None:
    totals = batch.run_seeds(range(first, first + CHUNK))
    assert totals.failed == [], f"see python -m harness.simulation --first {min(totals.failed)} --n 1"
    assert totals.counts["archived"] > 1000


def test_a_history_is_the_same_each_time_it_is_generated_and_run() -> None:
    for seed in range(10):
        assert generate(seed) == generate(seed)
        one, other = run_history(generate(seed)).aws.bucket.ever, run_history(generate(seed)).aws.bucket.ever
        assert one == other


def test_the_histories_hold_what_they_are_about() -> None:
    """Every kind of fault, every reason to end a clip but the rarest, overlaps and operators."""
    histories = [generate(seed) for seed in range(300)]
    faults = {fault.kind for history in histories for run in history.runs for fault in run.faults}
    assert faults == {
        "throttled",
        "failed",
        "reset",
        "lost",
        "late",
        "broken",
        "truncated",
        "killed",
        "killed-after",
        "held",
        "garbled",
    }
    assert {action.kind for history in histories for action in history.actions} == {"delete-newest", "stray-objects"}
    streams = [stream for history in histories for stream in history.streams]
    assert {stream.last_frame_shown_ms for stream in streams} == {None, 33}
    lone = [sum(not f.listed_length_ms for f in s.fragments) / len(s.fragments) for s in streams]
    assert 20 < sum(share == 1 for share in lone) < 150
    assert sum(0 < share < 1 for share in lone) > 5
    assert 20 < sum(stream.change is not None for stream in streams) < 150
    cuts: Counter[str] = Counter()
    for history in histories[:100]:
        cuts.update(check(run_history(history)).cuts)
    often = {planning.LENGTH, planning.GAP, planning.CLOCK, planning.SIZE, planning.QUIET, planning.UNREADABLE}
    assert often <= set(cuts)


@pytest.mark.parametrize(
    ("history", "unlisted"),
    [
        pytest.param(counterexamples.retention_changed_behind_the_archive(), 30, id="behind the archive"),
        pytest.param(counterexamples.retention_changed_amid_old_footage(), 900, id="amid old footage"),
    ],
)
def test_a_change_of_retention_hides_no_more_than_came_before_it(history: History, unlisted: int) -> None:
    """And a gap record says so, how much at most."""
    outcome = run_history(history)
    result = check(outcome)
    (stream,) = history.streams
    assert result.violations == []
    assert result.unlisted <= unlisted
    assert result.archived == len(stream.fragments) - result.unlisted
    (record,) = [each for each in outcome.aws.bucket.ever if each.metadata.get("flags") == "unlisted"]
    assert stream.change is not None
    hidden = [each for each in stream.fragments if each.server_ms < stream.change[0]][-result.unlisted :]
    assert int(record.metadata["lost-ms"]) == pytest.approx(stream.change[0] - hidden[0].server_ms, abs=100)


def test_a_kill_at_any_call_leaves_an_exact_archive() -> None:
    """One history, killed before and after each of its calls in turn."""
    base = counterexamples.two_runs_at_the_edge()
    for call in range(30):
        for kind in ("killed", "killed-after"):
            runs = tuple(Run(run.at_ms, run.timeout_ms, run.settings, (Fault(call, kind),)) for run in base.runs)
            assert batch.violations_of(History(0, base.streams, runs)) == [], (call, kind)


def test_a_failing_history_is_cut_down_to_what_fails() -> None:
    history = generate(5)

    def fails(candidate: History) -> bool:
        killed = any(fault.kind.startswith("killed") for run in candidate.runs for fault in run.faults)
        return killed and sum(len(stream.fragments) for stream in candidate.streams) >= 3

    assert fails(history)
    smallest = shrink(history, fails, attempts=5000)
    assert fails(smallest)
    assert len(smallest.streams) == len(smallest.runs) == len(smallest.runs[0].faults) == 1
    assert len(smallest.streams[0].fragments) == 3
    assert smallest.actions == ()


def test_the_command_writes_figures_and_succeeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = tmp_path / "simulation" / "summary.json"
    assert cli.main(["--n", "30", "--processes", "2", "--summary", str(summary)]) == 0
    written = json.loads(summary.read_text())
    assert (written["histories"], written["lost"], written["duplicated"], written["failed_seeds"]) == (30, 0, 0, [])
    assert written["fragments"] >= written["archived"] > 0
    assert written["seconds"] > 0
    assert "30 histories" in capsys.readouterr().out


def test_a_failure_is_printed_with_its_seed_and_smallest_history(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(planning, "settled", lambda listing, _settle_ms: list(listing.fragments))
    # The first is known to fail; once the generator has made another history of it, the others are tried.
    seed = next(seed for seed in (112, *range(400)) if batch.violations_of(generate(seed)))
    cli.print_failure(seed)
    printed = capsys.readouterr().out
    assert f"seed {seed} fails" in printed
    assert f"--first {seed} --n 1" in printed
    start = printed.index("{")
    minimal, _ = json.JSONDecoder().raw_decode(printed[start:])
    assert minimal["seed"] == seed
    assert sum(len(s["fragments"]) for s in minimal["streams"]) < sum(len(s.fragments) for s in generate(seed).streams)


def test_the_checker_sees_a_clip_that_is_taken_away() -> None:
    """What the checker calls lost is lost: without the operator's excuse, a missing clip is a fault."""
    outcome = run_history(generate(3))
    assert check(outcome).violations == []
    clips = [key for key, stored in outcome.aws.bucket.objects.items() if "first-fragment" in stored.metadata]
    outcome.aws.bucket.delete(sorted(clips)[0])
    assert any("is missing" in fault for fault in check(outcome).violations)


def test_an_operator_s_deletion_is_archived_again_while_it_is_retained() -> None:
    base = counterexamples.two_runs_at_the_edge()
    fragments = base.streams[0].fragments[:40]
    stream = Stream("cam-0", EPOCH_MS, 24 * 3_600_000, fragments)
    run = Run(EPOCH_MS + 1_000_000, 300_000, base.runs[0].settings)
    outcome = run_history(History(0, (stream,), (run,), (Action(EPOCH_MS + 1_100_000, "delete-newest", "cam-0"),)))
    result = check(outcome)
    assert len(outcome.deleted) == 1
    assert (result.violations, result.archived) == ([], 40)


def test_a_request_that_botocore_would_refuse_is_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    list_page = Video._list
    monkeypatch.setattr(Video, "_list", lambda self, **request: list_page(self, **request, MaxResult=1))
    assert any("MaxResult" in each for each in batch.violations_of(generate(CHECKED_SHARE)))
