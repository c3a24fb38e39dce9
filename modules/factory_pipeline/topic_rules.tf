resource "aws_iam_role" "rule" {
  for_each = local.lanes

  name        = "${each.value.stream_name}-rule"
  description = "Topic rule of ${var.factory}'s ${each.key}: into its own stream or, failing that, its own errors."

  assume_role_policy = local.rule_trust[each.key]

  path                 = var.role_path
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "rule" {
  for_each = local.lanes

  name = "forward"
  role = local.rule_roles[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "PutIntoOwnStream"
          Effect   = "Allow"
          Action   = ["kinesis:PutRecord"]
          Resource = [each.value.stream_arn]
        },
      ],
      local.may_put_failed[each.key],
      var.kms_keys.streams == null ? [] : [{
        Sid      = "EncryptForOwnStream"
        Effect   = "Allow"
        Action   = ["kms:GenerateDataKey"]
        Resource = [var.kms_keys.streams]
        Condition = {
          StringEquals = { "kms:ViaService" = "kinesis.${local.region}.amazonaws.com" }
          StringLike   = { "kms:EncryptionContext:aws:kinesis:arn" = each.value.stream_arn }
        }
      }],
      local.may_encrypt_failed[each.key],
    )
  })
}

resource "aws_iot_topic_rule" "lane" {
  for_each = local.lanes

  name        = each.value.rule_name
  description = "${var.factory}'s ${each.key}, from all its gateways, into their data stream."
  enabled     = true
  # A bare SELECT * is the one form that carries any payload, also one that is not JSON. What the envelope needs
  # travels in the partition key: when the broker took the message, which gateway sent it, and an even spread over
  # shards.
  sql         = "SELECT * FROM 'factories/${var.factory}/+/${each.key}'"
  sql_version = "2016-03-23"
  tags        = var.tags

  kinesis {
    role_arn      = local.rule_roles[each.key].arn
    stream_name   = local.data_streams[each.key].name
    partition_key = "$${timestamp()}/$${topic(3)}/$${newuuid()}"
  }

  error_action {
    s3 {
      role_arn    = local.rule_roles[each.key].arn
      bucket_name = var.buckets[each.key]
      key = join(" ", [
        "${each.value.error_prefix}iot-rule/$${parse_time(\"yyyy/MM/dd\",",
        "timestamp())}/$${timestamp()}-$${newuuid()}.json",
      ])
    }
  }

  # A message that enters the data stream before its delivery stream exists would never be read.
  depends_on = [local.rule_policies, local.delivery_streams]
}
