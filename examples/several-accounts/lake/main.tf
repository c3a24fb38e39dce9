# The lake of one account, which another account queries. Applied once in each account that has factories.
provider "aws" {
  region = var.region
  # A plan with the credentials of another account ends before it begins.
  allowed_account_ids = [var.account_id]
}

data "aws_partition" "current" {}

locals {
  glue     = "arn:${data.aws_partition.current.partition}:glue:${var.region}:${var.account_id}"
  database = module.lake.athena.database
}

module "lake" {
  source = "../../../modules/lake"

  name         = "factory-lake"
  csr_dir      = "${path.root}/csr"
  packages_dir = "${path.root}/../../../build/packages"
  storage      = { reader_accounts = [var.query_account_id] }

  factories = {
    krakow = {
      gateways = ["line-1"]
    }
  }
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
