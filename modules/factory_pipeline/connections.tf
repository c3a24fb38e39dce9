# When the gateways' connections began and ended, as rows: AWS IoT's presence events of this factory's client IDs go
# straight into a delivery stream, which writes Parquet by the table. Nothing of it costs anything while nobody connects,
# but its one alarm. IoT Core developer guide, "Lifecycle events".
#
# It holds no more than the events of its buffer interval. So unlike the lanes' it is not guarded (guards.tf): without a
# table it goes, and takes those along.
locals {
  connections_name = "${var.name}-${var.factory}-connections"
  # Rule names know no hyphen; a client ID's rule has the lane's name, then its gateway's and its lane's.
  connections_rule_prefix = replace("${var.name}__${var.factory}__connections__", "-", "_")

  connections = { for table in [var.connections_table] : "connections" => merge(table, {
    # AWS's longest. So there are 96 objects a day at most, however often a gateway connects: its events never fill a
    # buffer, since AWS takes one CONNECT a second and client ID.
    buffer_seconds = 900
    buffer_mb      = 128

    delivery_stream_arn = "arn:${local.partition}:firehose:${local.place}:deliverystream/${local.connections_name}"
    log_group           = "/aws/kinesisfirehose/${local.connections_name}"
    bucket_arn          = "arn:${local.partition}:s3:::${var.buckets.configuration}"
    data_prefix         = "connections/factory=${var.factory}/"
    error_prefix        = "errors/factory=${var.factory}/connections/"
  }) if table != null }

  # By client ID.
  connection_rules = {
    for client_id, identity in local.identities : client_id => merge(identity, {
      name = "${local.connections_rule_prefix}${replace("${identity.gateway}__${identity.lane}", "-", "_")}"
    }) if length(local.connections) > 0
  }

  connections_schema = "${local.schema_dir}/connections.json"
  connection_columns = jsondecode(
    file(fileexists(local.connections_schema) ? local.connections_schema : "${path.module}/schemas/connections.json")
  ).columns
  connection_key_mappings = {
    for column in local.connection_columns : column.name => lower(column.source) if lower(column.source) != column.name
  }
}

resource "aws_cloudwatch_log_group" "connections" {
  # checkov:skip=CKV_AWS_158: CloudWatch encrypts every log group; kms_keys.logs does so with a key of the user's.
  # checkov:skip=CKV_AWS_338: how long is the environment's choice (log_retention_days): dev keeps 14 days, prod 365.

  for_each = local.connections

  name              = each.value.log_group
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_keys.logs
  tags              = var.tags
}

resource "aws_cloudwatch_log_stream" "connections" {
  for_each = local.connections

  name           = "delivery"
  log_group_name = local.connections_log_groups[each.key].name
}

resource "aws_iam_role" "connections_delivery" {
  for_each = local.connections

  name        = "${local.connections_name}-delivery"
  description = "Delivery of ${var.factory}'s connections: to its own prefixes."

  assume_role_policy = local.delivery_trust[each.key]

  path                 = var.role_path
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

# What the lanes' delivery needs (delivery.tf), without a data stream and a transform.
resource "aws_iam_role_policy" "connections_delivery" {
  for_each = local.connections

  name = "deliver"
  role = local.connections_delivery_roles[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      local.may_deliver[each.key], local.may_read_table[each.key], local.may_encrypt_objects[each.key]
    )
  })
}

resource "aws_kinesis_firehose_delivery_stream" "connections" {
  for_each = local.connections

  name        = local.connections_name
  destination = "extended_s3"
  tags        = var.tags

  # With a customer's key, Firehose uses it by a grant, which whoever applies must be allowed to make.
  server_side_encryption {
    enabled  = true
    key_type = var.kms_keys.streams == null ? "AWS_OWNED_CMK" : "CUSTOMER_MANAGED_CMK"
    key_arn  = var.kms_keys.streams
  }

  extended_s3_configuration {
    role_arn            = local.connections_delivery_roles[each.key].arn
    bucket_arn          = each.value.bucket_arn
    prefix              = "${each.value.data_prefix}year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/"
    error_output_prefix = "${each.value.error_prefix}!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"
    buffering_size      = each.value.buffer_mb
    buffering_interval  = each.value.buffer_seconds
    compression_format  = "UNCOMPRESSED"

    data_format_conversion_configuration {
      input_format_configuration {
        deserializer {
          open_x_json_ser_de {
            case_insensitive            = true
            column_to_json_key_mappings = local.connection_key_mappings
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
        database_name = each.value.database
        table_name    = each.value.name
        role_arn      = local.connections_delivery_roles[each.key].arn
      }
    }

    cloudwatch_logging_options {
      enabled         = true
      log_group_name  = local.connections_log_groups[each.key].name
      log_stream_name = local.connections_log_streams[each.key].name
    }
  }

  # Firehose tries its role, its log and its table as soon as it is made.
  depends_on = [local.connections_delivery_policies]
}

resource "aws_iam_role" "connections_rule" {
  for_each = local.connections

  name = "${local.connections_name}-rule"
  description = join(" ", [
    "Topic rules of ${var.factory}'s connections: into their own delivery stream or,",
    "failing that, their own errors.",
  ])

  assume_role_policy = local.rule_trust[each.key]

  path                 = var.role_path
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "connections_rule" {
  for_each = local.connections

  name = "forward"
  role = local.connections_rule_roles[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "PutIntoOwnDelivery"
          Effect   = "Allow"
          Action   = ["firehose:PutRecord"]
          Resource = [each.value.delivery_stream_arn]
        },
      ],
      local.may_put_failed[each.key],
      local.may_encrypt_failed[each.key],
    )
  })
}

# One a client ID, so that no other client's events are read or paid for, and the row says whose it is.
resource "aws_iot_topic_rule" "connections" {
  for_each = local.connection_rules

  name        = each.value.name
  description = "Connections of ${each.key}, into the factory's table of connections."
  enabled     = true
  # Presence events are JSON objects, so there is room for constants beside the *.
  sql = join(" ", [
    "SELECT *, '${each.value.gateway}' AS gateway, '${each.value.lane}' AS lane",
    "FROM '$aws/events/presence/+/${each.key}'",
  ])
  sql_version = "2016-03-23"
  tags        = var.tags

  firehose {
    role_arn             = local.connections_rule_roles["connections"].arn
    delivery_stream_name = local.connections_delivery_streams["connections"].name
    separator            = "\n"
  }

  error_action {
    s3 {
      role_arn    = local.connections_rule_roles["connections"].arn
      bucket_name = var.buckets.configuration
      key = join(" ", [
        "${local.connections["connections"].error_prefix}iot-rule/$${parse_time(\"yyyy/MM/dd\",",
        "timestamp())}/$${timestamp()}-$${newuuid()}.json",
      ])
    }
  }

  depends_on = [local.connections_rule_policies]
}
