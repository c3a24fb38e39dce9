"""The browser that pages are shown in, for tests: absent, a test says so, and under CI it fails."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from selenium.webdriver import Chrome

from factory_lake.module_interface import REPOSITORY
from harness.browser import NoBrowserError, browser

#: axe-core's script, as scripts/install_axe.sh leaves it.
AXE = REPOSITORY / ".tools" / "axe" / "axe.min.js"
_READY = """
const answer = arguments[0];
const look = () => document.documentElement.dataset.ready ? answer(true) : setTimeout(look, 20);
look();
"""


def absent(why: str) -> NoReturn:
    """Skip the test, or fail it where it must run."""
    if os.environ.get("CI"):
        pytest.fail(f"{why}; under CI it must be there (.ci/run installs it)")
    pytest.skip(why)


@contextmanager
def window() -> Iterator[Chrome]:
    """A browser, or the end of the test that asks for one where there is none."""
    try:
        with browser() as driver:
            yield driver
    except NoBrowserError as error:
        absent(str(error))


def axe() -> str:
    """axe-core's script, or the end of the test."""
    if not AXE.is_file():
        absent("axe-core is not there: scripts/install_axe.sh fetches it from npm")
    return AXE.read_text(encoding="utf-8")


def open_page(driver: Chrome, page: Path, scheme: str = "light") -> None:
    """Show a page in one of the colour schemes, its script finished, and forget what was logged before."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    log(driver, "browser")
    log(driver, "performance")
    driver.get(page.as_uri())
    driver.execute_async_script(_READY)


def log(driver: Any, name: str) -> list[dict[str, Any]]:
    """What a log has had since it was read last."""
    entries: list[dict[str, Any]] = driver.get_log(name)
    return entries


def requests(driver: Chrome) -> list[str]:
    """The URLs that were asked for since the page was opened, beside the page's own file."""
    messages: list[dict[str, Any]] = [json.loads(entry["message"])["message"] for entry in log(driver, "performance")]
    urls = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith(("file:", "data:", "blob:"))]
