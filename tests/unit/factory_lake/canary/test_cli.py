"""Whom `factory-lake canary` goes as, by options and by what the lake has; and what it says of that."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from factory_lake.canary.cli import _plan, _shown, _summary
from factory_lake.canary.model import Report, Step
from factory_lake.cli import main
from factory_lake.errors import OptionError
from factory_lake.lake import Lake, Outputs

_LANES: Mapping[str, Any] = {"measurements": {}, "configuration": {}}


def lake(cameras: Mapping[str, tuple[str, ...]], **gateways: tuple[str, ...]) -> Lake:
    """A lake with these gateways and cameras, by factory."""
    outputs = {
        "gateways": {factory: dict.fromkeys(names, _LANES) for factory, names in gateways.items()},
        "video": {factory: {"streams": {one: f"s-{one}" for one in names}} for factory, names in cameras.items()},
    }
    return Lake("it", Outputs(copy.deepcopy(outputs), "it"))


def test_a_factory_of_its_own_needs_no_option() -> None:
    plan = _plan(lake({"canary": ("canary",)}, canary=("bird",), krakow=("line-1",)), None, None, None, None)
    assert (plan.factory, plan.gateway, plan.camera) == ("canary", "bird", "canary")


def test_a_gateway_of_its_own_in_another_factory_is_found() -> None:
    plan = _plan(lake({"krakow": ("press-1",)}, krakow=("canary", "line-1")), "krakow", None, None, 5)
    assert (plan.factory, plan.gateway, plan.camera, plan.wait_seconds) == ("krakow", "canary", None, 5)
    assert plan.without_camera == "no --camera is given, and krakow has no camera canary"


def test_a_gateway_and_a_camera_that_are_named_are_taken() -> None:
    plan = _plan(
        lake({"krakow": ("canary", "press-1")}, krakow=("canary", "line-1")), "krakow", "line-1", "press-1", None
    )
    assert (plan.gateway, plan.camera) == ("line-1", "press-1")


def test_a_factory_without_cameras_films_nothing() -> None:
    plan = _plan(lake({}, krakow=("canary",)), "krakow", None, None, None)
    assert (plan.camera, plan.without_camera) == (None, "krakow has no cameras")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((None, None, None), "--factory must be given, since the lake has no factory canary; it has krakow"),
        (("lyon", None, None), "--factory must be one of krakow, got 'lyon'"),
        # A gateway in service is never taken by itself: the canary would end its connection.
        (("krakow", None, None), "--gateway must be given, since krakow has no gateway canary; it has line-1"),
        (("krakow", "line-9", None), "--gateway must be one of line-1, got 'line-9'"),
        (("krakow", "line-1", "oven"), "--camera must be one of press-1, got 'oven'"),
    ],
)
def test_what_the_lake_does_not_have_is_named(options: tuple[str | None, ...], message: str) -> None:
    factory, gateway, camera = options
    with pytest.raises(OptionError) as caught:
        _plan(lake({"krakow": ("press-1",)}, krakow=("line-1",)), factory, gateway, camera, None)
    assert str(caught.value) == message


def test_the_key_of_the_gateway_alone_has_to_be_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    identities = {
        factory: {
            "canary": {
                lane: {
                    "client_id": f"{factory}-canary-{lane}",
                    "topic": f"factories/{factory}/canary/{lane}",
                    "certificate_pems": {"2026-03-04.pem": "none"},
                }
                for lane in _LANES
            }
        }
        for factory in ("krakow", "lyon")
    }
    outputs = {"gateways": identities, "video": {}, "iot_endpoint": "nowhere.invalid"}
    (tmp_path / "outputs.json").write_text(json.dumps(outputs))
    words = ["canary", "--lake", str(tmp_path / "outputs.json"), "--factory", "lyon"]
    assert main(words) == 2
    assert capsys.readouterr().err == "error: --key-dir must be given for a lake on AWS\n"
    assert main([*words, "--key-dir", str(tmp_path)]) == 2
    assert "lyon-canary-measurements must hold the key of one of" in capsys.readouterr().err


def test_in_a_pipe_each_step_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with _shown() as told:
        told("clip: waits for 300 s at most (a clip's length)")
        told(Step("clip", "failed", 300.04, "no clip has what was filmed"))
        told(Step("rejected", "done", 70, "lies under errors/", "s3://b/k"))
    assert capsys.readouterr().err.splitlines() == [
        "clip: waits for 300 s at most (a clip's length)",
        "clip: failed after 300.0 s, no clip has what was filmed",
        "rejected: done after 70.0 s, lies under errors/ s3://b/k",
    ]


def test_the_last_line_names_what_failed_and_what_was_not_tried() -> None:
    def report(**results: Any) -> Report:
        steps = [Step(name, result, 1.0, "") for name, result in results.items()]
        return Report("krakow", "canary", None, "token", steps)

    assert _summary(report(publish="done", clip="skipped")) == "everything arrived for krakow/canary; not tried: clip"
    assert _summary(report(publish="done", clip="done")) == "everything arrived for krakow/canary"
    failed = report(publish="done", measurements="failed", alarms="failed", clip="skipped")
    assert _summary(failed) == "failed for krakow/canary: measurements, alarms"
    assert failed.to_json()["failed"] == ["measurements", "alarms"]
