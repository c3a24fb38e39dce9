"""A lake on the local cloud: environment `local` applied to it, with keys for every gateway."""

from tools.lake.local import LocalLake
from tools.lake.provider import Provider, ProviderError
from tools.lake.terraform import Terraform, TerraformError

__all__ = ["LocalLake", "Provider", "ProviderError", "Terraform", "TerraformError"]
