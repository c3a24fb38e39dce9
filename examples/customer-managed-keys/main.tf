# A lake whose stores, streams, logs, functions and alarms are encrypted with keys of the account's own.
provider "aws" {
  region = var.region
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  name      = "factory-lake"
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition

  # Two keys, so that whoever may read logs or get alarms needs none that decrypts data.
  keys = { data = [], operation = local.operation_statements }

  # Services that use a key by its own policy. All others are let in by the lake's roles, each for its own store.
  operation_statements = [
    {
      Sid       = "LetCloudWatchLogsEncrypt"
      Effect    = "Allow"
      Principal = { Service = "logs.${var.region}.amazonaws.com" }
      Action    = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
      Resource  = "*"
      Condition = {
        ArnLike = {
          "kms:EncryptionContext:aws:logs:arn" = [
            for group in ["lambda", "kinesisfirehose"] :
            "arn:${local.partition}:logs:${var.region}:${local.account}:log-group:/aws/${group}/${local.name}-*"
          ]
        }
      }
    },
    {
      Sid       = "LetAlarmsReachTheTopic"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
      Resource  = "*"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike = {
          "aws:SourceArn" = "arn:${local.partition}:cloudwatch:${var.region}:${local.account}:alarm:${local.name}-*"
        }
      }
    },
  ]
}

resource "aws_kms_key" "lake" {
  for_each = local.keys

  description         = "${local.name}: ${each.key}"
  enable_key_rotation = true

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "LeaveItToIam"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*"
      }],
      each.value
    )
  })

  lifecycle {
    # Without the key, what is stored is lost.
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "lake" {
  for_each = local.keys

  name          = "alias/${local.name}-${each.key}"
  target_key_id = aws_kms_key.lake[each.key].key_id
}

module "lake" {
  source = "../../modules/lake"

  name         = local.name
  csr_dir      = "${path.root}/csr"
  packages_dir = "${path.root}/../../build/packages"

  factories = {
    krakow = {
      gateways = ["line-1"]
      cameras  = { gate = {} }
    }
  }

  kms_keys = {
    buckets   = aws_kms_key.lake["data"].arn
    streams   = aws_kms_key.lake["data"].arn
    video     = aws_kms_key.lake["data"].arn
    logs      = aws_kms_key.lake["operation"].arn
    functions = aws_kms_key.lake["operation"].arn
  }
  alarm_topic = { kms_key_arn = aws_kms_key.lake["operation"].arn }
}
