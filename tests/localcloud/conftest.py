"""A local cloud for the tests of the local cloud itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.localcloud import LocalCloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """One running cloud for a test session; tests make resources of their own names in it."""
    workdir: Path = tmp_path_factory.mktemp("cloud")
    with LocalCloud.start(workdir) as running:
        yield running
