"""The report page of a lake that took messages, refused some and archived footage, read in a browser."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from factory_lake.cli import main
from factory_lake.coverage import refusals
from factory_lake.redrive.lines import ErrorObject, list_objects
from harness.camera.archiver import run_archiver
from harness.camera.journal import Journal
from harness.camera.reconciliation import clip_keys
from harness.lake import LocalLake
from tests.e2e.plant import FLUSH_SECONDS, PATIENCE, Factory, film, rows, sample, wait_until
from tests.support.browser import log, open_page, requests, window

FACTORY, CAMERA = "sofia", "press-1"
_PLAYS = "const v = document.querySelector('video'); return v !== null && v.readyState >= 2 && v.duration > 0"


def _connections(lake: LocalLake) -> int:
    """Events of the factory's connections that are in their table, once it has those that came."""
    lake.cloud.flush([lake.outputs["connections"][FACTORY]["delivery_stream"]], FLUSH_SECONDS)
    ((count,),) = rows(lake, f"SELECT count(*) FROM connections WHERE factory = '{FACTORY}'")  # noqa: S608 - ours
    return int(count)


@pytest.fixture(scope="module")
def since(lake: LocalLake, factory: Callable[[str], Factory], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Samples, bad messages and footage of the last minutes; when they begin, as an option."""
    begun = datetime.fromtimestamp(time.time() - 6000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    plant = factory(FACTORY)
    good = sample()
    plant.send([good, good, sample(), b"not JSON", json.dumps({**json.loads(sample()), "value": [1]}).encode()])
    plant.send([b'{"speed":3}'], "configuration")
    plant.deliver()
    wait_until(lambda: _connections(lake) > 0, every=0.5)
    video = lake.outputs["video"][FACTORY]
    journal = Journal(tmp_path_factory.mktemp("report") / "cameras.jsonl")
    film(lake.cloud, video["streams"][CAMERA], journal, 20, ago=5400)
    run_archiver(lake.cloud, video["clip_function"])
    s3, bucket = lake.cloud.client("s3"), lake.outputs["buckets"]["clips"]
    wait_until(lambda: bool(clip_keys(s3, bucket, f"factory={FACTORY}/camera={CAMERA}/")))
    return begun


@pytest.fixture(scope="module")
def driver() -> Iterator[Chrome]:
    with window() as opened:
        yield opened


def made(lake: LocalLake, out: Path, since: str, *more: str) -> Path:
    """The page that the command writes."""
    code = main(
        ["report", "--lake", str(lake.describe()), "--out", str(out), "--factory", FACTORY, "--from", since, *more]
    )
    # Whether something is unexplained is the coverage's matter.
    assert code in (0, 1)
    return out / f"{FACTORY}.html"


def section(driver: Chrome, anchor: str) -> str:
    return driver.find_element(By.XPATH, f"//section[h2[@id='{anchor}']]").text


def play(driver: Chrome) -> None:
    """Go to the camera's footage by keys, which plays its clip."""
    strip = driver.find_element(By.CSS_SELECTOR, f"svg.strip[aria-label^='{CAMERA},']")
    strip.send_keys(Keys.HOME)
    for _ in range(int(strip.get_attribute("aria-valuemax") or 0)):
        if driver.find_elements(By.TAG_NAME, "video"):
            break
        strip.send_keys(Keys.ARROW_RIGHT)
    WebDriverWait(driver, PATIENCE).until(lambda _: driver.execute_script(_PLAYS))


def test_the_page_says_what_arrived_and_plays_clips_by_links(
    lake: LocalLake, since: str, driver: Chrome, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = made(lake, tmp_path, since)
    assert str(page) in capsys.readouterr().out
    open_page(driver, page)
    assert requests(driver) == []
    for anchor, said in {
        "gateways": "line-1/measurements",
        "tags": "line-1/press/tag-",
        "cameras": f"{CAMERA}\n",
        "arrived": "measurements: samples a day",
        "refused": f"factory-lake redrive errors --factory {FACTORY} --lane measurements --type processing-failed",
        "late": "1 row repeats what another row says",
        "connections": "times CLIENT_INITIATED_DISCONNECT",
        "cost": "A month at this pace costs",
    }.items():
        assert said in section(driver, anchor), anchor
    refused = section(driver, "refused")
    assert "NOT_A_SCALAR" in refused
    assert "s3://" in refused
    play(driver)
    bucket = lake.outputs["buckets"]["clips"]
    assert [url for url in requests(driver) if bucket not in url] == []
    assert log(driver, "browser") == []


def test_the_objects_of_errors_are_listed_once_a_lane(
    lake: LocalLake, since: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []

    def counted(s3: Any, bucket: str, factory: str, lane: Any) -> Iterator[ErrorObject]:
        listed.append(f"{factory}/{lane}")
        return list_objects(s3, bucket, factory, lane)

    monkeypatch.setattr(refusals, "list_objects", counted)
    page = made(lake, tmp_path, since)
    assert "NOT_A_SCALAR" in page.read_text(encoding="utf-8")
    assert sorted(listed) == [f"{FACTORY}/configuration", f"{FACTORY}/measurements"]


def test_embedded_clips_play_without_a_network(lake: LocalLake, since: str, driver: Chrome, tmp_path: Path) -> None:
    open_page(driver, made(lake, tmp_path, since, "--embed"))
    play(driver)
    assert requests(driver) == []
    assert log(driver, "browser") == []


def test_an_unknown_factory_ends_in_one_line(
    lake: LocalLake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["report", "--lake", str(lake.describe()), "--out", str(tmp_path / "none"), "--factory", "oslo"]
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("error: --factory must be one of")
    assert not (tmp_path / "none").exists()
