# The lake of one account, which another account queries. Applied once in each account that has factories.
provider "aws" {
  region = var.region
  # A plan with the credentials of another account ends before it begins.
  allowed_account_ids = [var.account_id]
}

data "aws_partition" "current" {}

locals {
  name     = "factory-lake"
  glue     = "arn:${data.aws_partition.current.partition}:glue:${var.region}:${var.account_id}"
  database = module.glue_catalog.database
}

module "storage" {
  source = "../../../modules/storage"

  name            = local.name
  suffix          = var.account_id
  reader_accounts = [var.query_account_id]
}

module "glue_catalog" {
  source = "../../../modules/glue_catalog"

  name = local.name
  buckets = {
    measurements  = module.storage.bucket_names["measurements"]
    configuration = module.storage.bucket_names["configuration"]
    clips         = module.storage.bucket_names["clips"]
  }
  factories              = ["krakow"]
  athena_output_location = module.storage.athena_output_location
}

module "factory_pipeline" {
  source = "../../../modules/factory_pipeline"

  name     = local.name
  factory  = "krakow"
  gateways = ["line-1"]
  csr_dir  = "${path.root}/csr"
  buckets  = { for lane in ["measurements", "configuration"] : lane => module.storage.bucket_names[lane] }
  measurements_table = {
    database = local.database
    name     = module.glue_catalog.tables["measurements"]
  }
  package = { file = "${path.root}/../../../build/packages/transform.zip" }
}

# The catalog's one policy: where the account shares other databases, this statement goes beside theirs.
resource "aws_glue_resource_policy" "catalog" {
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "LetTheQueryAccountReadTheTables"
      Effect    = "Allow"
      Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${var.query_account_id}:root" }
      Action    = ["glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables"]
      Resource = [
        "${local.glue}:catalog", "${local.glue}:database/${local.database}", "${local.glue}:table/${local.database}/*",
      ]
    }]
  })
}
