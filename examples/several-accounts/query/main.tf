# The account that queries the lakes of others: a catalog for each, a workgroup, and a place for results.
provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]
}

data "aws_partition" "current" {}

locals {
  name    = "factory-lakes"
  arn     = "arn:${data.aws_partition.current.partition}"
  results = "${local.name}-${var.account_id}-results"
}

resource "aws_athena_data_catalog" "lake" {
  for_each = var.lakes

  name        = each.key
  description = "The lake of account ${each.value.account_id}."
  type        = "GLUE"
  parameters  = { "catalog-id" = each.value.account_id }
}

resource "aws_athena_workgroup" "lakes" {
  name = local.name

  configuration {
    enforce_workgroup_configuration = true
    bytes_scanned_cutoff_per_query  = 1099511627776 # 1 TiB

    result_configuration {
      output_location = "s3://${aws_s3_bucket.results.bucket}/"

      encryption_configuration {
        encryption_option = "SSE_S3"
      }
    }
  }
}

resource "aws_s3_bucket" "results" {
  bucket = local.results
}

resource "aws_s3_bucket_public_access_block" "results" {
  bucket = aws_s3_bucket.results.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# Results are copies: the query can be run again.
resource "aws_s3_bucket_lifecycle_configuration" "results" {
  bucket = aws_s3_bucket.results.id

  rule {
    id     = "results"
    status = "Enabled"

    filter {}

    expiration {
      days = 7
    }
  }
}

# For whoever queries. The lakes let this account in; within it, nobody reads them without this policy.
resource "aws_iam_policy" "reader" {
  name        = "${local.name}-reader"
  description = "Queries the lakes of other accounts."

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Query"
        Effect = "Allow"
        Action = [
          "athena:StartQueryExecution", "athena:StopQueryExecution", "athena:GetQueryExecution",
          "athena:GetQueryResults", "athena:GetWorkGroup", "athena:GetDataCatalog",
        ]
        Resource = concat(
          [aws_athena_workgroup.lakes.arn], [for catalog in aws_athena_data_catalog.lake : catalog.arn]
        )
      },
      {
        Sid    = "ReadTables"
        Effect = "Allow"
        Action = ["glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables"]
        Resource = flatten([
          for lake in var.lakes : [
            for what in ["catalog", "database/${lake.database}", "table/${lake.database}/*"] :
            "${local.arn}:glue:${var.region}:${lake.account_id}:${what}"
          ]
        ])
      },
      {
        Sid    = "FindData"
        Effect = "Allow"
        Action = ["s3:ListBucket", "s3:GetBucketLocation"]
        Resource = [
          for bucket in concat([local.results], flatten(values(var.lakes)[*].buckets)) : "${local.arn}:s3:::${bucket}"
        ]
      },
      {
        Sid    = "ReadData"
        Effect = "Allow"
        Action = ["s3:GetObject"]
        Resource = flatten([
          for bucket in flatten(values(var.lakes)[*].buckets) :
          [for prefix in ["factory=*", "index/factory=*"] : "${local.arn}:s3:::${bucket}/${prefix}"]
        ])
      },
      {
        Sid      = "KeepResults"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        Resource = ["${local.arn}:s3:::${local.results}/*"]
      },
    ]
  })
}
