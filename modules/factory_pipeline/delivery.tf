locals {
  day_prefix = join("", [for level in ["year", "month", "day"] : "${level}=!{partitionKeyFromLambda:${level}}/"])

  # Where OpenX finds a column that is named otherwise than its JSON key. Firehose lower-cases the keys of a message
  # before it looks them up, so the mapping names them in lower case.
  schema_dir          = coalesce(var.schema_dir, "${path.module}/schemas")
  measurement_columns = jsondecode(file("${local.schema_dir}/measurements.json")).columns
  key_mappings = {
    for column in local.measurement_columns : column.name => lower(column.source)
    if try(lower(column.source) != column.name, false)
  }
}

resource "aws_cloudwatch_log_group" "delivery" {
  # checkov:skip=CKV_AWS_158: CloudWatch encrypts every log group; kms_keys.logs does so with a key of the user's.
  # checkov:skip=CKV_AWS_338: how long is the environment's choice (log_retention_days): dev keeps 14 days, prod 365.

  for_each = local.lanes

  name              = each.value.delivery_log_group
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_keys.logs
  tags              = var.tags
}

resource "aws_cloudwatch_log_stream" "delivery" {
  for_each = local.lanes

  name           = "delivery"
  log_group_name = local.delivery_log_groups[each.key].name
}

resource "aws_iam_role" "delivery" {
  for_each = local.lanes

  name = "${each.value.stream_name}-delivery"
  description = join(" ", [
    "Delivery of ${var.factory}'s ${each.key}: from its own stream, through its",
    "own function, to its own prefixes.",
  ])

  assume_role_policy = local.delivery_trust[each.key]

  path                 = var.role_path
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

# Firehose Developer Guide, "Controlling access with Amazon Data Firehose": what S3 as destination, Kinesis Data
# Streams as source, data transformation, record format conversion, error logging and customer managed keys need, each
# limited to this lane.
resource "aws_iam_role_policy" "delivery" {
  for_each = local.lanes

  name = "deliver"
  role = local.delivery_roles[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "ReadOwnStream"
          Effect   = "Allow"
          Action   = ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"]
          Resource = [each.value.stream_arn]
        },
        {
          Sid      = "CallOwnTransform"
          Effect   = "Allow"
          Action   = ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"]
          Resource = [each.value.function_arn, "${each.value.function_arn}:*"]
        },
      ],
      local.may_deliver[each.key],
      each.key == "measurements" ? local.may_read_table[each.key] : [],
      var.kms_keys.streams == null ? [] : [{
        Sid      = "DecryptOwnStream"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = [var.kms_keys.streams]
        Condition = {
          StringEquals = { "kms:ViaService" = "kinesis.${local.region}.amazonaws.com" }
          StringLike   = { "kms:EncryptionContext:aws:kinesis:arn" = each.value.stream_arn }
        }
      }],
      local.may_encrypt_objects[each.key],
    )
  })
}

# A delivery stream reads its data stream from the moment it is made, so one that is replaced misses what arrives
# meanwhile, and one that goes takes along what it has read and not delivered. Nothing that an input changes replaces
# it: source and names follow from the lake's name and the factory, and partitioning is on from the start. guards.tf
# refuses the rest.
resource "aws_kinesis_firehose_delivery_stream" "lane" {
  for_each = local.lanes

  name        = each.value.stream_name
  destination = "extended_s3"
  tags        = var.tags

  kinesis_source_configuration {
    kinesis_stream_arn = local.data_streams[each.key].arn
    role_arn           = local.delivery_roles[each.key].arn
  }

  extended_s3_configuration {
    role_arn            = local.delivery_roles[each.key].arn
    bucket_arn          = each.value.bucket_arn
    prefix              = "${each.value.data_prefix}${local.day_prefix}"
    error_output_prefix = "${each.value.error_prefix}!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"
    buffering_size      = each.value.delivery.buffer_mb
    buffering_interval  = each.value.delivery.buffer_seconds
    # Parquet is compressed inside; lines stay as they are for whoever reads the bucket.
    compression_format = "UNCOMPRESSED"

    dynamic_partitioning_configuration {
      enabled        = true
      retry_duration = each.value.delivery.retry_seconds
    }

    # Parameters at AWS's defaults stay out: the provider drops them from the state and would want to add them for
    # ever.
    processing_configuration {
      enabled = true

      processors {
        type = "Lambda"

        parameters {
          parameter_name  = "LambdaArn"
          parameter_value = "${local.transform_functions[each.key].arn}:$LATEST"
        }

        # The provider leaves what equals AWS's default out of the state, so that a plan would find a difference.
        dynamic "parameters" {
          for_each = merge(
            each.value.delivery.transform_buffer == null ? {} : {
              BufferSizeInMBs         = each.value.delivery.transform_buffer.mb
              BufferIntervalInSeconds = each.value.delivery.transform_buffer.seconds
            },
            each.value.delivery.transform_retries == 3 ? {} : {
              NumberOfRetries = each.value.delivery.transform_retries
            }
          )

          content {
            parameter_name  = parameters.key
            parameter_value = tostring(parameters.value)
          }
        }
      }
    }

    dynamic "data_format_conversion_configuration" {
      for_each = each.key == "measurements" ? [var.measurements_table] : []

      content {
        input_format_configuration {
          deserializer {
            open_x_json_ser_de {
              case_insensitive            = true
              column_to_json_key_mappings = local.key_mappings
            }
          }
        }

        output_format_configuration {
          serializer {
            parquet_ser_de {
              compression = "SNAPPY"
            }
          }
        }

        schema_configuration {
          database_name = data_format_conversion_configuration.value.database
          table_name    = data_format_conversion_configuration.value.name
          role_arn      = local.delivery_roles[each.key].arn
        }
      }
    }

    cloudwatch_logging_options {
      enabled         = true
      log_group_name  = local.delivery_log_groups[each.key].name
      log_stream_name = local.delivery_log_streams[each.key].name
    }
  }

  lifecycle {
    # Firehose lower-cases keys, so two sources that differ only by case would be one key.
    precondition {
      condition = length(distinct([
        for column in local.measurement_columns : lower(column.source) if can(column.source)
      ])) == length([for column in local.measurement_columns : column if can(column.source)])
      error_message = join(" ", [
        "${local.schema_dir}/measurements.json: sources must differ by more than case, got",
        "${join(", ", [for column in local.measurement_columns : column.source if can(column.source)])}.",
      ])
    }
  }

  # Firehose tries its role, its log and its table as soon as it is made.
  depends_on = [local.delivery_policies]
}
