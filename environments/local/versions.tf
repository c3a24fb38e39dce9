terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Several local lakes may be applied from this folder: each gives a path of its own (-backend-config=path=...).
  backend "local" {}
}
