# What factories share: buckets, tables, and the name that keeps another lake out of this account and region.
provider "aws" {
  region = var.region
}

data "aws_caller_identity" "current" {}

locals {
  name = "factory-lake"
  # The tables find data of these alone. A factory's ID comes here before its own root is applied, and stays for as
  # long as its data, also when it is out of service.
  factories = ["krakow", "lyon"]
}

module "storage" {
  source = "../../../modules/storage"

  name   = local.name
  suffix = data.aws_caller_identity.current.account_id
}

module "glue_catalog" {
  source = "../../../modules/glue_catalog"

  name = local.name
  buckets = {
    measurements  = module.storage.bucket_names["measurements"]
    configuration = module.storage.bucket_names["configuration"]
    clips         = module.storage.bucket_names["clips"]
  }
  factories              = local.factories
  athena_output_location = module.storage.athena_output_location
}

# Where modules/lake looks before it makes another lake.
resource "aws_ssm_parameter" "lake" {
  name        = "/factory-lake/lakes/${local.name}"
  description = "Keeps a second lake out of this account and region."
  type        = "String"
  value       = local.name
  tags        = {}
}

# Refuses a plan that drops the ID of a factory.
resource "terraform_data" "queried_factory" {
  for_each = toset(local.factories)

  input = each.key

  lifecycle {
    prevent_destroy = true
  }
}
