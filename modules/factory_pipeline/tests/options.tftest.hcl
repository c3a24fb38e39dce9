mock_provider "aws" {
  source = "../mocks"
}

variables {
  name     = "plant-lake"
  factory  = "krakow"
  gateways = ["line-1"]
  csr_dir  = "tests/testdata/csr"
  # Any file will do for a plan.
  package = { file = "versions.tf" }
  buckets = {
    measurements  = "lake-measurements"
    configuration = "lake-configuration"
  }
  measurements_table = {
    database = "plant_lake"
    name     = "measurements"
  }
}

run "each_option_reaches_its_own_lane" {
  command = plan

  variables {
    lanes = {
      measurements = {
        stream = { shards = 2, retention_hours = 168 }
        delivery = {
          buffer_mb         = 64
          buffer_seconds    = 60
          retry_seconds     = 7200
          transform_buffer  = { mb = 0.5, seconds = 10 }
          transform_retries = 100
        }
        transform = {
          memory_mb            = 1024
          timeout_seconds      = 300
          reserved_concurrency = 4
          blank_strings        = "null"
          past_days            = 9000
          future_days          = 0
          log_level            = "DEBUG"
        }
      }
      configuration = { stream = { on_demand = true } }
    }
    lambda             = { runtime = "python3.8", architecture = "arm64", log_format = "Text" }
    metrics_namespace  = "Plants"
    log_retention_days = 0
  }

  assert {
    condition = (
      aws_kinesis_stream.lane["measurements"].stream_mode_details[0].stream_mode == "PROVISIONED"
      && aws_kinesis_stream.lane["measurements"].shard_count == 2
      && aws_kinesis_stream.lane["measurements"].retention_period == 168
      && aws_kinesis_stream.lane["configuration"].stream_mode_details[0].stream_mode == "ON_DEMAND"
      && aws_kinesis_stream.lane["configuration"].shard_count == null
    )
    error_message = "Shards, or to leave them to AWS, are a choice per lane."
  }

  assert {
    condition = (
      aws_kinesis_firehose_delivery_stream.lane["measurements"].extended_s3_configuration[0].buffering_size == 64
      && aws_kinesis_firehose_delivery_stream.lane["measurements"].extended_s3_configuration[0].buffering_interval
      == 60
      && aws_kinesis_firehose_delivery_stream.lane["measurements"].extended_s3_configuration[0]
      .dynamic_partitioning_configuration[0].retry_duration == 7200
      && aws_kinesis_firehose_delivery_stream.lane["configuration"].extended_s3_configuration[0].buffering_size == 128
    )
    error_message = "Buffers and retries are a choice per lane."
  }

  assert {
    condition = {
      for parameter in aws_kinesis_firehose_delivery_stream.lane["measurements"].extended_s3_configuration[0]
      .processing_configuration[0].processors[0].parameters :
      parameter.parameter_name => parameter.parameter_value if parameter.parameter_name != "LambdaArn"
    } == { BufferSizeInMBs = "0.5", BufferIntervalInSeconds = "10", NumberOfRetries = "100" }
    error_message = "What differs from AWS's defaults is given to the processor."
  }

  assert {
    condition = (
      aws_lambda_function.transform["measurements"].memory_size == 1024
      && aws_lambda_function.transform["measurements"].timeout == 300
      && aws_lambda_function.transform["measurements"].reserved_concurrent_executions == 4
      && aws_lambda_function.transform["configuration"].memory_size == 512
    )
    error_message = "The function's size is a choice per lane."
  }

  assert {
    condition = aws_lambda_function.transform["measurements"].environment[0].variables == tomap({
      FACTORY               = "krakow"
      LANE                  = "measurements"
      BLANK_STRINGS         = "null"
      TIMESTAMP_PAST_DAYS   = "9000"
      TIMESTAMP_FUTURE_DAYS = "0"
      METRICS_NAMESPACE     = "Plants"
      LOG_LEVEL             = "DEBUG"
      STREAM_NAME           = "plant-lake-krakow-measurements"
    })
    error_message = "The transform's rules are a choice per lane."
  }

  assert {
    condition = alltrue([
      for function in aws_lambda_function.transform :
      function.runtime == "python3.8"
      && function.architectures == tolist(["arm64"])
      && function.logging_config[0].log_format == "Text"
      && function.logging_config[0].application_log_level == null
      && function.logging_config[0].system_log_level == null
    ])
    error_message = "What functions run on is a choice for all of them; text logs have no levels."
  }

  assert {
    condition = alltrue([
      for group in concat(values(aws_cloudwatch_log_group.transform), values(aws_cloudwatch_log_group.delivery)) :
      group.retention_in_days == 0
    ])
    error_message = "Logs may be kept for ever."
  }
}

run "own_keys_come_with_the_permissions_to_use_them" {
  command = plan

  variables {
    kms_keys = {
      buckets   = "arn:aws:kms:eu-central-1:111122223333:key/aaaaaaaa-018e-4e65-a703-eff731de951e"
      streams   = "arn:aws:kms:eu-central-1:111122223333:key/bbbbbbbb-018e-4e65-a703-eff731de951e"
      logs      = "arn:aws:kms:eu-central-1:111122223333:key/cccccccc-018e-4e65-a703-eff731de951e"
      functions = "arn:aws:kms:eu-central-1:111122223333:key/dddddddd-018e-4e65-a703-eff731de951e"
    }
  }

  assert {
    condition = (
      alltrue([for stream in aws_kinesis_stream.lane : stream.kms_key_id == var.kms_keys.streams])
      && alltrue([
        for group in concat(values(aws_cloudwatch_log_group.transform), values(aws_cloudwatch_log_group.delivery)) :
        group.kms_key_id == var.kms_keys.logs
      ])
      && alltrue([for function in aws_lambda_function.transform : function.kms_key_arn == var.kms_keys.functions])
    )
    error_message = "Streams, logs and functions are encrypted with the keys given."
  }

  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.rule["measurements"].policy).Statement :
      statement.Sid => join(" ", [
        "${join(" ", statement.Action)} on ${join(" ", statement.Resource)}",
        "${jsonencode(statement.Condition)}",
      ])
      if can(statement.Condition)
      } == {
      EncryptForOwnStream = "kms:GenerateDataKey on ${var.kms_keys.streams} ${jsonencode({
        StringEquals = { "kms:ViaService" = "kinesis.eu-central-1.amazonaws.com" }
        StringLike = {
          "kms:EncryptionContext:aws:kinesis:arn" = (
            "arn:aws:kinesis:eu-central-1:111122223333:stream/plant-lake-krakow-measurements"
          )
        }
      })}"
      EncryptFailedRecords = "kms:GenerateDataKey on ${var.kms_keys.buckets} ${jsonencode({
        StringEquals = { "kms:ViaService" = "s3.eu-central-1.amazonaws.com" }
        StringLike = {
          "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::lake-measurements", "arn:aws:s3:::lake-measurements/*"]
        }
      })}"
    }
    error_message = "A rule may encrypt for its own stream and bucket."
  }

  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.delivery["configuration"].policy).Statement :
      statement.Sid => join(" ", [
        "${join(" ", statement.Action)} on ${join(" ", statement.Resource)}",
        "${jsonencode(statement.Condition)}",
      ])
      if startswith(statement.Action[0], "kms:")
      } == {
      DecryptOwnStream = "kms:Decrypt on ${var.kms_keys.streams} ${jsonencode({
        StringEquals = { "kms:ViaService" = "kinesis.eu-central-1.amazonaws.com" }
        StringLike = {
          "kms:EncryptionContext:aws:kinesis:arn" = (
            "arn:aws:kinesis:eu-central-1:111122223333:stream/plant-lake-krakow-configuration"
          )
        }
      })}"
      EncryptObjects = "kms:Decrypt kms:GenerateDataKey on ${var.kms_keys.buckets} ${jsonencode({
        StringEquals = { "kms:ViaService" = "s3.eu-central-1.amazonaws.com" }
        StringLike = {
          "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::lake-configuration", "arn:aws:s3:::lake-configuration/*"]
        }
      })}"
    }
    error_message = "A delivery may decrypt its own stream, and encrypt for its own bucket."
  }

  assert {
    condition = {
      for lane, policy in aws_iam_role_policy.put_back :
      lane => [for statement in jsondecode(policy.policy).Statement : statement if can(statement.Condition)]
      } == {
      measurements = [{
        Sid      = "EncryptForOwnStream"
        Effect   = "Allow"
        Action   = ["kms:GenerateDataKey"]
        Resource = [var.kms_keys.streams]
        Condition = {
          StringEquals = { "kms:ViaService" = "kinesis.eu-central-1.amazonaws.com" }
          StringLike = {
            "kms:EncryptionContext:aws:kinesis:arn" = (
              "arn:aws:kinesis:eu-central-1:111122223333:stream/plant-lake-krakow-measurements"
            )
          }
        }
      }]
    }
    error_message = "A transform may encrypt what it puts back into its own stream."
  }
}

run "alarms_fire_when_and_where_they_are_told" {
  command = plan

  variables {
    alarm_actions    = ["arn:aws:sns:eu-central-1:111122223333:lake-alarms"]
    runbook_base_url = "https://git.example.com/lake/docs/runbook"
    lanes = {
      measurements = {
        stream    = { retention_hours = 24 }
        delivery  = { buffer_seconds = 900 }
        transform = { timeout_seconds = 200 }
      }
      configuration = {}
    }
    alarms = {
      disabled                  = ["read-throttled", "rule-quarantined"]
      retention_share           = 0.25
      unread_minutes            = 20
      write_throttled_records   = 1
      delivery_success_share    = 0.9
      behind_seconds            = 60
      transform_success_share   = 0.8
      unprocessed_share         = 0.2
      rejected_share            = 0.3
      min_records               = 7
      conversion_failed_records = 4
      rule_failures             = 5
      transform_errors          = 6
      transform_throttles       = 8
      transform_timeout_share   = 0.5
    }
  }

  assert {
    condition = {
      for key, alarm in aws_cloudwatch_metric_alarm.lane :
      trimprefix(key, "measurements-") => alarm.threshold if startswith(key, "measurements-")
      } == {
      time-to-loss           = 21600000
      unread                 = 1
      write-throttled        = 1
      data-freshness         = 2700
      delivery-failed        = 0.9
      behind-latest          = 60000
      transform-calls-failed = 0.8
      unprocessed            = 0.2
      conversion-failed      = 4
      partitions-exceeded    = 0
      rejected               = 0.3
      rule-failed            = 5
      rule-lost              = 0
      rule-throttled         = 0
      transform-errors       = 6
      transform-throttled    = 8
      transform-slow         = 100000
    }
    error_message = "Thresholds are as asked, or of the lane's own settings; unwanted alarms are not there."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.lane["measurements-unread"].period == 1200
      && aws_cloudwatch_metric_alarm.lane["configuration-data-freshness"].threshold == 900
      && strcontains(
        jsonencode(aws_cloudwatch_metric_alarm.lane["measurements-rejected"].metric_query),
        "received \\u003e= 7,"
      )
      && strcontains(
        jsonencode(aws_cloudwatch_metric_alarm.lane["measurements-unprocessed"].metric_query),
        "read \\u003e= 7,"
      )
    )
    error_message = "Periods and least numbers are as asked, and each lane has its own buffer."
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.lane :
      alarm.alarm_actions == toset(["arn:aws:sns:eu-central-1:111122223333:lake-alarms"])
      && alarm.ok_actions == alarm.alarm_actions
    ])
    error_message = "An alarm tells of trouble and of its end."
  }

  assert {
    condition = alltrue([
      for key, alarm in aws_cloudwatch_metric_alarm.lane :
      endswith(
        alarm.alarm_description,
        " Runbook: https://git.example.com/lake/docs/runbook/${local.lane_alarms[key].kind}.md"
      )
    ])
    error_message = "A description ends with the link to the alarm's page."
  }
}

run "a_factory_may_have_no_gateway_yet" {
  command = plan

  variables {
    gateways = []
    alarms   = { freshness_seconds = 600, read_throttled_calls = 9 }
  }

  assert {
    condition = (
      length(aws_iot_thing.identity) == 0
      && length(aws_iot_certificate.identity) == 0
      && length(aws_iot_topic_rule.lane) == 2
    )
    error_message = "The pipeline stands before its first gateway."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.lane["measurements-data-freshness"].threshold == 600
      && aws_cloudwatch_metric_alarm.lane["measurements-read-throttled"].threshold == 9
    )
    error_message = "Thresholds for waiting and throttling are as asked too."
  }
}

run "the_provider_decides_region_and_partition" {
  command = plan

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-cn" }
  }

  override_data {
    target = data.aws_region.current
    values = { name = "cn-north-1" }
  }

  assert {
    condition = (
      jsondecode(aws_iam_role_policy.rule["measurements"].policy).Statement[0].Resource == [
        "arn:aws-cn:kinesis:cn-north-1:111122223333:stream/plant-lake-krakow-measurements"
      ]
      && aws_kinesis_firehose_delivery_stream.lane["measurements"].extended_s3_configuration[0].bucket_arn
      == "arn:aws-cn:s3:::lake-measurements"
    )
    error_message = "ARNs follow the provider."
  }
}

run "a_lake_that_is_thrown_away_has_streams_that_may_go" {
  command = plan

  variables {
    force_destroy = true
  }

  assert {
    condition = (
      { for lane, stream in aws_kinesis_stream.unprotected : lane => stream.name } == output.data_streams
      && length(aws_kinesis_stream.unprotected) == 2 && length(aws_kinesis_stream.lane) == 0
      && length(terraform_data.kept_delivery_stream) == 0
    )
    error_message = "Neither data streams nor delivery streams are kept."
  }

  assert {
    condition = alltrue([
      for lane, stream in aws_kinesis_stream.unprotected :
      stream.stream_mode_details[0].stream_mode == "PROVISIONED"
      && stream.shard_count == 1
      && stream.retention_period == 72
      && stream.encryption_type == "KMS" && stream.kms_key_id == "alias/aws/kinesis"
    ])
    error_message = "In all else they are like those that are kept."
  }
}

run "takes_a_longer_retention_a_first_key_and_twice_or_half_the_shards" {
  command = plan

  variables {
    kms_keys = { streams = "arn:aws:kms:eu-central-1:111122223333:key/0d990263-018e-4e65-a703-eff731de951e" }
    lanes = {
      measurements  = { stream = { retention_hours = 73, shards = 2 } }
      configuration = { stream = { retention_hours = 72, shards = 6 } }
    }
  }

  override_resource {
    target          = aws_kinesis_stream.lane
    override_during = plan
    values          = { arn = "arn:aws:kinesis:eu-central-1:111122223333:stream/current" }
  }

  override_data {
    target = data.aws_kinesis_stream.current
    values = { retention_period = 72, kms_key_id = "alias/aws/kinesis", open_shards = ["1", "2", "3"] }
  }

  assert {
    condition = (
      aws_kinesis_stream.lane["measurements"].retention_period == 73
      && data.aws_kinesis_stream.current["measurements"].retention_period == 72
      && [for lane in ["measurements", "configuration"] : aws_kinesis_stream.lane[lane].shard_count] == [2, 6]
    )
    error_message = "What keeps messages readable, and a step that Kinesis takes, is changed by an apply."
  }
}

# The same request, as an editor, another system or a mail program leaves it.
run "a_request_counts_and_not_its_bytes" {
  # Roles and functions would need ARNs that look like some.
  plan_options {
    target = [aws_iot_certificate.identity]
  }

  variables {
    csr_dir = "tests/testdata/csr-spellings"
  }

  assert {
    condition = toset([
      for path, certificate in aws_iot_certificate.identity : basename(path)
      if certificate.csr == file("tests/testdata/csr/krakow-line-1-measurements/2026-01-15.pem")
      ]) == toset([
      "76-columns.pem", "blanks.pem", "cr.pem", "crlf.pem", "lf.pem", "no-last-newline.pem", "one-line.pem",
      "text-around.pem",
    ])
    error_message = "The certificate is made from the request as OpenSSL writes it."
  }
}

run "refuses_another_request_under_the_name_of_a_certificate" {
  command = plan

  plan_options {
    target = [aws_iot_certificate.identity]
  }

  variables {
    csr_dir = "tests/testdata/csr-swapped"
  }

  expect_failures = [aws_iot_certificate.identity["krakow-line-1-measurements/crlf.pem"]]
}
