resource "aws_cloudwatch_log_group" "transform" {
  # checkov:skip=CKV_AWS_158: CloudWatch encrypts every log group; kms_keys.logs does so with a key of the user's.
  # checkov:skip=CKV_AWS_338: how long is the environment's choice (log_retention_days): dev keeps 14 days, prod 365.

  for_each = local.lanes

  name              = each.value.function_log_group
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_keys.logs
  tags              = var.tags
}

locals {
  # Measurements may come in batches. What cannot stay in a batch's record, samples of another day and those that are
  # rejected, the transform puts back into the lane's stream.
  lanes_with_batches = { for lane, settings in local.lanes : lane => settings if lane == "measurements" }
}

# The account alone: the Lambda guide does not promise aws:SourceArn when Lambda assumes an execution role. Which
# function of the account gets the role is decided by iam:PassRole.
resource "aws_iam_role" "transform" {
  for_each = local.lanes

  name = each.value.function_name
  description = join("", [
    "Transform of ${var.factory}'s ${each.key}: writes its own log",
    contains(keys(local.lanes_with_batches), each.key) ? ", puts parts of batches back into its own stream," : "",
    " and nothing else.",
  ])

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })

  path                 = var.role_path
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "transform" {
  for_each = local.lanes

  name = "write-own-log"
  role = local.transform_roles[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "WriteLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "arn:${local.partition}:logs:${local.place}:log-group:${each.value.function_log_group}:*"
    }]
  })
}

resource "aws_iam_role_policy" "put_back" {
  for_each = local.lanes_with_batches

  name = "put-back"
  role = local.transform_roles[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid      = "PutBackIntoOwnStream"
        Effect   = "Allow"
        Action   = ["kinesis:PutRecords"]
        Resource = [each.value.stream_arn]
      }],
      var.kms_keys.streams == null ? [] : [{
        Sid      = "EncryptForOwnStream"
        Effect   = "Allow"
        Action   = ["kms:GenerateDataKey"]
        Resource = [var.kms_keys.streams]
        Condition = {
          StringEquals = { "kms:ViaService" = "kinesis.${local.region}.amazonaws.com" }
          StringLike   = { "kms:EncryptionContext:aws:kinesis:arn" = each.value.stream_arn }
        }
      }]
    )
  })
}

# What Lambda itself needs of the role, where the account wants the function in a VPC or traced. Neither can be limited
# to a resource; the denial keeps the function's own code from what is meant for Lambda. (Lambda Developer Guide,
# "Giving Lambda functions access to resources in an Amazon VPC", "Visualize Lambda function invocations using X-Ray".)
locals {
  interface_actions = [
    "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
  ]
}

resource "aws_iam_role_policy" "transform_surroundings" {
  for_each = { for lane, settings in local.lanes : lane => settings if var.vpc != null || var.tracing != null }

  name = "use-network-and-traces"
  role = local.transform_roles[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      var.vpc == null ? [] : [{
        Sid      = "ManageInterfaces"
        Effect   = "Allow"
        Action   = local.interface_actions
        Resource = "*"
      }],
      var.vpc == null ? [] : [{
        Sid       = "KeepOwnCodeFromInterfaces"
        Effect    = "Deny"
        Action    = local.interface_actions
        Resource  = "*"
        Condition = { ArnEquals = { "lambda:SourceFunctionArn" = each.value.function_arn } }
      }],
      var.tracing == null ? [] : [{
        Sid      = "SendTraces"
        Effect   = "Allow"
        Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        Resource = "*"
      }],
    )
  })
}

resource "aws_lambda_function" "transform" {
  # checkov:skip=CKV_AWS_116: a dead letter queue is for asynchronous calls; Firehose waits for its answer and keeps what failed under errors/.
  # checkov:skip=CKV_AWS_117: it calls nothing but its log and its stream, and has nothing private to reach; a VPC would add an address limit and a NAT to depend on.
  # checkov:skip=CKV_AWS_272: the plan names the package by its hash and uploads exactly that; a signing profile is the account's to have, and would bind every user of the module.
  # checkov:skip=CKV_AWS_50: it calls its own stream at most, so a trace would hold what its metrics tell already.

  for_each = local.lanes

  function_name     = each.value.function_name
  description       = "Checks and completes ${var.factory}'s ${each.key} on their way from Firehose to S3."
  role              = local.transform_roles[each.key].arn
  filename          = var.package.file
  s3_bucket         = try(var.package.s3.bucket, null)
  s3_key            = try(var.package.s3.key, null)
  s3_object_version = try(var.package.s3.object_version, null)
  source_code_hash  = var.package.file == null ? var.package.s3.source_code_hash : filebase64sha256(var.package.file)
  handler           = "transform.handler.handler"
  runtime           = var.lambda.runtime
  architectures     = [var.lambda.architecture]
  memory_size       = each.value.transform.memory_mb
  # The role needs no permission for it: Lambda is granted the key by whoever makes the function.
  kms_key_arn = var.kms_keys.functions
  timeout     = each.value.transform.timeout_seconds

  reserved_concurrent_executions = each.value.transform.reserved_concurrency
  tags                           = var.tags

  environment {
    variables = merge(
      {
        FACTORY               = var.factory
        LANE                  = each.key
        BLANK_STRINGS         = each.value.transform.blank_strings
        TIMESTAMP_PAST_DAYS   = tostring(each.value.transform.past_days)
        TIMESTAMP_FUTURE_DAYS = tostring(each.value.transform.future_days)
        METRICS_NAMESPACE     = var.metrics_namespace
        LOG_LEVEL             = each.value.transform.log_level
      },
      contains(keys(local.lanes_with_batches), each.key) ? { STREAM_NAME = each.value.stream_name } : {}
    )
  }

  dynamic "vpc_config" {
    for_each = var.vpc == null ? [] : [var.vpc]

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  dynamic "tracing_config" {
    for_each = var.tracing == null ? [] : [var.tracing]

    content {
      mode = tracing_config.value
    }
  }

  logging_config {
    log_group  = local.transform_log_groups[each.key].name
    log_format = var.lambda.log_format
    # The function prints its own lines, already at the level it was told. Levels belong to the JSON format alone.
    application_log_level = var.lambda.log_format == "JSON" ? "INFO" : null
    system_log_level      = var.lambda.log_format == "JSON" ? "INFO" : null
  }

  depends_on = [
    local.transform_policies,
  ]
}
