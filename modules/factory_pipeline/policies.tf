# What the delivery of a lane and that of the connections need alike, and their topic rules, each limited to its own.
locals {
  writers = merge(
    {
      for lane, one in local.lanes : lane => {
        bucket_arn          = one.bucket_arn
        data_prefix         = one.data_prefix
        error_prefix        = one.error_prefix
        delivery_stream_arn = one.delivery_stream_arn
        rule_arn            = one.rule_arn
        log_group           = one.delivery_log_group
      }
    },
    {
      for name, one in local.connections : name => {
        bucket_arn          = one.bucket_arn
        data_prefix         = one.data_prefix
        error_prefix        = one.error_prefix
        delivery_stream_arn = one.delivery_stream_arn
        rule_arn            = "arn:${local.partition}:iot:${local.place}:rule/${local.connections_rule_prefix}*"
        log_group           = one.log_group
      }
    },
  )

  delivery_trust = { for name, one in local.writers : name => jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "firehose.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = one.delivery_stream_arn }
      }
    }]
  }) }

  rule_trust = { for name, one in local.writers : name => jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "iot.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = one.rule_arn }
      }
    }]
  }) }

  # Firehose Developer Guide, "Controlling access with Amazon Data Firehose": S3 as destination, and error logging.
  may_deliver = { for name, one in local.writers : name => [
    {
      Sid      = "WriteOwnPrefixes"
      Effect   = "Allow"
      Action   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
      Resource = ["${one.bucket_arn}/${one.data_prefix}*", "${one.bucket_arn}/${one.error_prefix}*"]
    },
    {
      Sid      = "FindBucket"
      Effect   = "Allow"
      Action   = ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"]
      Resource = [one.bucket_arn]
    },
    {
      # The guide grants the whole bucket and names no call that needs it. A call that names a prefix must name an
      # own one. One that names none (HeadBucket is such a call) is let through: denying what Firehose may need
      # would stop the delivery.
      Sid      = "ListOwnPrefixes"
      Effect   = "Allow"
      Action   = ["s3:ListBucket"]
      Resource = [one.bucket_arn]
      Condition = {
        StringLikeIfExists = { "s3:prefix" = ["${one.data_prefix}*", "${one.error_prefix}*"] }
      }
    },
    {
      Sid      = "WriteLogs"
      Effect   = "Allow"
      Action   = ["logs:PutLogEvents"]
      Resource = ["arn:${local.partition}:logs:${local.place}:log-group:${one.log_group}:log-stream:delivery"]
    },
  ] }

  # Record format conversion.
  tables = { measurements = var.measurements_table, connections = var.connections_table }
  may_read_table = {
    for name, table in local.tables : name => [{
      Sid    = "ReadTable"
      Effect = "Allow"
      Action = ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"]
      Resource = [
        "arn:${local.partition}:glue:${local.place}:catalog",
        "arn:${local.partition}:glue:${local.place}:database/${table.database}",
        "arn:${local.partition}:glue:${local.place}:table/${table.database}/${table.name}",
      ]
    }] if table != null
  }

  # With a bucket key the context is the bucket, without one it is the object.
  through_own_bucket = { for name, one in local.writers : name => {
    StringEquals = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" }
    StringLike   = { "kms:EncryptionContext:aws:s3:arn" = [one.bucket_arn, "${one.bucket_arn}/*"] }
  } }

  may_encrypt_objects = { for name in keys(local.writers) : name => var.kms_keys.buckets == null ? [] : [{
    Sid       = "EncryptObjects"
    Effect    = "Allow"
    Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource  = [var.kms_keys.buckets]
    Condition = local.through_own_bucket[name]
  }] }

  may_put_failed = { for name, one in local.writers : name => [{
    Sid      = "PutFailedRecords"
    Effect   = "Allow"
    Action   = ["s3:PutObject"]
    Resource = ["${one.bucket_arn}/${one.error_prefix}iot-rule/*"]
  }] }

  may_encrypt_failed = { for name in keys(local.writers) : name => var.kms_keys.buckets == null ? [] : [{
    Sid       = "EncryptFailedRecords"
    Effect    = "Allow"
    Action    = ["kms:GenerateDataKey"]
    Resource  = [var.kms_keys.buckets]
    Condition = local.through_own_bucket[name]
  }] }
}
