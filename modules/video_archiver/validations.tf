# Ranges that AWS and the function refuse to leave, and settings that do not go together. Sources: API references of
# Lambda (CreateFunction, PutFunctionEventInvokeConfig), EventBridge (PutRule) and Kinesis Video Streams (GetClip: a
# clip has at most 200 fragments and 100 MB); the rest are the function's own limits.
locals {
  path = merge(
    {
      for input in ["alarms", "cameras", "clips_expire_after_days", "factory", "package", "package.file", "video"] :
      input => input
    },
    var.input_paths
  )

  clip_fragments = 200
  clip_mb        = 100

  ranges = {
    clip_seconds         = { value = var.video.clip_seconds, min = 1, max = 3600 }
    settle_seconds       = { value = var.video.settle_seconds, min = 1, max = 600 }
    quiet_seconds        = { value = var.video.quiet_seconds, min = var.video.settle_seconds, max = 86400 }
    gap_seconds          = { value = var.video.gap_seconds, min = 1, max = 3600 }
    shards               = { value = var.video.shards, min = 1, max = 100 }
    streams_at_once      = { value = var.video.streams_at_once, min = 1, max = 64 }
    timeout_seconds      = { value = var.video.timeout_seconds, min = 60, max = 900 }
    memory_mb            = { value = var.video.memory_mb, min = 256, max = 10240 }
    ephemeral_storage_mb = { value = var.video.ephemeral_storage_mb, min = 512, max = 10240 }
    # None reserved is null; with fewer than there are shards, some would wait at each time.
    reserved_concurrency = { value = var.video.reserved_concurrency, min = var.video.shards, max = 1000 }
    retries              = { value = var.video.retries, min = 0, max = 2 }
  }

  # Thresholds of alarms that are numbers of something.
  alarm_counts = [
    "expired_seconds", "flagged_clips", "failed_cameras", "failed_runs", "throttled_runs", "failed_starts",
  ]

  choices = {
    start_from = { value = var.video.start_from, among = ["oldest", "now"] }
    log_level  = { value = var.video.log_level, among = ["DEBUG", "INFO", "WARNING", "ERROR"] }
  }

  # A clip's download waits on disk for its upload. The function leaves a twentieth of the storage alone and takes a
  # twentieth more than a clip's size.
  storage_needed_mb = ceil(var.video.streams_at_once * (local.clip_mb * 1.05 + 1) / 0.95)

  longest_retention_hours = max(0, [for camera in var.cameras : camera.retention_hours]...)

  validation_errors = concat(
    [
      for input, range in local.ranges :
      "${local.path.video}.${input} must be a whole number, ${range.min}..${range.max}, got ${range.value}."
      if range.value == null ? false : range.value < range.min
      || range.value > range.max
      || floor(range.value) != range.value
    ],
    [
      for input, choice in local.choices :
      "${local.path.video}.${input} must be one of ${join(", ", choice.among)}, got \"${choice.value}\"."
      if !contains(choice.among, choice.value)
    ],
    local.schedule_parts != null || local.cron_fields != null ? [] : [
      join(" ", [
        "${local.path.video}.schedule must be rate(<number> minutes, hours or days) or cron(<six fields>), got",
        "\"${var.video.schedule}\".",
      ])
    ],
    # EventBridge User Guide, "Cron expressions reference".
    local.cron_fields == null ? [] : (local.cron_fields[2] == "?") != (local.cron_fields[4] == "?") ? [] : [
      join(" ", [
        "${local.path.video}.schedule must have ? for either the day of the month or the day of the week, the third",
        "and the fifth field, got \"${var.video.schedule}\".",
      ])
    ],
    # rate(1 minutes) and rate(5 minute) are refused.
    local.schedule_parts == null ? [] : (tonumber(local.schedule_parts[0]) == 1) != endswith(var.video.schedule, "s)")
    && tonumber(local.schedule_parts[0]) > 0 ? [] : [
      join(" ", [
        "${local.path.video}.schedule must have a singular unit behind 1 and a plural one behind more, got",
        "\"${var.video.schedule}\".",
      ])
    ],
    # Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations": what fails would be told to
    # nobody.
    endswith(coalesce(var.video.failure_destination_arn, "none"), ".fifo") ? [
      join(" ", [
        "${local.path.video}.failure_destination_arn must not be a FIFO queue or topic, which Lambda cannot send to,",
        "got \"${var.video.failure_destination_arn}\".",
      ])
    ] : [],
    var.video.failure_destination_arn == null ? [] : can(
      regex("^arn:[a-z-]+:(sqs|sns):[a-z0-9-]+:[0-9]{12}:.+$", var.video.failure_destination_arn)
      ) ? [] : [
      join(" ", [
        "${local.path.video}.failure_destination_arn must be the ARN of an SQS queue or an SNS topic, got",
        "\"${var.video.failure_destination_arn}\".",
      ])
    ],
    var.video.ephemeral_storage_mb >= local.storage_needed_mb ? [] : [
      join(" ", [
        "${local.path.video}.ephemeral_storage_mb must hold a clip of ${local.clip_mb} MB for each of streams_at_once",
        "(${var.video.streams_at_once}), ${local.storage_needed_mb} at least, got ${var.video.ephemeral_storage_mb}.",
      ])
    ],
    [
      for id, camera in var.cameras :
      join(" ", [
        "${local.path.video}.clip_seconds must be at most ${floor(local.clip_fragments * camera.fragment_seconds)}",
        "for cameras[\"${id}\"] (${local.clip_fragments} fragments of ${camera.fragment_seconds} s), got",
        "${var.video.clip_seconds}.",
      ])
      if var.video.clip_seconds > local.clip_fragments * camera.fragment_seconds
    ],
    # Runs fail, and a stream is behind after a failure: footage must survive a few.
    [
      for id, camera in var.cameras :
      join(" ", [
        "${local.path.cameras}[\"${id}\"].retention_hours must cover four runs and four clips",
        "(${var.video.schedule}, ${var.video.clip_seconds} s), got ${camera.retention_hours}.",
      ])
      if camera.retention_hours * 3600 < 4 * max(coalesce(local.schedule_seconds, 0), var.video.clip_seconds)
    ],
    # If the newest clip went before its footage did, the function would take the archive for empty and archive the
    # footage again.
    var.clips_expire_after_days
    == null ? [] : var.clips_expire_after_days * 24 > local.longest_retention_hours ? [] : [
      join(" ", [
        "${local.path.clips_expire_after_days} must be longer than the longest retention of",
        "${var.factory}'s cameras, ${local.longest_retention_hours} hours, got ${var.clips_expire_after_days}.",
      ])
    ],
  )
}
