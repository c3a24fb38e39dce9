"""Which tests share a worker, and with it a local cloud or a Terraform provider: idle ones cost time too.

Hypothesis sets no deadline in any test: other programs take their share of the machine's time.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

_REPOSITORY = Path(__file__).resolve().parent
# The oldest Python that the Lambda functions support, as a runtime for the local cloud's functions.
os.environ.setdefault("LOCALCLOUD_PYTHONS", str(_REPOSITORY / ".venv-oldest" / "bin" / "python"))

# Folders whose tests of the local cloud run one after the other; end-to-end tests see to themselves.
_TOGETHER = {
    "localcloud/tests/athena": "cloud-1",
    "localcloud/tests/kinesisvideo": "cloud-1",
    "tests/localstack": "cloud-1",
    "tests/terraform": "cloud-1",
    "tests/unit": "cloud-2",
    "localcloud": "cloud-2",
}


# Before pytest-xdist reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests of the local cloud, and those that only plan."""
    for item in items:
        if item.get_closest_marker("cloud") is not None:
            folder = item.path.parent.relative_to(_REPOSITORY).as_posix()
            group = next((group for name, group in _TOGETHER.items() if folder.startswith(name)), None)
            if group is not None:
                item.add_marker(pytest.mark.xdist_group(group))
        elif item.get_closest_marker("terraform") is not None:
            item.add_marker(pytest.mark.xdist_group("terraform"))


@pytest.fixture(autouse=True)
def _of_no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say nothing of a terminal: a worker of pytest-xdist gets the width of its starter's."""
    monkeypatch.delenv("COLUMNS", raising=False)
