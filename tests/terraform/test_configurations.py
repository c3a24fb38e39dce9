"""Every configuration is planned by its own tests, and installed as its lock file says."""

import re

import hcl2
import pytest

from tests.terraform.terraform_tree import LOCK_FILE, REPOSITORY, TerraformTree, configuration_folders

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(300)]


@pytest.mark.parametrize("folder", configuration_folders())
def test_configuration_passes_its_own_tests(tree: TerraformTree, folder: str) -> None:
    """`terraform test` of a folder without tests passes too, so the count is looked at as well."""
    tree.init(folder)
    printed = tree.run(folder, "test")
    counted = re.search(r"Success! (\d+) passed, 0 failed", printed)
    assert counted is not None, printed
    assert int(counted[1]) > 0, f"{folder} has no *.tftest.hcl"


@pytest.mark.parametrize("environment", ["local", "dev", "prod"])
def test_environment_pins_the_provider_for_every_platform(environment: str) -> None:
    """All lock files are one: the unpacked package's hash for mirrors, the zips' hashes for the registry."""
    lock = (REPOSITORY / "environments" / environment / LOCK_FILE.name).read_text(encoding="utf-8")
    assert lock == LOCK_FILE.read_text(encoding="utf-8")
    assert len(re.findall(r'"h1:', lock)) >= 1
    assert len(re.findall(r'"zh:', lock)) >= 10


@pytest.mark.parametrize("environment", ["local", "dev", "prod"])
def test_environment_has_all_outputs_of_the_lake(environment: str) -> None:
    """One output, so that none can be forgotten."""
    text = (REPOSITORY / "environments" / environment / "outputs.tf").read_text(encoding="utf-8")
    assert re.findall(r'^output "(\w+)" \{\n.*\n  value += (\S+)\n\}', text, re.MULTILINE) == [("lake", "module.lake")]


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_environment_on_aws_keeps_what_every_apply_must_be_told_alike(environment: str) -> None:
    """Terraform reads `*.auto.tfvars` by itself; what stands in none is forgotten by the next apply."""
    folder = REPOSITORY / "environments" / environment
    settings = hcl2.loads((folder / "settings.auto.tfvars").read_text(encoding="utf-8"))
    assert {"account_id", "region", "alarm_emails"} <= settings.keys()
    assert "allowed_account_ids = [var.account_id]" in (folder / "provider.tf").read_text(encoding="utf-8")


def test_no_page_gives_a_value_on_the_command_line() -> None:
    """An apply without it would take back what the one with it has made."""
    pages = [REPOSITORY / "README.md", *REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("*/*/README.md")]
    assert len(pages) > 10
    given = {
        f"{page.relative_to(REPOSITORY)}: {line.strip()}"
        for page in pages
        for line in page.read_text(encoding="utf-8").splitlines()
        if re.search(r"(?<![\w-])-var\b(?!-file)", line)
    }
    assert given == set()


def test_no_fixture_holds_a_private_key() -> None:
    """Requests are all that the repository needs; a PEM block that says it is a key holds none."""
    for file in REPOSITORY.glob("*/*/tests/testdata/**/*.pem"):
        # Some are what other tools write, of another encoding.
        text = file.read_text(encoding="utf-8", errors="replace").replace("\0", "")
        for label, body in re.findall(r"-----BEGIN (.*?)-----\n(.*?)-----END", text, re.DOTALL):
            assert "KEY" not in label or body == "(the place of a key; this one is none)\n", file
