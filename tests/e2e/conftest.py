"""Applied lakes for the end-to-end tests: a few of them, each shared by several modules of tests.

A lake takes a minute to apply, nearly all of it waiting, so they are applied and used side by side: the tests
of a lake run on one worker, and each group of them has a factory of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.keys import make_keys
from tests.e2e.plant import Factory
from tools.changes.surroundings import FACTORIES
from tools.lake import LocalLake
from tools.lake.local import build_packages

# One shard a stream: the delivery engine asks each shard every second, and a stream on demand has four.
ONE_SHARD: dict[str, Any] = {"stream": {"shards": 1}}
# Functions are at work every two seconds, and buffers hold what they made for as short as AWS allows.
LIVELY: dict[str, Any] = {
    **ONE_SHARD,
    "delivery": {"buffer_seconds": 60, "transform_buffer": {"mb": 0.5, "seconds": 2}},
}
_LANES = {"measurements": ONE_SHARD, "configuration": ONE_SHARD}
_VIDEO = {"clip_seconds": 30, "settle_seconds": 3, "quiet_seconds": 15, "schedule": "rate(1 minute)"}
_BERGEN = {"gateways": ["mill"], "lanes": _LANES}
_GENOA = {
    "gateways": ["crane"],
    "cameras": {"gate": {}},
    "lanes": {"measurements": LIVELY, "configuration": LIVELY},
    "video": _VIDEO,
}
_KRAKOW = {"gateways": ["line-1", "line-2"], "cameras": {"press-1": {}}}  # on demand
_LYON = {"gateways": ["press-shop"], "lanes": _LANES}
_MALMO = {
    "gateways": ["mill"],
    "cameras": {"tap": {"retention_hours": 1}},
    "lanes": _LANES,
    "video": _VIDEO,
    # So that few messages and a short while are enough to provoke every alarm.
    "alarms": {
        "messages": {"least_records": 5, "transform_timeout_share": 0.0075},
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
            "porto": {"gateways": ["kiln"], "lanes": _LANES},
            "turin": {"gateways": ["paint"], "lanes": _LANES},
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
        ("test_changes",),
        {"krakow": _KRAKOW, "lyon": _LYON, "nancy": {"gateways": ["cell"], "lanes": _LANES}},
    ),
    # What the table of changes is made of.
    "plans": Shared(("test_plans",), FACTORIES),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs all tests of a lake."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cloud)
            item.add_marker(pytest.mark.xdist_group(f"lake-{_lake_of(item.path.stem)}"))
            # The first test of a lake waits for its apply, beside other work.
            item.add_marker(pytest.mark.timeout(900), append=False)


def _lake_of(module: str) -> str:
    (name,) = [name for name, shared in LAKES.items() if module in shared.modules]
    return name


@dataclass
class Running:
    """A lake that runs, and its factories as the tests know them."""

    lake: LocalLake
    factories: dict[str, Factory] = field(default_factory=dict)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Running]]:
    """Gives the running lake of a module's tests; it runs until the session ends."""
    known: dict[str, Running] = {}
    with ExitStack() as stack:

        def get(module: str) -> Running:
            name = _lake_of(module)
            if name not in known:
                build_packages()
                lake = stack.enter_context(LocalLake.start(tmp_path_factory.mktemp(f"lake-{name}")))
                shared = LAKES[name]
                keys = {"kms_keys": make_keys(lake.cloud, "factory-lake-local")} if shared.has_keys else {}
                lake.apply(shared.factories, **keys)
                known[name] = Running(lake)
            return known[name]

        yield get


@pytest.fixture(scope="module")
def lake(running: Callable[[str], Running], request: pytest.FixtureRequest) -> LocalLake:
    """The lake of the module's tests."""
    return running(request.path.stem).lake


@pytest.fixture(scope="module")
def factory(
    running: Callable[[str], Running],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], Factory]:
    """Gives the factory of a name, the same one every time."""
    mine = running(request.path.stem)

    def get(name: str) -> Factory:
        if name not in mine.factories:
            gateway = sorted(mine.lake.variables["factories"][name]["gateways"])[0]
            journals = tmp_path_factory.mktemp(f"journals-{name}")
            mine.factories[name] = Factory(mine.lake, name, gateway, journals)
        return mine.factories[name]

    return get
