"""Several faults at once, while a gateway sends and a camera films: `make soak` in short."""

from __future__ import annotations

from pathlib import Path

from harness.lake import LocalLake
from harness.lake.targets import Targets
from harness.soak.plan import PlannedFault
from harness.soak.run import Settings, soak

FACTORY = "genoa"
SECONDS = 15.0
RATE = 20.0
# A fault that waits (for a function at work, an object being written) ends when it has had its effect.
PATIENCE = 200.0
PLAN = [
    PlannedFault(0.5, "broker_disconnect", 3.0, "drops"),
    PlannedFault(1.0, "transform_crash", PATIENCE, "crash"),
    PlannedFault(2.0, "camera_loss", 4.0, "away"),
    PlannedFault(4.0, "gateway_disconnect", 3.0, "line"),
    # Its buffers hold all that came before: a checkpoint that ran ahead of them would lose it.
    PlannedFault(9.0, "engine_kill", 1.0, "any"),
    PlannedFault(12.0, "engine_kill_while_writing", PATIENCE, "dead"),
]


def test_faults_at_once_lose_nothing_and_repeat_nothing_without_a_reason(lake: LocalLake, tmp_path: Path) -> None:
    targets = Targets(lake, [FACTORY], tmp_path)
    settings = Settings(SECONDS, seed=1, rate=RATE, plan=PLAN)

    summary = soak(targets, settings)

    assert summary.failures == []
    assert dict(summary.faults) == {planned.fault_type: 1 for planned in PLAN}
    assert summary.messages == summary.delivered + summary.rejected
    assert 0 < summary.samples_in_batches < summary.messages
    assert summary.put_back > 0
    assert summary.resent > 0  # the broker and the line were lost with messages under way
    assert summary.repeated_by_delivery > 0  # the engine was, with an object that it had handed over
    assert summary.repeated_samples > 0  # and the query found exactly these, which the view leaves out
    assert summary.fragments > 0
    assert summary.peak_rss_mb > 0
