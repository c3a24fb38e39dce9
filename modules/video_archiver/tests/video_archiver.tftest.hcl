mock_provider "aws" {
  source = "../mocks"
}

variables {
  name         = "plant-lake"
  factory      = "krakow"
  cameras      = { press-1 = {}, oven = {} }
  clips_bucket = "plant-lake-clips"
  package      = { file = "versions.tf" } # any file: it is only read for its hash
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
      for statement in jsondecode(aws_iam_role_policy.clip_fetch.policy).Statement :
      statement.Sid => [statement.Action, statement.Resource]
      if startswith(statement.Sid, "Write") && statement.Sid != "WriteLogs"
      } == {
      WriteClips       = [["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::plant-lake-clips/factory=krakow/*"]
      WriteRowsOfClips = ["s3:PutObject", "arn:aws:s3:::plant-lake-clips/index/factory=krakow/*"]
    }
    error_message = "It writes its factory's clips and their rows, and reads no rows."
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

run "encrypts_with_the_keys_that_are_given" {
  command = plan

  variables {
    cameras = {
      press-1 = { kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/footage" }
      oven    = { kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/footage" }
      gate    = {}
    }
    kms_keys = {
      buckets   = "arn:aws:kms:eu-central-1:111122223333:key/buckets"
      video     = "arn:aws:kms:eu-central-1:111122223333:key/video"
      logs      = "arn:aws:kms:eu-central-1:111122223333:key/logs"
      functions = "arn:aws:kms:eu-central-1:111122223333:key/functions"
    }
  }

  assert {
    condition = { for camera, stream in aws_kinesis_video_stream.camera : camera => stream.kms_key_id } == {
      press-1 = "arn:aws:kms:eu-central-1:111122223333:key/footage"
      oven    = "arn:aws:kms:eu-central-1:111122223333:key/footage"
      gate    = var.kms_keys.video
    }
    error_message = "A camera's key encrypts its stream, else the key of the factory's video does."
  }

  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.clip_fetch.policy).Statement :
      statement.Sid => [statement.Action, statement.Resource, statement.Condition]
      if strcontains(statement.Sid, "crypt")
      } == {
      DecryptFootage = [
        "kms:Decrypt",
        ["arn:aws:kms:eu-central-1:111122223333:key/video", "arn:aws:kms:eu-central-1:111122223333:key/footage"],
        { StringEquals = { "kms:ViaService" = "kinesisvideo.eu-central-1.amazonaws.com" } },
      ]
      EncryptClips = [
        ["kms:Decrypt", "kms:GenerateDataKey"],
        "arn:aws:kms:eu-central-1:111122223333:key/buckets",
        {
          StringEquals = { "kms:ViaService" = "s3.eu-central-1.amazonaws.com" }
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::plant-lake-clips", "arn:aws:s3:::plant-lake-clips/*"]
          }
        },
      ]
    }
    error_message = "The role may use the keys of the streams and of the bucket, each once."
  }

  assert {
    condition = (
      aws_cloudwatch_log_group.clip_fetch.kms_key_id == var.kms_keys.logs
      && aws_lambda_function.clip_fetch.kms_key_arn == var.kms_keys.functions
    )
    error_message = "The log and the function have the keys meant for them."
  }
}

run "shares_the_cameras_among_shards_five_a_rule" {
  command = plan

  variables {
    video = { shards = 7, schedule = "rate(1 minute)", reserved_concurrency = 14 }
  }

  assert {
    condition = {
      for id, target in aws_cloudwatch_event_target.clip_fetch : id => [target.rule, jsondecode(target.input)]
      } == {
      for shard in range(7) : "shard-${shard}" => [
        shard < 5 ? "plant-lake-krakow-clip-fetch" : "plant-lake-krakow-clip-fetch-1", { shard = shard, shards = 7 }
      ]
    }
    error_message = "Each shard is a target, and a rule takes five."
  }

  assert {
    condition = keys(aws_lambda_permission.schedule) == [
      "plant-lake-krakow-clip-fetch", "plant-lake-krakow-clip-fetch-1",
    ]
    error_message = "Each rule may invoke the function."
  }

  assert {
    condition = (
      aws_lambda_function.clip_fetch.reserved_concurrent_executions == 14
      && aws_lambda_function_event_invoke_config.clip_fetch.maximum_event_age_in_seconds == 60
    )
    error_message = "Concurrency is reserved as asked, and an event does not outlive the next one."
  }
}

run "runs_that_are_rare_tell_a_queue_when_they_failed_for_good" {
  command = plan

  variables {
    video = {
      failure_destination_arn = "arn:aws:sqs:eu-central-1:111122223333:failed"
      retries                 = 0
      schedule                = "cron(0 2 * * ? *)"
    }
  }

  assert {
    condition = (
      aws_lambda_function_event_invoke_config.clip_fetch.destination_config[0].on_failure[0].destination
      == "arn:aws:sqs:eu-central-1:111122223333:failed"
      && aws_lambda_function_event_invoke_config.clip_fetch.maximum_retry_attempts == 0
      && aws_lambda_function_event_invoke_config.clip_fetch.maximum_event_age_in_seconds == 3600
    )
    error_message = "Failed invocations go to the queue."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.clip_fetch.policy).Statement :
      [statement.Action, statement.Resource] if statement.Sid == "PublishFailures"
    ] == [["sqs:SendMessage", "arn:aws:sqs:eu-central-1:111122223333:failed"]]
    error_message = "The role may send to the queue."
  }

  assert {
    condition = {
      for key in ["not-running", "cameras-failed", "runs-throttled"] :
      key => join(" ", [
        "${aws_cloudwatch_metric_alarm.video[key].period}",
        join("/", [
          aws_cloudwatch_metric_alarm.video[key].datapoints_to_alarm,
          aws_cloudwatch_metric_alarm.video[key].evaluation_periods,
        ]),
      ])
    } == { not-running = "86400 1/1", cameras-failed = "86400 1/1", runs-throttled = "86400 1/1" }
    error_message = "An alarm cannot look back on three runs that are a day apart."
  }
}

run "alarms_follow_retention_and_schedule" {
  command = plan

  variables {
    cameras       = { press-1 = { retention_hours = 2 }, oven = { retention_hours = 48 } }
    video         = { shards = 6, schedule = "rate(10 minutes)" }
    alarm_actions = ["arn:aws:sns:eu-central-1:111122223333:on-call"]
  }

  assert {
    condition = {
      for key in ["footage-at-risk", "press-1-camera-at-risk", "oven-camera-at-risk"] :
      key => aws_cloudwatch_metric_alarm.video[key].threshold
      } == {
      footage-at-risk        = 900
      press-1-camera-at-risk = 900
      oven-camera-at-risk    = 1800
    }
    error_message = "A camera's retention decides when its footage is at risk, and the shortest when some is."
  }

  assert {
    condition = {
      for key in [
        "not-running", "plant-lake-krakow-clip-fetch-not-started", "plant-lake-krakow-clip-fetch-1-not-started",
        "cameras-failed", "runs-throttled",
      ] :
      key => aws_cloudwatch_metric_alarm.video[key].period
      } == {
      not-running                                = 1200
      plant-lake-krakow-clip-fetch-not-started   = 1200
      plant-lake-krakow-clip-fetch-1-not-started = 1200
      cameras-failed                             = 600
      runs-throttled                             = 600
    }
    error_message = "The schedule decides when a run is missing, of the function and of each of several schedules."
  }

  assert {
    condition = alltrue([
      for key, alarm in aws_cloudwatch_metric_alarm.video :
      alarm.treat_missing_data == "breaching"
      && alarm.namespace == "AWS/Events"
      && alarm.metric_name == "Invocations"
      && alarm.dimensions == tomap({ RuleName = trimsuffix(key, "-not-started") })
      if endswith(key, "-not-started")
    ])
    error_message = "A schedule that starts nothing reports nothing."
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.video :
      alarm.alarm_actions == toset(["arn:aws:sns:eu-central-1:111122223333:on-call"])
      && alarm.ok_actions == alarm.alarm_actions
    ])
    error_message = "An alarm tells of trouble and of its end."
  }
}

run "alarms_fire_when_and_where_they_are_told" {
  command = plan

  variables {
    cameras          = { press-1 = {} }
    video            = { shards = 6 }
    runbook_base_url = "https://git.example.com/lake/docs/runbook"
    alarms = {
      disabled            = ["footage-at-risk", "not-started"]
      loss_seconds        = 7200
      silent_seconds      = 60
      expired_seconds     = 1
      flagged_clips       = 2
      failed_cameras      = 3
      failed_runs         = 4
      throttled_runs      = 5
      failed_starts       = 6
      not_running_seconds = 7200
    }
  }

  assert {
    condition = {
      for key, alarm in aws_cloudwatch_metric_alarm.video : key => "${alarm.threshold} ${alarm.period}"
      } == {
      footage-expired                             = "1 300"
      clips-flagged                               = "2 300"
      cameras-failed                              = "3 300"
      runs-failed                                 = "4 300"
      runs-throttled                              = "5 300"
      not-running                                 = "1 7200"
      press-1-camera-at-risk                      = "7200 300"
      press-1-camera-silent                       = "60 300"
      plant-lake-krakow-clip-fetch-start-failed   = "6 300"
      plant-lake-krakow-clip-fetch-1-start-failed = "6 300"
    }
    error_message = "Thresholds are as asked; alarms that are not wanted are not there."
  }

  assert {
    condition = alltrue([
      for key, alarm in aws_cloudwatch_metric_alarm.video :
      endswith(
        alarm.alarm_description,
        " Runbook: https://git.example.com/lake/docs/runbook/${local.video_alarms[key].kind}.md"
      )
    ])
    error_message = "A description ends with the link to the alarm's page."
  }
}

run "runs_on_other_runtimes_and_log_formats" {
  command = plan

  variables {
    cameras = {}
    lambda  = { runtime = "python3.8", architecture = "arm64", log_format = "Text" }
    video = {
      clip_seconds         = 10
      settle_seconds       = 2
      quiet_seconds        = 20
      gap_seconds          = 3
      start_from           = "now"
      log_level            = "DEBUG"
      streams_at_once      = 8
      ephemeral_storage_mb = 1024
      memory_mb            = 1024
      timeout_seconds      = 900
    }
    log_retention_days = 1
    metrics_namespace  = "Plant"
  }

  assert {
    condition = (
      aws_lambda_function.clip_fetch.runtime == "python3.8"
      && tolist(aws_lambda_function.clip_fetch.architectures) == tolist(["arm64"])
      && aws_lambda_function.clip_fetch.logging_config[0].application_log_level == null
      && aws_lambda_function.clip_fetch.timeout == 900
      && aws_lambda_function.clip_fetch.memory_size == 1024
      && aws_lambda_function.clip_fetch.ephemeral_storage[0].size == 1024
      && aws_cloudwatch_log_group.clip_fetch.retention_in_days == 1
    )
    error_message = "The function is as asked."
  }

  assert {
    condition = {
      for key in [
        "CLIP_SECONDS", "SETTLE_SECONDS", "QUIET_SECONDS", "GAP_SECONDS", "START_FROM", "LOG_LEVEL", "STREAMS_AT_ONCE",
        "METRICS_NAMESPACE",
      ] :
      key => aws_lambda_function.clip_fetch.environment[0].variables[key]
      } == {
      CLIP_SECONDS      = "10"
      SETTLE_SECONDS    = "2"
      QUIET_SECONDS     = "20"
      GAP_SECONDS       = "3"
      START_FROM        = "now"
      LOG_LEVEL         = "DEBUG"
      STREAMS_AT_ONCE   = "8"
      METRICS_NAMESPACE = "Plant"
    }
    error_message = "Settings reach the function."
  }

  assert {
    condition     = length(aws_kinesis_video_stream.camera) == 0 && output.stream_prefix == "plant-lake_krakow_"
    error_message = "A factory needs no cameras of its own here: streams are found by their prefix."
  }
}

run "a_lake_to_throw_away_with_a_slow_schedule" {
  command = plan

  variables {
    cameras       = { press-1 = { retention_hours = 240 } }
    video         = { schedule = "rate(2 days)" }
    force_destroy = true
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.video["not-running"].period == 345600
    error_message = "A day without a run is as it should be."
  }

  assert {
    condition = (
      keys(aws_kinesis_video_stream.unprotected) == ["press-1"]
      && length(aws_kinesis_video_stream.camera) == 0
    )
    error_message = "Only a lake that may be destroyed has streams that may."
  }
}

run "takes_values_at_their_limits" {
  command = plan

  variables {
    cameras = {
      press-1 = {
        retention_hours  = 72
        fragment_seconds = 1
        media_type       = "video/h264,audio/${join("", [for _ in range(111) : "a"])}"
      }
      oven = {}
    }
    video                   = { clip_seconds = 200 }
    clips_expire_after_days = 4
  }

  assert {
    condition     = aws_lambda_function.clip_fetch.environment[0].variables["CLIP_SECONDS"] == "200"
    error_message = "A clip of 200 fragments is allowed, and so are clips that outlive their footage by a day."
  }

  assert {
    condition     = length(aws_kinesis_video_stream.camera["press-1"].media_type) == 128
    error_message = "A media type of 128 characters is allowed."
  }
}
