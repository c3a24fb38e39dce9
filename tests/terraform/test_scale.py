"""What a plan takes is measured of that plan, and one that takes too much is stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.scale import plans
from harness.scale.plans import ScaleError, plan_empty

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(300)]

RESOURCES = 116


def test_more_factories_take_more_of_a_processor(tmp_path: Path) -> None:
    few, many = (plan_empty(tmp_path / "lake", factories, RESOURCES) for factories in (1, 10))
    assert 0 < few.processor_seconds < many.processor_seconds
    # Linux counts what a process had before it became Terraform: here the memory of these tests.
    assert 0 < few.memory_bytes <= many.memory_bytes


def test_a_plan_that_takes_too_much_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "MOST_SECONDS", 1)
    with pytest.raises(ScaleError, match=r"^terraform plan must take at most 1 s of a processor"):
        plan_empty(tmp_path / "lake", 20, RESOURCES)
