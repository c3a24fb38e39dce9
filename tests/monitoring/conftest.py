"""One plan for all tests of alarms and dashboards."""

from typing import Any

import pytest

from tests.monitoring.planned import plan_lake
from tests.terraform.terraform_tree import TerraformTree


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Resources of the lake that planned.py describes, as a plan with the mocked provider has them."""
    return plan_lake(TerraformTree.copy_to(tmp_path_factory.mktemp("monitoring")))
