"""The page in a real browser: what it draws and says, that it needs no network, that everybody can read it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from factory_lake.coverage.model import STATES
from factory_lake.options import parse_moment_ms
from factory_lake.report.facts import Clip
from factory_lake.report.page import render
from tests.support.browser import axe, log, open_page, requests, window
from tests.unit.factory_lake.report import samples
from tests.unit.factory_lake.report.test_page import HOSTILE

_VIOLATIONS = """
const answer = arguments[0];
axe.run(document, {resultTypes: ["violations"]}).then(
  (found) => answer(found.violations.map(({id, impact, nodes}) => [id, impact, nodes.map((node) => node.html)])),
  (error) => answer([["axe", "critical", [String(error)]]]),
);
"""


@pytest.fixture(scope="module")
def driver() -> Iterator[Chrome]:
    with window() as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "krakow.html"
    file.write_text(render(samples.coverage(), samples.facts()), encoding="utf-8")
    return file


def strip_of(driver: Chrome, name: str) -> WebElement:
    return driver.find_element(By.CSS_SELECTOR, f"svg.strip[aria-label^='{name},']")


def hour(strip: WebElement, at: float) -> int:
    """How far right of a strip's middle an hour of the range is, in pixels."""
    width: float = strip.rect["width"]
    return round(width * (at / 168 - 0.5))


def panel(driver: Chrome) -> str:
    return driver.find_element(By.ID, "panel").text


def test_every_strip_is_drawn_and_nothing_is_asked_of_a_network(driver: Chrome, page: Path) -> None:
    open_page(driver, page)
    coverage = samples.coverage()
    labels = [each.get_attribute("aria-label") or "" for each in driver.find_elements(By.CSS_SELECTOR, "svg.strip")]
    named = {timeline.subject.name for timeline in coverage.timelines}
    assert {label.split(",")[0] for label in labels} == named
    assert len(labels) == len(coverage.timelines)
    drawn = driver.execute_script(
        "return [...document.querySelectorAll('svg.strip path, svg.strip use')]"
        ".map((each) => each.getAttribute('class'))"
    )
    assert set(drawn) == {f"s-{state}" for state in STATES if state != "data"}
    shown = driver.execute_script(
        "return [...document.querySelectorAll('svg.strip')].filter((each) => each.checkVisibility())"
        ".every((each) => each.getBoundingClientRect().width > 400)"
    )
    assert shown
    assert log(driver, "browser") == []
    assert requests(driver) == []


def test_a_gap_of_twelve_minutes_in_a_week_can_be_seen(driver: Chrome, page: Path) -> None:
    open_page(driver, page)
    path = strip_of(driver, "line-1/Press 1/temperature").find_element(By.CSS_SELECTOR, ".s-unexplained")
    assert path.rect["width"] >= 1
    assert path.value_of_css_property("fill").startswith('url("#pattern-unexplained")')
    assert driver.execute_script("return document.querySelector('#pattern-unexplained') !== null")


@pytest.mark.parametrize("gap", [samples.OFFLINE, samples.UNEXPLAINED], ids=lambda gap: gap[2])
def test_a_click_shows_cause_and_evidence_of_the_moment(driver: Chrome, page: Path, gap: samples.Gap) -> None:
    open_page(driver, page)
    strip = strip_of(driver, "line-1/Press 1/temperature")
    begin, end, _, reason, cause, evidence = gap
    ActionChains(driver).move_to_element_with_offset(strip, hour(strip, (begin + end) / 2), 0).perform()
    title = strip.find_element(By.CSS_SELECTOR, "title").get_attribute("textContent") or ""
    ActionChains(driver).click().perform()
    for said in (title, panel(driver)):
        assert cause in said
        assert reason in said
        assert evidence[0] in said


def test_keys_move_along_a_strip_and_between_strips(driver: Chrome, page: Path) -> None:
    open_page(driver, page)
    strip = strip_of(driver, "line-1/Press 1/temperature")
    assert strip.get_attribute("tabindex") == "0"
    strip.send_keys(Keys.ARROW_RIGHT)
    assert samples.OFFLINE[4] in panel(driver)
    assert samples.OFFLINE[4] in (strip.get_attribute("aria-valuetext") or "")
    strip.send_keys(Keys.END)
    assert samples.WAITING[4] in panel(driver)
    strip.send_keys(Keys.ARROW_DOWN)
    below = driver.switch_to.active_element
    assert (below.get_attribute("aria-label") or "").startswith("line-1/Press 1/force,")
    # One strip of a section is a stop of the Tab key, so that none has to be passed a thousand times.
    assert [each.get_attribute("tabindex") for each in (strip, below)] == ["-1", "0"]
    below.send_keys(Keys.ESCAPE)
    assert panel(driver) == ""


def test_every_gap_is_in_a_table_as_well(driver: Chrome, page: Path) -> None:
    open_page(driver, page)
    for details in driver.find_elements(By.CSS_SELECTOR, "details.all"):
        kind = details.get_attribute("data-kind")
        details.find_element(By.TAG_NAME, "summary").click()
        WebDriverWait(details, 30).until(lambda within: within.find_elements(By.TAG_NAME, "table"))
        rows = [row.text for row in details.find_elements(By.CSS_SELECTOR, "tbody tr")]
        gaps = [
            span
            for timeline in samples.coverage().timelines
            if timeline.subject.kind == kind
            for span in timeline.spans
            if span.state not in ("data", "late", "quiet", "waiting")
        ]
        assert len(rows) == len(gaps)
        assert all(any(gap.cause in row for row in rows) for gap in gaps)


def test_the_filter_leaves_tags_that_have_a_text(driver: Chrome, page: Path) -> None:
    open_page(driver, page)
    driver.find_element(By.ID, "filter").send_keys("AXIS 3")
    names = [each.text for each in driver.find_elements(By.CSS_SELECTOR, "#tags ~ .rows .name") if each.is_displayed()]
    assert names == ["line-1/Press 2/axis 3"]
    assert driver.find_element(By.CSS_SELECTOR, ".filter output").text == "1 of 16"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_no_grave_fault(driver: Chrome, page: Path, scheme: str, width: int) -> None:
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    try:
        open_page(driver, page, scheme)
        assert driver.execute_script("return matchMedia('(prefers-color-scheme: dark)').matches") == (scheme == "dark")
        # The page must not scroll sideways, on a phone neither.
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width
        for details in driver.find_elements(By.TAG_NAME, "details"):
            driver.execute_script("arguments[0].open = true", details)
        strip_of(driver, "line-1/Press 1/temperature").send_keys(Keys.ARROW_RIGHT)
        driver.execute_script(axe())
        found: list[Any] = driver.execute_async_script(_VIOLATIONS)
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert [each for each in found if each[1] in ("serious", "critical")] == []


def test_names_that_are_markup_stay_text(driver: Chrome, tmp_path: Path) -> None:
    gaps = [(10.0, 12.0, "unexplained", HOSTILE, HOSTILE, (HOSTILE,))]
    timelines = [samples.timeline(kind, HOSTILE, *gaps) for kind in ("gateway", "tag", "camera")]  # type: ignore[arg-type]
    file = tmp_path / "hostile.html"
    file.write_text(render(samples.coverage(*timelines), samples.facts()), encoding="utf-8")
    open_page(driver, file)
    strip = driver.find_element(By.CSS_SELECTOR, "svg.strip")
    ActionChains(driver).move_to_element_with_offset(strip, hour(strip, 11), 0).click().perform()
    assert HOSTILE in panel(driver)
    strip.send_keys(Keys.ESCAPE)
    driver.find_element(By.CSS_SELECTOR, "details.all summary").click()
    WebDriverWait(driver, 30).until(lambda _: driver.find_elements(By.CSS_SELECTOR, "details.all tbody td"))
    assert driver.execute_script("return window.wounded") is None
    assert driver.find_elements(By.CSS_SELECTOR, "img, iframe, main script") == []
    assert log(driver, "browser") == []


@pytest.mark.parametrize(
    ("name", "at", "words"),
    [
        ("press-1", 20, ["--camera", "krakow/press-1", "--clock", "arrival"]),
        ("line-1/measurements", 20, ["--factory", "krakow"]),
        (
            "line-1/Press 1/temperature",
            20,
            ["--factory", "krakow", "--device", "Press 1", "--tag", "temperature"],
        ),
    ],
)
def test_each_strip_gives_the_command_of_the_chosen_moment(
    driver: Chrome, page: Path, name: str, at: float, words: list[str]
) -> None:
    """One that the command's own parser takes, of the moment that was clicked; it can be copied."""
    open_page(driver, page)
    origin = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    driver.execute_cdp_cmd("Browser.grantPermissions", origin)
    strip = strip_of(driver, name)
    ActionChains(driver).move_to_element_with_offset(strip, hour(strip, at), 0).click().perform()
    moment = driver.find_element(By.ID, "moment")
    command = moment.find_element(By.CSS_SELECTOR, "code.command").text
    begun, lake, _, at_time, *more = _words_of(command)
    assert (begun, lake) == (["factory-lake", "moment", "--lake"], "environments/prod")
    width: float = strip.rect["width"]
    assert abs(parse_moment_ms(at_time) - samples.FROM_MS - at * samples.HOUR_MS) <= 168 * samples.HOUR_MS / width * 2
    assert more == words
    moment.find_element(By.TAG_NAME, "button").click()
    WebDriverWait(driver, 30).until(lambda _: "Copied" in moment.text)
    assert driver.execute_async_script("navigator.clipboard.readText().then(arguments[0], arguments[0])") == command
    assert requests(driver) == []


def _words_of(command: str) -> list[Any]:
    words = shlex.split(command)
    return [words[:3], *words[3:]]


def test_a_command_of_a_moment_is_one_that_a_shell_takes(driver: Chrome, tmp_path: Path) -> None:
    """Whatever a plant calls its things; keys choose a moment as well."""
    name = 'line-1/o\'ven $(x) `y`/t;emp "2"'
    file = tmp_path / "names.html"
    coverage = samples.coverage(samples.timeline("tag", name, samples.OFFLINE))
    file.write_text(render(replace(coverage, lake="my lakes/prod"), samples.facts()), encoding="utf-8")
    open_page(driver, file)
    driver.find_element(By.CSS_SELECTOR, "svg.strip").send_keys(Keys.ARROW_RIGHT)
    command = driver.find_element(By.CSS_SELECTOR, "#moment code").text
    assert shlex.split(command) == [
        *("factory-lake", "moment", "--lake", "my lakes/prod", "--at", "2026-03-03T06:15:00Z"),
        *("--factory", "krakow", "--device", "o'ven $(x) `y`", "--tag", 't;emp "2"'),
    ]


def test_a_click_on_a_camera_plays_the_clip_of_the_moment(driver: Chrome, tmp_path: Path) -> None:
    clips = [
        Clip(
            "press-1",
            samples.FROM_MS + 2 * samples.HOUR_MS,
            "factory=krakow/camera=press-1/one.mp4",
            "data:video/mp4;base64,",
        ),
        Clip("press-1", samples.FROM_MS + 4 * samples.HOUR_MS, "factory=krakow/camera=press-1/two.mp4", ""),
    ]
    file = tmp_path / "clips.html"
    file.write_text(render(samples.coverage(), samples.facts(*clips)), encoding="utf-8")
    open_page(driver, file)
    strip = strip_of(driver, "press-1")

    def click(at: float) -> str:
        ActionChains(driver).move_to_element_with_offset(strip, hour(strip, at), 0).click().perform()
        return panel(driver)

    assert "no clip of that moment" in click(1)
    # A clip without any bytes plays in no browser: the page says so, and which it is.
    click(3)
    WebDriverWait(driver, 30).until(lambda _: "does not play" in panel(driver))
    assert "one.mp4" in panel(driver)
    # The clip plays, and the command of the moment stands beside it.
    assert re.search(r"factory-lake moment --lake environments/prod --at 2026-03-02T0[23]:", panel(driver))
    said = click(5)
    assert "two.mp4" in said
    assert "factory-lake camera clips krakow/press-1 --from 2026-03-02T04:00:00Z" in said
    # Where there was no footage nothing is offered.
    assert ".mp4" not in click(13)
