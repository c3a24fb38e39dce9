"""What a version of the provider deprecates is found where it is used."""

import re
from pathlib import Path

import pytest

from scripts.deprecations import ROOT, complaints, deprecated_in, version_6

_LIST = {
    "resource": {"aws_bucket": {"acl": "use another", "rule.prefix": "use filter", "rule.old": "leave it out"}},
    "data": {"aws_region": {"name": "use region"}},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "main.tf"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('resource "aws_bucket" "lake" {\n  acl = "private"\n}\n', "aws_bucket.acl"),
        ('resource "aws_bucket" "lake" {\n  rule {\n    prefix = ""\n  }\n}\n', "aws_bucket.rule.prefix"),
        (
            'resource "aws_bucket" "lake" {\n  dynamic "rule" {\n    for_each = [1]\n    content {\n'
            "      old {\n        days = 1\n      }\n    }\n  }\n}\n",
            "aws_bucket.rule.old",
        ),
        ('locals {\n  region = "${data.aws_region.current.name}-1"\n}\n', "data.aws_region.name"),
        ('output "acl" {\n  value = aws_bucket.lake["clips"].acl\n}\n', "aws_bucket.acl"),
        ("locals {\n  acls = [for key in [1] : aws_bucket.lake[key].acl]\n}\n", "aws_bucket.acl"),
    ],
)
def test_a_use_is_found(file: Path, text: str, path: str) -> None:
    file.write_text(text)
    found = complaints([file], {}, _LIST)
    assert [line.split(" is deprecated: ")[0] for line in found] == [f"{file}: {path}"]


@pytest.mark.parametrize(
    "text",
    [
        'resource "aws_bucket" "lake" {\n  bucket = "acl"\n  rule {\n    filter {\n      prefix = ""\n    }\n  }\n}\n',
        'resource "aws_other" "lake" {\n  acl = "private"\n}\n',
        "locals {\n"
        '  region = coalesce(lookup(data.aws_region.current, "region", null),'
        ' lookup(data.aws_region.current, "name", null))\n}\n',
        'output "arn" {\n  value = aws_bucket.acl.arn\n}\n',
    ],
)
def test_what_is_not_deprecated_is_not_complained_of(file: Path, text: str) -> None:
    file.write_text(text)
    assert complaints([file], _LIST) == []


def test_a_schema_says_what_it_deprecates() -> None:
    """Attributes, blocks, and what is inside of blocks."""
    bucket = {
        "attributes": {"acl": {"deprecated": True}, "bucket": {}},
        "block_types": {
            "grant": {"block": {"deprecated": True}},
            "rule": {"block": {"attributes": {"prefix": {"deprecated": True}}, "block_types": {}}},
        },
    }
    provider = {"resource_schemas": {"aws_bucket": {"block": bucket}}, "data_source_schemas": {}}
    schema = {"provider_schemas": {"registry.terraform.io/hashicorp/aws": provider}}
    assert {type_: sorted(paths) for type_, paths in deprecated_in(schema)["resource"].items()} == {
        "aws_bucket": ["acl", "grant", "rule.prefix"]
    }


def test_version_6_has_the_regions_name() -> None:
    assert "name" in version_6()["data"]["aws_region"]


def test_the_page_on_version_6_has_every_type_that_the_modules_use() -> None:
    text = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "modules").glob("*/*.tf"))
    used = set(re.findall(r'^(?:resource|data) "(aws_\w+)"', text, re.MULTILINE))
    page = (ROOT / "docs" / "provider-6.md").read_text(encoding="utf-8")
    assert used - set(re.findall(r"`(?:data\.)?(aws_\w+)`", page)) == set()
