resource "aws_cloudwatch_log_group" "clip_fetch" {
  # checkov:skip=CKV_AWS_158: CloudWatch encrypts every log group; kms_keys.logs does so with a key of the user's.

  name              = local.log_group
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_keys.logs
  tags              = var.tags
}

# The account alone: the Lambda guide does not promise aws:SourceArn when Lambda assumes an execution role. Which
# function of the account gets the role is decided by iam:PassRole.
resource "aws_iam_role" "clip_fetch" {
  name        = local.function_name
  description = "Clips of ${var.factory}: reads its video streams, writes its directory of the clips bucket."

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

resource "aws_iam_role_policy" "clip_fetch" {
  name = "archive-footage"
  role = local.role.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          # Listing names no stream, so it cannot be limited to any.
          Sid      = "FindStreams"
          Effect   = "Allow"
          Action   = "kinesisvideo:ListStreams"
          Resource = "*"
        },
        {
          Sid    = "ReadFootage"
          Effect = "Allow"
          Action = [
            "kinesisvideo:GetClip", "kinesisvideo:GetDataEndpoint", "kinesisvideo:GetMediaForFragmentList",
            "kinesisvideo:ListFragments",
          ]
          Resource = local.stream_arns
        },
        {
          Sid      = "WriteClips"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:PutObject"]
          Resource = "${local.bucket_arn}/${local.data_prefix}*"
        },
        {
          Sid      = "WriteRowsOfClips"
          Effect   = "Allow"
          Action   = "s3:PutObject"
          Resource = "${local.bucket_arn}/${local.rows_prefix}*"
        },
        {
          Sid       = "FindNewestClip"
          Effect    = "Allow"
          Action    = "s3:ListBucket"
          Resource  = local.bucket_arn
          Condition = { StringLike = { "s3:prefix" = "${local.data_prefix}*" } }
        },
        {
          Sid      = "WriteLogs"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${local.log_group}:*"
        },
      ],
      # No encryption context: the guide names none for video streams.
      length(compact(local.stream_keys)) == 0 ? [] : [{
        Sid       = "DecryptFootage"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = compact(local.stream_keys)
        Condition = { StringEquals = { "kms:ViaService" = "kinesisvideo.${local.region}.amazonaws.com" } }
      }],
      # With a bucket key the context is the bucket, without one it is the object.
      var.kms_keys.buckets == null ? [] : [{
        Sid      = "EncryptClips"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = var.kms_keys.buckets
        Condition = {
          StringEquals = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" }
          StringLike   = { "kms:EncryptionContext:aws:s3:arn" = [local.bucket_arn, "${local.bucket_arn}/*"] }
        }
      }],
      var.video.failure_destination_arn == null ? [] : [{
        Sid      = "PublishFailures"
        Effect   = "Allow"
        Action   = strcontains(var.video.failure_destination_arn, ":sqs:") ? "sqs:SendMessage" : "sns:Publish"
        Resource = var.video.failure_destination_arn
      }],
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

resource "aws_iam_role_policy" "clip_fetch_surroundings" {
  for_each = toset([for name in [local.function_name] : name if var.vpc != null || var.tracing != null])

  name = "use-network-and-traces"
  role = local.role.name
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
        Condition = { ArnEquals = { "lambda:SourceFunctionArn" = local.function_arn } }
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

resource "aws_lambda_function" "clip_fetch" {
  # checkov:skip=CKV_AWS_116: a lost invocation loses nothing, the next run does its work; video.failure_destination_arn tells of it with more than a dead letter queue would.
  # checkov:skip=CKV_AWS_117: it reaches public AWS endpoints only, over TLS and signed; a VPC would send every clip through a NAT or an endpoint and pay for it.
  # checkov:skip=CKV_AWS_272: the plan names the package by its hash and uploads exactly that; a signing profile is the account's to have, and would bind every user of the module.
  # checkov:skip=CKV_AWS_50: each run reports calls and clips as metrics and in its log; a trace would be paid for by the call and tell nothing more.

  function_name     = local.function_name
  description       = "Archives the footage of ${var.factory}'s cameras as clips."
  role              = local.role.arn
  filename          = var.package.file
  s3_bucket         = try(var.package.s3.bucket, null)
  s3_key            = try(var.package.s3.key, null)
  s3_object_version = try(var.package.s3.object_version, null)
  source_code_hash  = var.package.file == null ? var.package.s3.source_code_hash : filebase64sha256(var.package.file)
  handler           = "clip_fetch.handler.handler"
  runtime           = var.lambda.runtime
  architectures     = [var.lambda.architecture]
  memory_size       = var.video.memory_mb
  # The role needs no permission for it: Lambda is granted the key by whoever makes the function.
  kms_key_arn = var.kms_keys.functions
  timeout     = var.video.timeout_seconds

  reserved_concurrent_executions = var.video.reserved_concurrency
  tags                           = var.tags

  ephemeral_storage {
    size = var.video.ephemeral_storage_mb
  }

  environment {
    variables = {
      FACTORY           = var.factory
      CLIPS_BUCKET      = var.clips_bucket
      STREAM_PREFIX     = local.stream_prefix
      CLIP_SECONDS      = tostring(var.video.clip_seconds)
      SETTLE_SECONDS    = tostring(var.video.settle_seconds)
      QUIET_SECONDS     = tostring(var.video.quiet_seconds)
      GAP_SECONDS       = tostring(var.video.gap_seconds)
      STREAMS_AT_ONCE   = tostring(var.video.streams_at_once)
      START_FROM        = var.video.start_from
      METRICS_NAMESPACE = var.metrics_namespace
      LOG_LEVEL         = var.video.log_level
    }
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
    log_group  = local.function_log_group.name
    log_format = var.lambda.log_format
    # The function prints its own lines, already at the level it was told. Levels belong to the JSON format alone.
    application_log_level = var.lambda.log_format == "JSON" ? "INFO" : null
    system_log_level      = var.lambda.log_format == "JSON" ? "INFO" : null
  }

  lifecycle {
    precondition {
      condition     = length(local.validation_errors) == 0
      error_message = join("\n", local.validation_errors)
    }
  }

  depends_on = [local.role_policies]
}

# A failed run has lost nothing: the next one does its work. So Lambda repeats it once or twice and does not keep it
# for hours.
resource "aws_lambda_function_event_invoke_config" "clip_fetch" {
  function_name                = local.function.function_name
  maximum_retry_attempts       = var.video.retries
  maximum_event_age_in_seconds = local.event_age_seconds

  dynamic "destination_config" {
    for_each = var.video.failure_destination_arn == null ? [] : [var.video.failure_destination_arn]

    content {
      on_failure {
        destination = destination_config.value
      }
    }
  }
}

locals {
  # EventBridge takes five targets a rule.
  targets_per_rule = 5
  rules = {
    for rule in range(ceil(max(1, var.video.shards) / local.targets_per_rule)) :
    (rule == 0 ? local.function_name : "${local.function_name}-${rule}") => [
      for shard in range(rule * local.targets_per_rule, min((rule + 1) * local.targets_per_rule, var.video.shards)) :
      shard
    ]
  }
  targets = merge([
    for rule, shards in local.rules : { for shard in shards : "shard-${shard}" => { rule = rule, shard = shard } }
  ]...)

  # An event that waits longer than until the next one is not needed any more; Lambda keeps one for 60 s at least. Of a
  # cron schedule the distance is not known.
  schedule_parts = try(regex("^rate\\(([0-9]+) (minute|hour|day)s?\\)$", var.video.schedule), null)
  cron_fields = try(
    regex(
      join(" ", [
        "^cron\\(([0-9A-Z,*/?#-]+) ([0-9A-Z,*/?#-]+) ([0-9A-Z,*/?#-]+) ([0-9A-Z,*/?#-]+) ([0-9A-Z,*/?#-]+)",
        "([0-9A-Z,*/?#-]+)\\)$",
      ]),
      var.video.schedule
    ),
    null
  )
  schedule_seconds = (
    local.schedule_parts == null
    ? null
    : tonumber(local.schedule_parts[0]) * { minute = 60, hour = 3600, day = 86400 }[local.schedule_parts[1]]
  )
  event_age_seconds = min(21600, max(60, coalesce(local.schedule_seconds, 3600)))
}

resource "aws_cloudwatch_event_rule" "clip_fetch" {
  for_each = local.rules

  name                = each.key
  description         = "Starts the archiving of ${var.factory}'s footage."
  schedule_expression = var.video.schedule
  tags                = var.tags
}

resource "aws_cloudwatch_event_target" "clip_fetch" {
  for_each = local.targets

  rule      = local.schedule_rules[each.value.rule].name
  target_id = each.key
  arn       = local.function.arn
  input     = jsonencode({ shard = each.value.shard, shards = var.video.shards })
}

resource "aws_lambda_permission" "schedule" {
  for_each = local.rules

  statement_id   = each.key
  function_name  = local.function.function_name
  action         = "lambda:InvokeFunction"
  principal      = "events.amazonaws.com"
  source_arn     = local.schedule_rules[each.key].arn
  source_account = local.account
}
