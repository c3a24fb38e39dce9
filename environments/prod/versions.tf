terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Bucket and region are your own: terraform init -backend-config=backend.hcl (docs/deploy.md).
  backend "s3" {
    key          = "factory-lake/prod/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}
