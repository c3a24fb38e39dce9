"""One plan for all tests of alarms and dashboards."""

from typing import Any

import pytest

from tests.terraform.monitoring.planned import plan_lake
from tests.terraform.terraform_tree import served


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Resources of the lake that planned.py describes, as a plan with the mocked provider has them."""
    with served(tmp_path_factory.mktemp("monitoring")) as tree:
        return plan_lake(tree)
