"""A lake on the local cloud: environment `local` applied to it, with keys for every gateway."""

from harness.lake.local import LocalLake
from harness.lake.provider import Provider, ProviderError
from harness.lake.terraform import Change, Terraform, TerraformError

__all__ = ["Change", "LocalLake", "Provider", "ProviderError", "Terraform", "TerraformError"]
