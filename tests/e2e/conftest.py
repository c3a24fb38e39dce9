"""Applied lakes for the end-to-end tests: a few of them, each shared by several modules of tests.

A lake takes a minute to apply, nearly all of it waiting, so they are applied and used side by side: the tests
of a lake run on one worker, and each group of them has a factory of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from factory_lake.gateway.csr import make_csr
from factory_lake.gateway.identities import LANES
from harness.changes.dependencies import FACTORIES
from harness.lake import LocalLake, Provider
from harness.lake.local import build_packages
from tests.e2e.keys import make_keys
from tests.e2e.plant import Factory
from tests.support.factories import NO_ALARMS, VIDEO

# Functions are invoked every two seconds, and buffers hold what they made for as short as AWS allows.
_LIVELY: dict[str, Any] = {"delivery": {"buffer_seconds": 60, "transform_buffer": {"mb": 0.5, "seconds": 2}}}
_PATIENT = {"configuration": {"delivery": {"transform_retries": 30}}}
_ON_DEMAND = {lane: {"stream": {"on_demand": True}} for lane in LANES}
_MALMO = {
    "gateways": ["mill"],
    "cameras": {"tap": {"retention_hours": 1}},
    "video": VIDEO,
    # So that few messages and a short while are enough to provoke every alarm.
    "alarms": {
        "messages": {"min_records": 5, "transform_timeout_share": 0.0075},
        "video": {"silent_seconds": 600, "not_running_seconds": 300},
    },
}


def _factory(*gateways: str, **more: Any) -> dict[str, Any]:
    """A factory without alarms."""
    return {"gateways": list(gateways), **NO_ALARMS, **more}


@dataclass(frozen=True)
class Shared:
    """A lake that tests share.

    Attributes:
        modules: Names of the tests' modules, in the order in which they run.
        factories: What is applied. A reconciliation is of everything that a factory's gateways ever sent, so
            each group of tests has its own factory.
        has_keys: Whether keys of the customer's encrypt all of it.
        more_requests: Client IDs with a second request, `second.pem`.
    """

    modules: tuple[str, ...]
    factories: dict[str, Any] = field(default_factory=dict)
    has_keys: bool = False
    more_requests: tuple[str, ...] = ()


LAKES = {
    "messages": Shared(
        (
            "test_access",
            "test_documented_commands",
            "test_faults",
            "test_messages",
            "test_batches",
            "test_coverage",
            "test_outages",
            "test_connections",
            "test_redrive",
            "test_doctor",
        ),
        {
            "bergen": _factory("mill"),
            "genoa": _factory("crane", cameras={"gate": {}}),
            "krakow": _factory("line-1", "line-2", lanes=_ON_DEMAND, cameras={"press-1": {}}),
            # The pages' commands have it for themselves.
            "lodz": _factory("line-1", "line-2", cameras={"press-1": {}}),
            "oslo": _factory(
                "press", "dryer", "mixer", "saw", "lathe", lanes={"measurements": _LIVELY, "configuration": _LIVELY}
            ),
            "porto": _factory("kiln"),
            "riga": _factory("mill"),
            "turin": _factory("paint"),
            "vigo": _factory("line-1", "mill-1", "mill-2", cameras={"door": {}}),
        },
        has_keys=True,
    ),
    "video": Shared(
        ("test_alarms", "test_repeats", "test_soak", "test_video", "test_report", "test_canary"),
        {
            "genoa": _factory(
                "crane", cameras={"gate": {}}, video=VIDEO, lanes={"measurements": _LIVELY, "configuration": _LIVELY}
            ),
            "krakow": _factory("line-1", cameras={"press-1": {}}),
            "malmo": _MALMO,
            "sofia": _factory("line-1", cameras={"press-1": {}}),
        },
        has_keys=True,
    ),
    # What the table of changes is made of, and one factory more. It has no keys, as the demonstration's lake.
    # The last test leaves it with other factories.
    "changes": Shared(
        ("test_plans", "test_certificates", "test_changes"),
        {**FACTORIES, "nancy": _factory("cell", "spare", lanes=_PATIENT)},
        more_requests=("nancy-cell-measurements",),
    ),
}


# Before pytest-xdist reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs all tests of a lake, module by module."""
    here = [place for place, item in enumerate(items) if _is_here(item)]
    order = [module for shared in LAKES.values() for module in shared.modules]
    in_order = sorted((items[place] for place in here), key=lambda item: order.index(item.path.stem))
    for place, item in zip(here, in_order, strict=True):
        items[place] = item
        item.add_marker(pytest.mark.cloud)
        item.add_marker(pytest.mark.xdist_group(f"lake-{_lake_of(item.path.stem)}"))
        # The first test of a lake waits for its apply, beside other work.
        item.add_marker(pytest.mark.timeout(900), append=False)


def _is_here(item: pytest.Item) -> bool:
    return Path(__file__).parent in item.path.parents


def _lake_of(module: str) -> str:
    (name,) = [name for name, shared in LAKES.items() if module in shared.modules]
    return name


@dataclass
class Running:
    """A lake that runs, and its factories as the tests know them."""

    lake: LocalLake
    factories: dict[str, Factory] = field(default_factory=dict)
    provider: Provider | None = None

    def stop(self) -> None:
        """Stop the lake, and the provider that its Terraform commands use."""
        self.lake.stop()
        if self.provider is not None:
            self.provider.stop()


class Lakes:
    """The lakes of this process's tests: each begins with its first module and ends with its last."""

    def __init__(self, folders: pytest.TempPathFactory, items: list[pytest.Item]) -> None:
        self._folders = folders
        self._last = {_lake_of(item.path.stem): item.path.stem for item in items if _is_here(item)}
        self._running: dict[str, Running] = {}

    def of(self, module: str) -> Running:
        """The lake of a module's tests."""
        name = _lake_of(module)
        if name not in self._running:
            build_packages()
            lake = LocalLake.start(self._folders.mktemp(f"lake-{name}"))
            running = self._running[name] = Running(lake)
            running.provider = lake.terraform.start_provider()
            lake.terraform = lake.terraform.with_provider(running.provider)
            shared = LAKES[name]
            for client_id in shared.more_requests:
                make_csr(client_id, "second", lake.csr_dir, lake.key_dir)
            keys = make_keys(lake.cloud, "factory-lake-local") if shared.has_keys else {}
            lake.apply(shared.factories, kms_keys=keys)
        return self._running[name]

    def done_with(self, module: str) -> None:
        """Stop the module's lake if no other module needs it: an idle lake costs processor time too."""
        name = _lake_of(module)
        if self._last[name] == module:
            self._running.pop(name).stop()

    def stop(self) -> None:
        """Stop those that are left."""
        for running in self._running.values():
            running.stop()


@pytest.fixture(scope="session")
def lakes(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Lakes]:
    """The lakes of this worker."""
    known = Lakes(tmp_path_factory, request.session.items)
    try:
        yield known
    finally:
        known.stop()


@pytest.fixture(scope="module")
def running(lakes: Lakes, request: pytest.FixtureRequest) -> Iterator[Running]:
    """The running lake of the module's tests."""
    module = request.path.stem
    yield lakes.of(module)
    lakes.done_with(module)


@pytest.fixture(scope="module")
def lake(running: Running) -> LocalLake:
    """The lake of the module's tests."""
    return running.lake


@pytest.fixture(scope="module")
def factory(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Factory]:
    """Gives the factory of a name, the same one every time."""

    def get(name: str) -> Factory:
        if name not in running.factories:
            gateway = sorted(running.lake.variables["factories"][name]["gateways"])[0]
            journals = tmp_path_factory.mktemp(f"journals-{name}")
            running.factories[name] = Factory(running.lake, name, gateway, journals)
        return running.factories[name]

    return get
