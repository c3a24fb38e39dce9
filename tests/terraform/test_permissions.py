"""A lake applied, planned, operated, changed and destroyed under the policies that `factory-lake policy` prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from factory_lake.policy.documents import WHO, documents, recorded
from harness.lake.local import build_packages
from harness.lake.terraform import TerraformError
from harness.permissions.performance import Performance
from harness.permissions.rehearsal import Rehearsal

pytestmark = [pytest.mark.cloud, pytest.mark.terraform, pytest.mark.timeout(1200)]


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    build_packages()
    with Rehearsal.start(tmp_path) as started:
        yield started


def test_each_may_do_their_work_and_use_every_permission_for_it(rehearsal: Rehearsal) -> None:
    """What is not recorded anew is not needed any more: `python -m harness.permissions` records it."""
    policies = {who: documents(who, rehearsal.names) for who in WHO}
    policies["deploy"] = documents("deploy", rehearsal.names, rehearsal.boundary, force_destroy=True)
    acts = Performance.begin(rehearsal, policies)
    acts.apply()
    assert acts.plan() == []
    with (
        acts.planner.without("kinesis:DescribeStreamSummary"),
        pytest.raises(TerraformError, match="not authorized to perform: kinesis:DescribeStreamSummary"),
    ):
        acts.plan()
    rehearsal.change()
    assert acts.apply() != []
    assert acts.plan() == []
    acts.operate()
    rehearsal.store_objects()
    rehearsal.change_back()
    with (
        acts.deployer.without("logs:DisassociateKmsKey"),
        pytest.raises(TerraformError, match="not authorized to perform: logs:DisassociateKmsKey"),
    ):
        acts.apply()
    acts.apply()
    with (
        acts.deployer.without("sns:DeleteTopic"),
        pytest.raises(TerraformError, match="not authorized to perform: sns:DeleteTopic"),
    ):
        acts.destroy()
    acts.destroy()
    assert rehearsal.state["resources"] == []
    assert acts.recorded() == recorded()
