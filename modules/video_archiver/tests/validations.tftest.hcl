mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  name               = "plant-lake"
  factory            = "krakow"
  clips_bucket       = "plant-lake-clips"
  clip_fetch_package = "versions.tf" # any file: it is only read for its hash
}

run "refuses_names_paths_and_keys_of_another_form" {
  command = plan

  variables {
    name               = "Plant_Lake"
    clip_fetch_package = "no-such-file.zip"
    metrics_namespace  = "AWS/Lambda"
    log_retention_days = 2
    kms_keys = {
      logs      = "arn:aws:kms:eu-central-1:111122223333:alias/logs"
      video     = "alias/video"
      functions = "alias/lambda"
    }
    alarm_actions = ["on-call"]
    lambda        = { runtime = "python3.14" }
  }

  expect_failures = [
    var.name, var.clip_fetch_package, var.metrics_namespace, var.log_retention_days, var.kms_keys, var.alarm_actions,
    var.lambda,
  ]
}

run "refuses_thresholds_at_which_an_alarm_could_never_sound_or_never_end" {
  command = plan

  variables {
    cameras = { press-1 = { retention_hours = 2 } }
    alarms  = { disabled = ["camera-hot"], loss_seconds = 3601, silent_seconds = 59, not_running_seconds = 90 }
  }

  expect_failures = [var.alarms]
}

run "refuses_a_factory_of_another_form" {
  command = plan

  variables {
    factory = "krakow_1"
  }

  expect_failures = [var.factory]
}

run "refuses_names_over_64_characters" {
  command = plan

  variables {
    name    = "a-lake-with-a-very-long-name"
    factory = "a-factory-with-a-longer-name"
  }

  expect_failures = [var.factory]
}

run "refuses_an_unknown_architecture" {
  command = plan

  variables {
    lambda = { architecture = "riscv" }
  }

  expect_failures = [var.lambda]
}

run "refuses_an_unknown_log_format" {
  command = plan

  variables {
    lambda = { log_format = "XML" }
  }

  expect_failures = [var.lambda]
}

run "refuses_a_camera_of_another_form" {
  command = plan

  variables {
    cameras = { press_1 = {} }
  }

  expect_failures = [var.cameras]
}

run "refuses_a_retention_of_nothing" {
  command = plan

  variables {
    cameras = { press-1 = { retention_hours = 0 } }
  }

  expect_failures = [var.cameras]
}

run "refuses_fragments_over_20_seconds" {
  command = plan

  variables {
    cameras = { press-1 = { fragment_seconds = 21 } }
  }

  expect_failures = [var.cameras]
}

run "refuses_an_alias_for_a_cameras_key" {
  command = plan

  variables {
    cameras = { press-1 = { kms_key_arn = "alias/footage" } }
  }

  expect_failures = [var.cameras]
}

run "refuses_media_that_get_clip_does_not_take" {
  command = plan

  variables {
    cameras = { press-1 = { media_type = "video/mjpeg" } }
  }

  expect_failures = [var.cameras]
}

run "refuses_settings_out_of_range" {
  command = plan

  variables {
    video = {
      clip_seconds    = 0
      settle_seconds  = 0
      quiet_seconds   = 86401
      gap_seconds     = 0.5
      shards          = 101
      streams_at_once = 65
      timeout_seconds = 59
      memory_mb       = 128
      retries         = 3
      start_from      = "then"
      log_level       = "LOUD"
    }
  }

  expect_failures = [aws_lambda_function.clip_fetch]
}

run "refuses_quiet_before_settled" {
  command = plan

  variables {
    video = { settle_seconds = 30, quiet_seconds = 29 }
  }

  expect_failures = [aws_lambda_function.clip_fetch]
}

run "refuses_less_storage_than_the_downloads_need" {
  command = plan

  variables {
    video = { streams_at_once = 5 }
  }

  expect_failures = [aws_lambda_function.clip_fetch]
}

run "refuses_clips_of_more_than_200_fragments" {
  command = plan

  variables {
    cameras = { press-1 = { fragment_seconds = 1 } }
    video   = { clip_seconds = 201 }
  }

  expect_failures = [aws_lambda_function.clip_fetch]
}

run "takes_clips_of_200_fragments" {
  command = plan

  variables {
    cameras = { press-1 = { fragment_seconds = 1 } }
    video   = { clip_seconds = 200 }
  }

  assert {
    condition     = aws_lambda_function.clip_fetch.environment[0].variables["CLIP_SECONDS"] == "200"
    error_message = "The limit itself is allowed."
  }
}

run "refuses_a_retention_that_a_failed_run_would_exhaust" {
  command = plan

  variables {
    cameras = { press-1 = { retention_hours = 3 } }
    video   = { schedule = "rate(1 hour)" }
  }

  expect_failures = [aws_lambda_function.clip_fetch]
}

run "refuses_clips_that_expire_before_their_footage" {
  command = plan

  variables {
    cameras                 = { press-1 = { retention_hours = 72 }, oven = {} }
    clips_expire_after_days = 3
  }

  expect_failures = [aws_lambda_function.clip_fetch]
}

run "takes_clips_that_outlive_their_footage_by_a_day" {
  command = plan

  variables {
    cameras                 = { press-1 = { retention_hours = 72 }, oven = {} }
    clips_expire_after_days = 4
  }

  assert {
    condition     = length(aws_kinesis_video_stream.camera) == 2
    error_message = "A day more is enough."
  }
}

run "refuses_fewer_reserved_invocations_than_shards" {
  command = plan

  variables {
    video = { shards = 4, reserved_concurrency = 3 }
  }

  expect_failures = [aws_lambda_function.clip_fetch]
}

run "refuses_a_schedule_of_another_form" {
  command = plan

  variables {
    video = { schedule = "every 5 minutes" }
  }

  expect_failures = [aws_lambda_function.clip_fetch]
}

run "refuses_a_singular_unit_behind_a_plural_number" {
  command = plan

  variables {
    video = { schedule = "rate(5 minute)" }
  }

  expect_failures = [aws_lambda_function.clip_fetch]
}

run "refuses_a_destination_that_is_no_queue_or_topic" {
  command = plan

  variables {
    video = { failure_destination_arn = "arn:aws:s3:::failed" }
  }

  expect_failures = [aws_lambda_function.clip_fetch]
}

run "refuses_a_cron_schedule_of_both_days" {
  command = plan

  variables {
    video = { schedule = "cron(0 2 * * * *)" }
  }

  expect_failures = [aws_lambda_function.clip_fetch]
}

run "refuses_a_cron_schedule_of_neither_day" {
  command = plan

  variables {
    video = { schedule = "cron(0 2 ? * ? *)" }
  }

  expect_failures = [aws_lambda_function.clip_fetch]
}

run "refuses_a_destination_that_lambda_cannot_send_to" {
  command = plan

  variables {
    video = { failure_destination_arn = "arn:aws:sqs:eu-central-1:111122223333:failed.fifo" }
  }

  expect_failures = [aws_lambda_function.clip_fetch]
}

run "refuses_a_namespace_that_begins_with_a_colon" {
  command = plan

  variables {
    metrics_namespace = ":plants"
  }

  expect_failures = [var.metrics_namespace]
}

run "refuses_a_media_type_of_over_128_characters" {
  command = plan

  variables {
    cameras = { press-1 = { media_type = "video/h264,audio/${join("", [for _ in range(112) : "a"])}" } }
  }

  expect_failures = [var.cameras]
}

run "takes_a_media_type_of_128_characters" {
  command = plan

  variables {
    cameras = { press-1 = { media_type = "video/h264,audio/${join("", [for _ in range(111) : "a"])}" } }
  }

  assert {
    condition     = length(aws_kinesis_video_stream.camera["press-1"].media_type) == 128
    error_message = "The limit itself is allowed."
  }
}

run "looks_back_two_intervals_of_a_slow_schedule" {
  command = plan

  variables {
    cameras = { press-1 = { retention_hours = 240 } }
    video   = { schedule = "rate(2 days)" }
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.video["not-running"].period == 345600
    error_message = "A day without a run is as it should be."
  }
}
