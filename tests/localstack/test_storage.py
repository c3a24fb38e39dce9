"""The storage module, applied to LocalStack by the real provider (`make test` applies it with the lake)."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import pytest

from harness.lake.terraform import REPOSITORY, Terraform
from tests.localstack.conftest import Stack

_ROOT = """
terraform {
  backend "local" {}
}

provider "aws" {
  region                      = "eu-central-1"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}

variable "suffix" {
  type = string
}

module "storage" {
  source        = "./module"
  name          = "lake"
  suffix        = var.suffix
  force_destroy = true
}

output "buckets" {
  value = module.storage.bucket_names
}
"""


@pytest.mark.parametrize("stack", [pytest.param("localstack", marks=pytest.mark.localstack)], indirect=True)
@pytest.mark.timeout(600)
def test_its_buckets_are_closed_encrypted_and_versioned_and_a_second_plan_is_empty(
    stack: Stack, tmp_path: Path
) -> None:
    shutil.copytree(REPOSITORY / "modules" / "storage", tmp_path / "module")
    shutil.copy(REPOSITORY / "environments" / "local" / ".terraform.lock.hcl", tmp_path)
    (tmp_path / "main.tf").write_text(_ROOT, encoding="utf-8")
    terraform = Terraform(tmp_path, tmp_path / "work", stack.environment())
    variables = {"suffix": uuid.uuid4().hex[:12]}
    terraform.init()
    terraform.apply(variables)
    try:
        s3 = stack.client("s3")
        for bucket in terraform.output()["buckets"].values():
            access = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
            assert all(access.values())
            rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
            assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
            assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
            owner = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
            assert owner == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        assert terraform.changes(variables) == []
    finally:
        terraform.destroy(variables)
