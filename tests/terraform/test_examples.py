"""The examples can be planned as they are, once the gateways' requests and the packages are there."""

import shutil

import hcl2
import pytest

from tests.terraform.terraform_tree import MOCK_PROVIDER, REPOSITORY, TerraformTree

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(300)]

EXAMPLES = sorted(folder.name for folder in (REPOSITORY / "examples").iterdir())
_RUN = 'run "plan" {\n  command = plan\n}\n'


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_can_be_planned_and_says_what_it_shows(tree: TerraformTree, example: str) -> None:
    folder = tree.root / "examples" / example
    assert (folder / "README.md").read_text(encoding="utf-8").startswith(f"# {example}\n")
    requests = tree.root / "environments" / "prod" / "tests" / "testdata" / "csr"
    for factory, settings in _factories(example).items():
        for gateway in settings["gateways"]:
            source = f"{factory}-{gateway}".replace('"', "")
            for request in requests.glob(f"{source}-*"):
                shutil.copytree(request, folder / "csr" / request.name)
    packages = tree.root / "modules" / "lake" / "tests" / "testdata" / "packages"
    shutil.copytree(packages, tree.root / "build" / "packages", dirs_exist_ok=True)
    (folder / "plan.tftest.hcl").write_text(MOCK_PROVIDER + _RUN, encoding="utf-8")
    tree.init(f"examples/{example}")
    assert "1 passed, 0 failed" in tree.run(f"examples/{example}", "test")


def _factories(example: str) -> dict[str, dict[str, list[str]]]:
    """The factories of an example, in the parser's quotes."""
    (module,) = hcl2.loads((REPOSITORY / "examples" / example / "main.tf").read_text(encoding="utf-8"))["module"]
    factories: dict[str, dict[str, list[str]]] = module['"lake"']["factories"]
    return factories
