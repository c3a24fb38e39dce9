"""A browser without a window: Chromium or Chrome, driven by selenium through the driver that is beside it."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DRIVER = "chromedriver"
_VERSION = re.compile(r"\b(\d+)\.\d+\.\d+")
# The first start on a busy machine takes long.
_SECONDS = 120


class NoBrowserError(Exception):
    """No browser is found whose driver is there too."""


def find() -> tuple[str, str]:
    """The programs of a browser and of its driver.

    Raises:
        NoBrowserError: When there are none, or none of the same version.
    """
    driver = shutil.which(DRIVER)
    if driver is None:
        raise NoBrowserError(f"{DRIVER} is not on PATH (on Debian: apt-get install chromium chromium-driver)")
    wanted = _major(driver)
    found = [path for name in NAMES if (path := shutil.which(name))]
    for path in found:
        if _major(path) == wanted:
            return path, driver
    raise NoBrowserError(f"none of {', '.join(NAMES)} on PATH has the version of {DRIVER}, {wanted}")


@contextmanager
def browser(width: int = 1280, height: int = 900) -> Iterator[Chrome]:
    """A browser with a profile of its own, which goes with the context.

    Raises:
        NoBrowserError: As `find` does.
    """
    program, driver = find()
    options = ChromeOptions()
    options.binary_location = program
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # Without what a browser asks the network for by itself; as root and in containers there is no sandbox to be had.
    for argument in (
        *("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
        *("--hide-scrollbars", "--force-color-profile=srgb", "--autoplay-policy=no-user-gesture-required"),
    ):
        options.add_argument(argument)
    with TemporaryDirectory(prefix="factory-lake-browser-", ignore_cleanup_errors=True) as profile:
        options.add_argument(f"--user-data-dir={profile}")
        made = Chrome(options=options, service=Service(driver))
        try:
            made.set_page_load_timeout(_SECONDS)
            made.set_script_timeout(_SECONDS)
            made.set_window_size(width, height)
            yield made
        finally:
            made.quit()


def _major(program: str) -> str:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=_SECONDS).stdout
    version = _VERSION.search(said)
    return version[1] if version else ""
