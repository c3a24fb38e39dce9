"""What the lake believes about AWS holds on the local cloud, and each probe sees when it does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from factory_lake.conformance import setups
from factory_lake.conformance.catalog import all_probes
from factory_lake.conformance.policy import documents
from harness.lake.local import describe
from harness.permissions.rehearsal import Actor
from localcloud import LocalCloud
from tests.conformance.breaks import Break, all_breaks, broken
from tests.conformance.tried import Tried

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("conformance"), pytest.mark.timeout(300)]


def test_every_belief_holds_on_the_local_cloud_for_a_caller_with_the_kits_own_policy(
    breakable: LocalCloud, try_probes: Callable[..., Tried], tmp_path: Path
) -> None:
    policies = documents("aws", breakable.region, breakable.account_id)
    caller = Actor.user(breakable, "conformance", policies).credentials
    tried = try_probes(folder=describe(breakable, tmp_path / "lake", {}, caller=caller))
    assert tried.not_held == {}
    assert tried.leftovers == []
    assert set(tried.outcomes) == {probe.name for probe in all_probes()}


def test_with_a_permissions_boundary_roles_are_made_within_it_alone(
    breakable: LocalCloud, try_probes: Callable[..., Tried], tmp_path: Path
) -> None:
    iam = breakable.client("iam")
    wide, narrow = (
        iam.create_policy(PolicyName=name, PolicyDocument=setups.document({"Action": actions, "Resource": "*"}))[
            "Policy"
        ]["Arn"]
        for name, actions in (("wide", ["s3:*", "glue:*", "kinesis:*"]), ("narrow", ["s3:*"]))
    )
    policies = documents("aws", breakable.region, breakable.account_id, wide)
    folder = describe(breakable, tmp_path / "lake", {}, caller=Actor.user(breakable, "bound", policies).credentials)
    names = ("iam_archiver", "iam_read_stream")
    assert try_probes(*names, folder=folder, boundary=wide).not_held == {}
    for other in (narrow, None):
        tried = try_probes(*names, folder=folder, boundary=other)
        assert {state for state, _ in tried.not_held.values()} == {"could not tell"}
        assert tried.not_held.keys() == set(names)
        assert all("AccessDenied" in why and "CreateRole" in why for _, why in tried.not_held.values())


@pytest.mark.parametrize("point", all_breaks(), ids=lambda point: point.probe)
def test_a_point_that_is_broken_makes_its_probe_differ_and_no_other(
    point: Break, breakable: LocalCloud, try_probes: Callable[..., Tried]
) -> None:
    with broken(breakable.workdir, point.probe):
        tried = try_probes(point.probe.partition("_")[0])
    assert {name: state for name, (state, _) in tried.not_held.items()} == {point.probe: "differs"}, tried.not_held
    assert tried.leftovers == []
