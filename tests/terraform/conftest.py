"""Fixtures of the Terraform tests."""

import pytest

from tests.terraform.terraform_tree import TerraformTree


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> TerraformTree:
    """One copy of the sources per test process."""
    return TerraformTree.copy_to(tmp_path_factory.mktemp("terraform"))
