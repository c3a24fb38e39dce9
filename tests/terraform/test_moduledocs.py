"""Tables of inputs and outputs follow the modules."""

from pathlib import Path

import pytest

from factory_lake.module_interface import ModuleInterfaceError, read_interface
from scripts.moduledocs import BEGIN, END, pretty_type, readme, render, render_parts, updated

_MODULE = """
variable "size" {
  description = "How large | how \\"wide\\"."
  type        = number
  default     = 3
}

variable "name" {
  description = "Its name."
  type        = string
}

variable "parts" {
  description = <<-EOT
    Its parts.

    - `kind`: of a part.
  EOT
  type = map(object({
    kind  = optional(string, "flat")
    edges = optional(list(object({ length = number })), [])
  }))
  default  = {}
  nullable = false
}

output "total" {
  description = "The sum of it."
  value       = var.size
}

locals {
  ones = { for part in keys(var.parts) : part => 1 }
}
"""


_VERSIONS = """
terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}
"""

_MAIN = """
data "aws_region" "current" {}

module "part" {
  source = "../part"
}

resource "aws_s3_bucket" "parts" {
  bucket = "parts"
}

resource "terraform_data" "guard" {}
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A module in a repository of its own."""
    folder = tmp_path / "modules" / "thing"
    folder.mkdir(parents=True)
    (folder / "variables.tf").write_text(_MODULE)
    (folder / "versions.tf").write_text(_VERSIONS)
    (folder / "main.tf").write_text(_MAIN)
    (folder / "README.md").write_text(f"# thing\n\nWords.\n\n{BEGIN}\nold\n{END}\nMore words.\n")
    return folder


def test_renders_tables_and_the_types_of_objects(module: Path) -> None:
    """An object is a row, and a section with its attributes."""
    assert render(read_interface(module)).splitlines() == [
        "## Inputs",
        "",
        "| name | type | default | description |",
        "|---|---|---|---|",
        "| `name` | `string` | required | Its name. |",
        "| [`parts`](#parts) | `map(object)` | `{}` | Its parts. |",
        '| `size` | `number` | `3` | How large \\| how "wide". |',
        "",
        "### parts",
        "",
        "- `kind`: of a part.",
        "",
        "```hcl",
        "map(object({",
        '  kind = optional(string, "flat")',
        "  edges = optional(list(object({",
        "    length = number",
        "  })), [])",
        "}))",
        "```",
        "",
        "## Outputs",
        "",
        "| name | description |",
        "|---|---|",
        "| `total` | The sum of it. |",
    ]


def test_renders_what_a_module_requires_and_consists_of(module: Path) -> None:
    """With links to the provider's pages; built-in resources have none."""
    docs = "https://registry.terraform.io/providers/hashicorp/aws/latest/docs"
    assert render_parts(module).splitlines() == [
        "## Requirements",
        "",
        "| name | version |",
        "|---|---|",
        "| terraform | `>= 1.11` |",
        "| aws | `~> 5.100` |",
        "",
        "## Providers",
        "",
        "| name | source |",
        "|---|---|",
        "| aws | `hashicorp/aws` |",
        "",
        "## Modules",
        "",
        "| name | source |",
        "|---|---|",
        "| `part` | `../part` |",
        "",
        "## Resources",
        "",
        "| name | type |",
        "|---|---|",
        f"| [`aws_region.current`]({docs}/data-sources/region) | data source |",
        f"| [`aws_s3_bucket.parts`]({docs}/resources/s3_bucket) | resource |",
        "| `terraform_data.guard` | resource |",
    ]


def test_a_module_without_versions_is_refused(module: Path) -> None:
    (module / "versions.tf").unlink()
    with pytest.raises(ModuleInterfaceError, match=r"versions\.tf does not exist"):
        render_parts(module)


def test_an_empty_default_stays_on_its_line() -> None:
    """`optional(object(...), {})` ends with an object that has no attributes."""
    assert pretty_type("object({a = optional(object({b = number}), {})})").splitlines() == [
        "object({",
        "  a = optional(object({",
        "    b = number",
        "  }), {})",
        "})",
    ]


def test_a_readme_follows_its_module_and_keeps_its_other_words(module: Path) -> None:
    text = readme(module)
    assert text.startswith("# thing\n\nWords.\n\n")
    assert text.endswith(f"{END}\nMore words.\n")
    assert "| `total` | The sum of it. |" in text
    assert "old" not in text
    (module / "variables.tf").write_text(_MODULE.replace("default     = 3", "default     = 4"))
    assert readme(module) == text.replace("| `size` | `number` | `3` |", "| `size` | `number` | `4` |") != text


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('variable "a" {\n  description = "A."\n}', 'variable "a" must have a type'),
        ('variable "a" {\n  type = string\n}', 'variable "a" must have a description'),
        ('output "a" {\n  value = 1\n}', 'output "a" must have a description'),
    ],
)
def test_refuses_what_has_no_type_or_description(tmp_path: Path, source: str, message: str) -> None:
    """A table with holes helps nobody."""
    (tmp_path / "main.tf").write_text(source + "\n")
    with pytest.raises(ModuleInterfaceError, match=message):
        read_interface(tmp_path)


def test_refuses_a_readme_without_marks(tmp_path: Path) -> None:
    """Or none at all: the message names the file."""
    readme = tmp_path / "README.md"
    with pytest.raises(ModuleInterfaceError, match=r"README\.md does not exist"):
        updated(readme, "x")
    readme.write_text("# no marks\n")
    with pytest.raises(ModuleInterfaceError, match="must hold these two lines once each"):
        updated(readme, "x")
