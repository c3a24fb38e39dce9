"""Applied lakes for the end-to-end tests: a few of them, each shared by several modules of tests.

A lake takes a minute to apply, nearly all of it waiting, so they are applied and used side by side: the tests
of a lake run on one worker, and each group of them has a factory of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hcl2
import pytest

from harness.changes.dependencies import FACTORIES
from harness.lake import LocalLake, Provider
from harness.lake.local import build_packages
from harness.lake.terraform import REPOSITORY
from tests.e2e.keys import make_keys
from tests.e2e.plant import Factory

# One shard a stream: the delivery engine asks each shard every second, and a stream on demand has four.
ONE_SHARD: dict[str, Any] = {"stream": {"shards": 1}}
# Functions are at work every two seconds, and buffers hold what they made for as short as AWS allows.
LIVELY: dict[str, Any] = {
    **ONE_SHARD,
    "delivery": {"buffer_seconds": 60, "transform_buffer": {"mb": 0.5, "seconds": 2}},
}
_LANES = {"measurements": ONE_SHARD, "configuration": ONE_SHARD}

_PATIENT = {**_LANES, "configuration": {**ONE_SHARD, "delivery": {"transform_retries": 30}}}


def _alarm_names(module: str) -> list[str]:
    """The alarms that a module has."""
    content = hcl2.loads((REPOSITORY / "modules" / module / "alarms.tf").read_text(encoding="utf-8"))
    return [name for local in content["locals"] for name in local.get("alarm_descriptions", ())]


# An alarm for each kind of trouble and lane is half of what a factory consists of. One factory's alarms are
# enough to prove them and that a second apply changes none.
_SILENT: dict[str, Any] = {
    "alarms": {
        "messages": {"disabled": _alarm_names("factory_pipeline")},
        "video": {"disabled": _alarm_names("video_archiver")},
    }
}
_VIDEO = {"clip_seconds": 30, "settle_seconds": 3, "quiet_seconds": 15, "schedule": "rate(1 minute)"}
_BERGEN = {"gateways": ["mill"], "lanes": _LANES, **_SILENT}
_GENOA = {
    "gateways": ["crane"],
    "cameras": {"gate": {}},
    "lanes": {"measurements": LIVELY, "configuration": LIVELY},
    "video": _VIDEO,
    **_SILENT,
}
_KRAKOW = {"gateways": ["line-1", "line-2"], "cameras": {"press-1": {}}}  # on demand
_LYON = {"gateways": ["press-shop"], "lanes": _LANES, **_SILENT}
_MALMO = {
    "gateways": ["mill"],
    "cameras": {"tap": {"retention_hours": 1}},
    "lanes": _LANES,
    "video": _VIDEO,
    # So that few messages and a short while are enough to provoke every alarm.
    "alarms": {
        "messages": {"min_records": 5, "transform_timeout_share": 0.0075},
        "video": {"silent_seconds": 600, "not_running_seconds": 300},
    },
}


@dataclass(frozen=True)
class Shared:
    """A lake that tests share.

    Attributes:
        modules: Names of the tests' modules.
        factories: What is applied. An account is of everything that a factory's gateways ever sent, so each
            group of tests has its own.
        has_keys: Whether keys of the customer's encrypt all of it.
    """

    modules: tuple[str, ...]
    factories: dict[str, Any] = field(default_factory=dict)
    has_keys: bool = False


LAKES = {
    "messages": Shared(
        ("test_access", "test_faults", "test_messages", "test_redrive"),
        {
            "bergen": _BERGEN,
            "genoa": _GENOA,
            "krakow": _KRAKOW,
            "lyon": _LYON,
            "porto": {"gateways": ["kiln"], "lanes": _LANES, **_SILENT},
            "turin": {"gateways": ["paint"], "lanes": _LANES, **_SILENT},
        },
        has_keys=True,
    ),
    "video": Shared(
        ("test_alarms", "test_repeats", "test_soak", "test_video"),
        {"genoa": _GENOA, "krakow": _KRAKOW, "malmo": _MALMO},
        has_keys=True,
    ),
    # Without keys, as the demonstration's.
    "changes": Shared(
        ("test_certificates", "test_changes"),
        {"krakow": _KRAKOW, "lyon": _LYON, "nancy": {"gateways": ["cell"], "lanes": _PATIENT, **_SILENT}},
    ),
    # What the table of changes is made of.
    "plans": Shared(("test_plans",), FACTORIES),
}


# Before pytest-xdist reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs all tests of a lake."""
    for item in items:
        if _is_here(item):
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
            keys = {"kms_keys": make_keys(lake.cloud, "factory-lake-local")} if shared.has_keys else {}
            lake.apply(shared.factories, **keys)
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
