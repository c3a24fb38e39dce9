"""Fixtures of the Terraform tests."""

from collections.abc import Iterator

import pytest

from tests.terraform.terraform_tree import TerraformTree, served


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TerraformTree]:
    """One copy of the sources per test process."""
    with served(tmp_path_factory.mktemp("terraform")) as tree:
        yield tree
