mock_provider "aws" {
  source = "../mocks"
}

variables {
  name               = "plant-lake"
  factory            = "krakow"
  cameras            = { press-1 = {}, oven = {} }
  clips_bucket       = "plant-lake-clips"
  clip_fetch_package = "versions.tf" # any file: it is only read for its hash
}

# One plan for all: each costs a start of the provider.
run "archives_and_watches_two_cameras" {
  command = plan

  assert {
    condition = { for camera, stream in aws_kinesis_video_stream.camera : camera => stream.name } == {
      press-1 = "plant-lake_krakow_press-1"
      oven    = "plant-lake_krakow_oven"
    }
    error_message = "A stream's name is the lake, the factory and the camera."
  }

  assert {
    condition = alltrue([
      for stream in aws_kinesis_video_stream.camera :
      stream.data_retention_in_hours == 24 && stream.media_type == "video/h264"
    ])
    error_message = "Footage is kept for a day by default."
  }

  assert {
    condition     = length(aws_kinesis_video_stream.unprotected) == 0
    error_message = "Streams are protected unless the lake is to be thrown away."
  }

  assert {
    condition = aws_lambda_function.clip_fetch.environment[0].variables == tomap({
      FACTORY           = "krakow"
      CLIPS_BUCKET      = "plant-lake-clips"
      STREAM_PREFIX     = "plant-lake_krakow_"
      CLIP_SECONDS      = "60"
      SETTLE_SECONDS    = "15"
      QUIET_SECONDS     = "120"
      GAP_SECONDS       = "5"
      STREAMS_AT_ONCE   = "4"
      START_FROM        = "oldest"
      METRICS_NAMESPACE = "FactoryLake"
      LOG_LEVEL         = "INFO"
    })
    error_message = "These are the variables that the function reads."
  }

  assert {
    condition = (
      aws_lambda_function.clip_fetch.function_name == "plant-lake-krakow-clip-fetch"
      && aws_lambda_function.clip_fetch.handler == "clip_fetch.handler.handler"
      && aws_lambda_function.clip_fetch.runtime == "python3.13"
      && aws_lambda_function.clip_fetch.timeout == 300
      && aws_lambda_function.clip_fetch.memory_size == 512
      && aws_lambda_function.clip_fetch.ephemeral_storage[0].size == 512
      && aws_lambda_function.clip_fetch.source_code_hash == filebase64sha256("versions.tf")
    )
    error_message = "The function has these defaults, and its hash is its package's."
  }

  assert {
    condition = toset(flatten([
      for statement in jsondecode(aws_iam_role_policy.clip_fetch.policy).Statement : statement.Action
      ])) == toset([
      "kinesisvideo:ListStreams", "kinesisvideo:GetClip", "kinesisvideo:GetDataEndpoint",
      "kinesisvideo:GetMediaForFragmentList",
      "kinesisvideo:ListFragments", "s3:GetObject", "s3:PutObject", "s3:ListBucket", "logs:CreateLogStream",
      "logs:PutLogEvents",
    ])
    error_message = "These actions are all that the function needs."
  }

  assert {
    condition = {
      for name, rule in aws_cloudwatch_event_rule.clip_fetch : name => rule.schedule_expression
    } == { "plant-lake-krakow-clip-fetch" = "rate(5 minutes)" }
    error_message = "One rule starts the function."
  }

  assert {
    condition = {
      for id, target in aws_cloudwatch_event_target.clip_fetch : id => jsondecode(target.input)
    } == { shard-0 = { shard = 0, shards = 1 } }
    error_message = "One shard has all cameras."
  }

  assert {
    condition = (
      aws_lambda_function_event_invoke_config.clip_fetch.maximum_retry_attempts == 1
      && aws_lambda_function_event_invoke_config.clip_fetch.maximum_event_age_in_seconds == 300
      && length(aws_lambda_function_event_invoke_config.clip_fetch.destination_config) == 0
    )
    error_message = "A failed run is repeated once, and not after the next one was due."
  }

  assert {
    condition     = length(output.retention_changes) == 0
    error_message = "Nothing is to be changed."
  }

  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.video : key => join(" ", [
      alarm.metric_name, join(
        "+",
        keys(alarm.dimensions)
      ), alarm.statistic, alarm.comparison_operator == "GreaterThanThreshold" ? ">" : "<", alarm.threshold,
      "${alarm.period} s", "${alarm.datapoints_to_alarm}/${alarm.evaluation_periods}", alarm.treat_missing_data,
      ]) } == {
      footage-at-risk                           = "SecondsToLoss Factory Minimum < 1800 300 s 1/1 ignore"
      footage-expired                           = "ExpiredSeconds Factory Sum > 0 300 s 1/1 notBreaching"
      cameras-failed                            = "Errors Factory Sum > 0 300 s 2/3 notBreaching"
      clips-flagged                             = "Flagged Factory Sum > 0 300 s 1/1 notBreaching"
      runs-failed                               = "Errors FunctionName Sum > 0 300 s 1/1 notBreaching"
      runs-throttled                            = "Throttles FunctionName Sum > 0 300 s 2/3 notBreaching"
      not-running                               = "Invocations FunctionName Sum < 1 600 s 1/1 breaching"
      press-1-camera-at-risk                    = "SecondsToLoss Camera+Factory Minimum < 1800 300 s 1/1 ignore"
      press-1-camera-silent                     = "SilentSeconds Camera+Factory Maximum > 3600 300 s 1/1 ignore"
      oven-camera-at-risk                       = "SecondsToLoss Camera+Factory Minimum < 1800 300 s 1/1 ignore"
      oven-camera-silent                        = "SilentSeconds Camera+Factory Maximum > 3600 300 s 1/1 ignore"
      plant-lake-krakow-clip-fetch-start-failed = "FailedInvocations RuleName Sum > 0 300 s 1/1 notBreaching"
    }
    error_message = "Each way to lose footage has its alarm, also with nobody to notify."
  }

  assert {
    condition = (
      output.alarms["press-1-camera-silent"] == "plant-lake-krakow-clip-fetch-press-1-camera-silent"
      && output.alarms["not-running"] == "plant-lake-krakow-clip-fetch-not-running"
      && output.alarms["plant-lake-krakow-clip-fetch-start-failed"] == "plant-lake-krakow-clip-fetch-start-failed"
      && alltrue([
        for key, alarm in aws_cloudwatch_metric_alarm.video :
        alarm.alarm_description
        == "${local.video_alarms[key].subject}: ${local.alarm_descriptions[local.video_alarms[key].kind]}"
        && endswith(alarm.alarm_name, "-${local.video_alarms[key].kind}")
      ])
      && alltrue([
        for alarm in aws_cloudwatch_metric_alarm.video :
        length(alarm.alarm_actions) == 0 && length(alarm.ok_actions) == 0
      ])
    )
    error_message = "An alarm says whose it is and what it means."
  }
}
