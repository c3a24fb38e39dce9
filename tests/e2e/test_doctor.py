"""The doctor names what was broken, and nothing where all is well: judged by what the injector did."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from factory_lake.gateway.identities import Source
from harness.lake import LocalLake
from tests.e2e import gateway_faults as faults
from tests.e2e.gateway_faults import Device, Fault, Site
from tests.e2e.plant import FLUSH_SECONDS, wait_until
from tests.support.local_lake import describe

FACTORY = "oslo"
_HOUR = 3600
#: So long does the doctor listen: to devices whose attempts tell, until it has heard enough, or hardly at all.
_LISTENS, _HARDLY = 20, 1
_TELLING = {"certificate_of_another", "connected_twice", "last_will", "retained", "wrong_topic", "subscribes"}
#: A clock shows in three of them; the first one may be a part of one.
_WHOLE_MINUTES = 4
#: Enough on a busy machine.
_SECONDS = 300

#: What is injected, at which gateway, which check names it, and a word of its sentence.
CASES = [
    pytest.param(faults.thing_deleted, "press", "client", "no thing", id="no such thing"),
    pytest.param(faults.certificate_inactive, "press", "certificate", "is inactive", id="certificate inactive"),
    pytest.param(faults.certificate_revoked, "press", "certificate", "is revoked", id="certificate revoked"),
    pytest.param(faults.certificate_expired, "press", "certificate", "has expired", id="certificate expired"),
    pytest.param(
        faults.certificate_of_another,
        "press",
        "certificate",
        "that of oslo-press-configuration",
        id="certificate of another client",
    ),
    pytest.param(faults.policy_detached, "press", "policy", "not attached", id="policy detached"),
    pytest.param(faults.policy_changed, "press", "policy", "does not allow iot:Publish", id="policy changed"),
    pytest.param(faults.connected_twice, "press", "duplicate", "127.0.0.2 and 127.0.0.3", id="connected twice"),
    pytest.param(faults.last_will, "press", "last-will", "last will", id="last will"),
    pytest.param(faults.retained, "press", "retain", "retain", id="retained publish"),
    pytest.param(faults.wrong_topic, "press", "topic", "another topic", id="wrong topic"),
    pytest.param(faults.subscribes, "press", "subscription", "subscribes", id="subscription"),
    pytest.param(faults.rule_disabled, "press", "rule", "is disabled", id="rule disabled"),
    pytest.param(faults.rule_denied, "press", "rule", "cannot hand", id="rule denied"),
    pytest.param(faults.stream_throttled, "press", "rule", "ProvisionedThroughput", id="stream throttled"),
    pytest.param(faults.transform_broken, "press", "delivery", "transform", id="transform broken"),
    # Nothing of it ever arrived, so that what the account's metrics count can be its.
    pytest.param(faults.wrong_topic_of_mqtt_5, "saw", "topic", "Most likely", id="wrong topic, MQTT 5"),
    pytest.param(faults.wrong_client_id, "saw", "client-id", "Most likely", id="wrong client ID"),
    pytest.param(faults.switched_off, "saw", "connection", "not connected", id="switched off"),
    # What was refused stays in the log for its hour, so each has its gateway.
    pytest.param(faults.clock_ahead, "dryer", "clock", "TIMESTAMP_TOO_FAR_AHEAD", id="clock ahead"),
    pytest.param(faults.not_json, "mixer", "refused", "NOT_JSON", id="not JSON"),
]


@pytest.fixture(scope="module")
def folder(lake: LocalLake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake as `--lake` takes it."""
    return describe(lake.cloud, tmp_path_factory.mktemp("doctor") / "lake", lake.outputs, lake.key_dir)


@pytest.fixture
def site(lake: LocalLake, tmp_path: Path, request: pytest.FixtureRequest) -> Site:
    """A gateway's lane, before which nothing went wrong."""
    gateway = getattr(request, "param", "press")
    found = Site(lake, Source(FACTORY, gateway, "measurements"), tmp_path)
    resources = ["MQTT", FACTORY, found.rule, lake.outputs["transform_functions"][FACTORY]["measurements"]]
    lake.cloud.control("POST", "metrics/age", {"resources": resources, "seconds": 2 * _HOUR})
    return found


@pytest.fixture(scope="module", autouse=True)
def behind(lake: LocalLake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Device]]:
    """A gateway whose clock is two hours behind all the while: that shows after minutes."""
    site = Site(lake, Source(FACTORY, "lathe", "measurements"), tmp_path_factory.mktemp("behind"))
    with faults.clock_behind(site) as device:
        yield site, device


def examine(site: Site, folder: Path, watch: int = _HARDLY) -> tuple[int, dict[str, Any]]:
    """Run the command as its user does: exit code and diagnosis."""
    command = [
        *(sys.executable, "-m", "factory_lake.cli", "doctor", "gateway", site.source.gateway),
        *("--factory", FACTORY, "--lane", site.source.lane, "--watch", str(watch)),
        *("--format", "json", "--lake", str(folder)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    assert done.stderr == ""
    (diagnosis,) = json.loads(done.stdout)
    return done.returncode, diagnosis


def _deliver(lake: LocalLake) -> None:
    lake.cloud.flush([lake.outputs["delivery_streams"][FACTORY]["measurements"]], FLUSH_SECONDS)


def test_nothing_is_named_where_all_is_well(lake: LocalLake, site: Site, folder: Path) -> None:
    with site.device() as device:
        wait_until(lambda: device.acknowledged > 2)
        _deliver(lake)
        code, diagnosis = examine(site, folder)
    assert diagnosis["causes"] == []
    assert code == 0
    told = {one["check"]: one["verdict"] for one in diagnosis["findings"]}
    assert {name for name, verdict in told.items() if verdict != "ok"} <= {"session"}
    assert any("was received at" in fact for fact in diagnosis["facts"])


@pytest.mark.parametrize(("fault", "site", "check", "words"), CASES, indirect=["site"])
def test_a_fault_is_named(fault: Fault, site: Site, check: str, words: str, lake: LocalLake, folder: Path) -> None:
    with fault(site):
        wait_until(site.has_tried)
        if site.source.gateway in ("dryer", "mixer"):
            _deliver(lake)
        code, diagnosis = examine(site, folder, _LISTENS if fault.__name__ in _TELLING else _HARDLY)
    assert diagnosis["causes"] == [check], diagnosis
    (found,) = [one for one in diagnosis["findings"] if one["check"] == check]
    assert words in found["sentence"]
    assert found["evidence"]
    assert found["mend"].startswith("docs/gateways.md#")
    assert code == 1


def test_a_clock_that_is_off_by_less_than_is_refused(
    lake: LocalLake, behind: tuple[Site, Device], folder: Path
) -> None:
    site, device = behind
    wait_until(lambda: len(device.minutes) > _WHOLE_MINUTES, seconds=_SECONDS, every=1)
    _deliver(lake)
    code, diagnosis = examine(site, folder)
    assert (code, diagnosis["causes"]) == (1, ["clock"]), diagnosis
    (found,) = [one for one in diagnosis["findings"] if one["check"] == "clock"]
    assert "2 h behind" in found["sentence"]


def test_what_was_mended_is_not_named(lake: LocalLake, site: Site, folder: Path) -> None:
    """Every fault was undone: the gateway is as healthy as before."""
    with site.device() as device:
        wait_until(lambda: device.acknowledged > 2)
        _deliver(lake)
        code, diagnosis = examine(site, folder)
    assert (code, diagnosis["causes"]) == (0, [])
