"""Says on which Pythons the packages ran."""

from __future__ import annotations

import pytest

from tests.unit.scripts.interpreters import VERSIONS, find


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the interpreters that the packages' tests found."""
    found = {version: find(version) for version in VERSIONS}
    ran = ", ".join(f"{version} ({path})" for version, path in found.items() if path)
    missing = ", ".join(version for version, path in found.items() if not path)
    terminalreporter.write_line(f"packages ran on Python {ran}; not on this machine: {missing or 'none'}")
