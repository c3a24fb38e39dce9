"""One local cloud for the tests of the conformance kit, which can be broken in single points."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from factory_lake.clients import Clients
from factory_lake.conformance.catalog import chosen
from factory_lake.conformance.context import Context
from factory_lake.conformance.ledger import Ledger, Place
from factory_lake.conformance.run import delete_run, run_probes
from factory_lake.lake import open_lake
from harness.conformance import delivering_early
from harness.lake.local import LAMBDA_PYTHONS, describe
from localcloud import LocalCloud
from tests.conformance import breaks
from tests.conformance.tried import Tried

_THREADS = 24


@pytest.fixture(scope="session")
def breakable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A local cloud that delivers early and has every break of `breaks` in it."""
    workdir = tmp_path_factory.mktemp("breakable")
    with (
        LocalCloud.start(workdir, pythons=LAMBDA_PYTHONS, plugins=[breaks.__name__]) as cloud,
        delivering_early(cloud),
    ):
        describe(cloud, workdir, {})
        yield cloud


@pytest.fixture
def try_probes(breakable: LocalCloud, tmp_path: Path) -> Callable[..., Tried]:
    """Runs the probes of these names or families, in one lake's folder or another, and deletes what they made."""

    def run(*names: str, folder: Path = breakable.workdir, boundary: str | None = None) -> Tried:
        lake = open_lake(folder)
        ledger = Ledger.begin(tmp_path, secrets.token_hex(4), _place(breakable))
        context = Context(
            Clients(lake), ledger, "aws", local=lake.local, connections=_THREADS, seconds=240, boundary=boundary
        )
        try:
            outcomes = run_probes(context, chosen(names), _THREADS, tmp_path / "run.log", lambda *_: None)
        finally:
            left = delete_run(context, ledger, lambda *_: None)
            context.close()
        return Tried({one.probe.name: one for one in outcomes}, left)

    return run


def _place(cloud: LocalCloud) -> Place:
    return Place(cloud.region, cloud.account_id, cloud.endpoint)
