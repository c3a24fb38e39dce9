"""Without a browser a test is skipped, and says why; under CI it fails, so that nobody takes it for passed."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import browser
from tests.support import browser as support


@pytest.mark.parametrize(("value", "outcome"), [("true", "Failed"), ("", "Skipped")])
def test_a_browser_that_is_not_there(monkeypatch: pytest.MonkeyPatch, value: str, outcome: str) -> None:
    monkeypatch.setenv("CI", value)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BaseException, match="chromedriver is not on PATH") as ended, support.window():
        pass
    assert type(ended.value).__name__ == outcome


@pytest.mark.parametrize(("value", "outcome"), [("true", "Failed"), ("", "Skipped")])
def test_a_checker_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str, outcome: str
) -> None:
    monkeypatch.setenv("CI", value)
    monkeypatch.setattr(support, "AXE", tmp_path / "axe.min.js")
    with pytest.raises(BaseException, match="axe-core is not there") as ended:
        support.axe()
    assert type(ended.value).__name__ == outcome


def program(folder: Path, name: str, version: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{name} {version}'\n")
    file.chmod(0o755)


def test_the_browser_is_the_one_that_fits_the_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path, "chromedriver", "156.0.8078.108 (abc)")
    program(tmp_path, "chromium", "150.0.7871.100")
    with pytest.raises(browser.NoBrowserError, match="has the version of chromedriver, 156"):
        browser.find()
    program(tmp_path, "google-chrome", "156.0.8078.99")
    assert browser.find() == (str(tmp_path / "google-chrome"), str(tmp_path / "chromedriver"))
