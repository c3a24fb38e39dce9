"""One applied lake for all end-to-end tests; each group of tests has a factory of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.keys import make_keys
from tests.e2e.plant import Factory
from tools.lake import LocalLake
from tools.lake.local import build_packages

# Functions are at work every two seconds, and buffers hold what they made for as short as AWS allows.
LIVELY: dict[str, Any] = {
    "delivery": {"buffer_seconds": 60, "transform_buffer": {"mb": 0.5, "seconds": 2}},
}
# One factory a group of tests: an account is of everything that a factory's gateways ever sent.
FACTORIES: dict[str, Any] = {
    "bergen": {"gateways": ["mill"]},
    "genoa": {
        "gateways": ["crane"],
        "cameras": {"gate": {}},
        "lanes": {"measurements": LIVELY, "configuration": LIVELY},
        "video": {
            "clip_seconds": 30,
            "settle_seconds": 3,
            "quiet_seconds": 15,
            "schedule": "rate(1 minute)",
        },
    },
    "krakow": {"gateways": ["line-1", "line-2"], "cameras": {"press-1": {}}},
    "lyon": {"gateways": ["press-shop"]},
    "nancy": {"gateways": ["cell"]},
    "malmo": {
        "gateways": ["mill"],
        "cameras": {"tap": {"retention_hours": 1}},
        "video": {
            "clip_seconds": 30,
            "settle_seconds": 3,
            "quiet_seconds": 15,
            "schedule": "rate(1 minute)",
        },
        # So that few messages and a short while are enough to provoke every alarm.
        "alarms": {
            "messages": {"least_records": 5, "transform_timeout_share": 0.0075},
            "video": {"silent_seconds": 600, "not_running_seconds": 300},
        },
    },
    "porto": {"gateways": ["kiln"]},
    "turin": {"gateways": ["paint"]},
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these tests share one lake, so one worker runs them."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cloud)
            item.add_marker(pytest.mark.xdist_group("lake"))
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalLake]:
    """The running lake. Keys of the customer's encrypt all of it: the demonstration does without."""
    build_packages()
    with LocalLake.start(tmp_path_factory.mktemp("lake")) as running:
        running.apply(FACTORIES, kms_keys=make_keys(running.cloud, "factory-lake-local"))
        yield running


@pytest.fixture(scope="session")
def factory(lake: LocalLake, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Factory]:
    """Gives the factory of a name, the same one every time."""
    known: dict[str, Factory] = {}

    def get(name: str) -> Factory:
        if name not in known:
            gateway = sorted(lake.variables["factories"][name]["gateways"])[0]
            known[name] = Factory(lake, name, gateway, tmp_path_factory.mktemp(f"journals-{name}"))
        return known[name]

    return get
