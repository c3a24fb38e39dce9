"""The fault histories themselves: they hold, they are what they say, they can be cut down."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from clip_fetch import planning

from tests.histories import counterexamples
from tools.histories import __main__ as cli
from tools.histories import batch
from tools.histories.draw import draw
from tools.histories.history import EPOCH_MS, Action, Fault, History, Run, Stream
from tools.histories.judge import judge
from tools.histories.play import play
from tools.histories.shrink import shrink

CHUNK = 25


@pytest.mark.parametrize("first", range(0, 300, CHUNK))
def test_every_fragment_is_archived_exactly_once_in_order(first: int) -> None:
    totals = batch.play_seeds(range(first, first + CHUNK))
    assert totals.failed == [], f"see python -m tools.histories --first {min(totals.failed)} --n 1"
    assert totals.counts["archived"] > 1000


def test_a_history_is_the_same_each_time_it_is_drawn_and_played() -> None:
    for seed in range(10):
        assert draw(seed) == draw(seed)
        one, other = play(draw(seed)).world.bucket.ever, play(draw(seed)).world.bucket.ever
        assert one == other


def test_the_histories_hold_what_they_are_about() -> None:
    """Every kind of fault, every reason to end a clip but the rarest, overlaps and operators."""
    histories = [draw(seed) for seed in range(300)]
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
    assert {action.kind for history in histories for action in history.actions} == {"delete-newest", "litter"}
    streams = [stream for history in histories for stream in history.streams]
    assert {stream.last_frame_shown_ms for stream in streams} == {None, 33}
    lone = [sum(not f.listed_length_ms for f in s.fragments) / len(s.fragments) for s in streams]
    assert 20 < sum(share == 1 for share in lone) < 150
    assert sum(0 < share < 1 for share in lone) > 5
    assert 20 < sum(stream.change is not None for stream in streams) < 150
    cuts: Counter[str] = Counter()
    for history in histories[:100]:
        cuts.update(judge(play(history)).cuts)
    often = {
        planning.LENGTH,
        planning.GAP,
        planning.CLOCK,
        planning.SIZE,
        planning.QUIET,
        planning.UNREADABLE,
    }
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
    played = play(history)
    verdict = judge(played)
    (stream,) = history.streams
    assert verdict.faults == []
    assert verdict.unlisted <= unlisted
    assert verdict.archived == len(stream.fragments) - verdict.unlisted
    (record,) = [each for each in played.world.bucket.ever if each.metadata.get("flags") == "unlisted"]
    assert stream.change is not None
    hidden = [each for each in stream.fragments if each.server_ms < stream.change[0]][-verdict.unlisted :]
    assert int(record.metadata["lost-ms"]) == pytest.approx(stream.change[0] - hidden[0].server_ms, abs=100)


def test_a_kill_at_any_call_leaves_an_exact_archive() -> None:
    """One history, killed before and after each of its calls in turn."""
    base = counterexamples.two_runs_at_the_edge()
    for call in range(30):
        for kind in ("killed", "killed-after"):
            runs = tuple(
                Run(run.at_ms, run.timeout_ms, run.settings, (Fault(call, kind),)) for run in base.runs
            )
            assert batch.faults_of(History(0, base.streams, runs)) == [], (call, kind)


def test_a_failing_history_is_cut_down_to_what_fails() -> None:
    history = draw(5)

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
    summary = tmp_path / "torture" / "summary.json"
    assert cli.main(["--n", "30", "--processes", "2", "--summary", str(summary)]) == 0
    written = json.loads(summary.read_text())
    assert (written["histories"], written["lost"], written["duplicated"], written["failed_seeds"]) == (
        30,
        0,
        0,
        [],
    )
    assert written["fragments"] >= written["archived"] > 0
    assert written["seconds"] > 0
    assert "30 histories" in capsys.readouterr().out


def test_a_failure_is_printed_with_its_seed_and_smallest_history(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(planning, "settled", lambda listing, _settle_ms: list(listing.fragments))
    seed = next(seed for seed in range(400) if batch.faults_of(draw(seed)))
    cli.print_failure(seed)
    printed = capsys.readouterr().out
    assert f"seed {seed} fails" in printed
    assert f"--first {seed} --n 1" in printed
    start = printed.index("{")
    minimal, _ = json.JSONDecoder().raw_decode(printed[start:])
    assert minimal["seed"] == seed
    assert sum(len(s["fragments"]) for s in minimal["streams"]) < sum(
        len(s.fragments) for s in draw(seed).streams
    )


def test_the_judge_sees_a_clip_that_is_taken_away() -> None:
    """What the judge calls lost is lost: without the operator's excuse, a missing clip is a fault."""
    played = play(draw(3))
    assert judge(played).faults == []
    clips = [
        key for key, stored in played.world.bucket.objects.items() if "first-fragment" in stored.metadata
    ]
    played.world.bucket.delete(sorted(clips)[0])
    assert any("is missing" in fault for fault in judge(played).faults)


def test_an_operator_s_deletion_is_archived_again_while_it_is_retained() -> None:
    base = counterexamples.two_runs_at_the_edge()
    fragments = base.streams[0].fragments[:40]
    stream = Stream("cam-0", EPOCH_MS, 24 * 3_600_000, fragments)
    run = Run(EPOCH_MS + 1_000_000, 300_000, base.runs[0].settings)
    played = play(History(0, (stream,), (run,), (Action(EPOCH_MS + 1_100_000, "delete-newest", "cam-0"),)))
    verdict = judge(played)
    assert len(played.deleted) == 1
    assert (verdict.faults, verdict.archived) == ([], 40)
