"""What every probe must say of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory_lake.conformance import probes
from factory_lake.conformance.catalog import all_probes, chosen
from factory_lake.conformance.probe import Probe
from factory_lake.conformance.report import estimate
from factory_lake.errors import OptionError
from factory_lake.module_interface import REPOSITORY


@pytest.mark.parametrize("probe", all_probes(), ids=lambda probe: probe.name)
def test_a_probe_names_its_belief_and_what_stands_on_it(probe: Probe) -> None:
    assert (Path(probes.__path__[0]) / f"{probe.name}.py").is_file()
    assert probe.belief.endswith(".")
    assert "\n" not in probe.belief
    assert probe.relied_on
    assert [path for path in probe.relied_on if not (REPOSITORY / path).exists()] == []
    assert probe.source
    assert probe.usd > 0


def test_all_of_them_together_cost_at_most_two_dollars() -> None:
    assert estimate(all_probes()) <= 2


def test_only_takes_names_and_families() -> None:
    assert [probe.name for probe in chosen(["s3_race"])] == ["s3_race"]
    assert {probe.family for probe in chosen(["kinesis", "s3_race"])} == {"kinesis", "s3"}
    assert chosen([]) == list(all_probes())


def test_only_refuses_what_is_neither() -> None:
    with pytest.raises(OptionError, match=r"^--only must be a probe .* or one of the families athena, .*got 's4'$"):
        chosen(["s3", "s4"])
