# Ranges that AWS refuses to leave and the provider does not check (it checks a function's memory). Sources: API
# references of Kinesis (CreateStream, IncreaseStreamRetentionPeriod), Firehose (BufferingHints, RetryOptions,
# ProcessorParameter) and Lambda (CreateFunction); Firehose Developer Guide, "Dynamic partitioning" (60 seconds at
# least, where the API's own range begins at 0) and "Record format conversion" (64 MB at least) and "Data
# transformation" (a function may run 5 minutes); the days are the transform's own limits.
locals {
  path = merge(
    { for input in ["alarms", "factory", "gateways", "lanes", "package", "package.file"] : input => input },
    var.input_paths
  )

  ranges = {
    for lane, settings in local.lanes : lane => {
      "stream.shards"              = { value = settings.stream.shards, min = 1, max = 10000 }
      "stream.retention_hours"     = { value = settings.stream.retention_hours, min = 24, max = 8760 }
      "delivery.buffer_mb"         = { value = settings.delivery.buffer_mb, min = 64, max = 128 }
      "delivery.buffer_seconds"    = { value = settings.delivery.buffer_seconds, min = 60, max = 900 }
      "delivery.retry_seconds"     = { value = settings.delivery.retry_seconds, min = 0, max = 7200 }
      "delivery.transform_retries" = { value = settings.delivery.transform_retries, min = 0, max = 300 }
      "delivery.transform_buffer.seconds" = {
        value = try(settings.delivery.transform_buffer.seconds, null)
        min   = 0
        max   = 900
      }
      # Below a minute, a full batch after a cold start might not be done in time.
      "transform.timeout_seconds" = { value = settings.transform.timeout_seconds, min = 60, max = 300 }
      # None reserved is null; 0 would stop the lane.
      "transform.reserved_concurrency" = { value = settings.transform.reserved_concurrency, min = 1, max = 1000 }
      # Firehose's reader of JSON takes milliseconds of before 2001-09-09 for seconds, so the transform refuses them.
      # 9,000 days later it was May 2026: no window of what arrives now reaches back to what cannot be kept.
      "transform.past_days"   = { value = settings.transform.past_days, min = 0, max = 9000 }
      "transform.future_days" = { value = settings.transform.future_days, min = 0, max = 36500 }
    }
  }

  # Thresholds of alarms that are shares, and whether 0 and 1 are taken: nothing is above all or below nothing, so such
  # an alarm would never fire.
  alarm_shares = {
    delivery_success_share  = { zero = false, one = true }
    transform_success_share = { zero = false, one = true }
    retention_share         = { zero = false, one = false }
    transform_timeout_share = { zero = false, one = false }
    unprocessed_share       = { zero = true, one = false }
    rejected_share          = { zero = true, one = false }
  }
  # Those that are numbers of something.
  alarm_counts = [
    "write_throttled_records", "read_throttled_calls", "conversion_failed_records", "rule_failures",
    "transform_errors", "transform_throttles",
  ]

  choices = {
    for lane, settings in local.lanes : lane => {
      "transform.blank_strings" = { value = settings.transform.blank_strings, among = ["reject", "null", "keep"] }
      "transform.log_level"     = { value = settings.transform.log_level, among = ["DEBUG", "INFO", "WARNING"] }
    }
  }

  # The provider leaves a parameter that equals AWS's default out of the state, and AWS fills in the one of the two
  # that is missing: either way each plan would find a difference. So it is both and neither at its default, or none.
  transform_buffer_errors = {
    for lane, settings in local.lanes : lane => settings.delivery.transform_buffer == null ? [] : concat(
      settings.delivery.transform_buffer.mb >= 0.2
      && settings.delivery.transform_buffer.mb <= 3
      && settings.delivery.transform_buffer.mb != 1 ? [] : [
        join(" ", [
          "${local.path.lanes}[\"${lane}\"].delivery.transform_buffer.mb must be 0.2..3 and not 1",
          "(leave transform_buffer out for AWS's 1 MB and 60 s), got ${settings.delivery.transform_buffer.mb}.",
        ])
      ],
      settings.delivery.transform_buffer.seconds != 60 ? [] : [
        join(" ", [
          "${local.path.lanes}[\"${lane}\"].delivery.transform_buffer.seconds must be other than 60",
          "(leave transform_buffer out for AWS's 1 MB and 60 s), got 60.",
        ])
      ]
    )
  }

  validation_errors = {
    for lane in keys(local.lanes) : lane => concat(
      [
        for path, range in local.ranges[lane] :
        join(" ", [
          "${local.path.lanes}[\"${lane}\"].${path} must be a whole number,",
          "${range.min}..${range.max}, got ${range.value}.",
        ])
        if range.value == null ? false : range.value < range.min
        || range.value > range.max
        || floor(range.value) != range.value
      ],
      [
        for path, choice in local.choices[lane] :
        join(" ", [
          "${local.path.lanes}[\"${lane}\"].${path} must be one of ${join(", ", choice.among)}, got",
          "\"${choice.value}\".",
        ])
        if !contains(choice.among, choice.value)
      ],
      local.lanes[lane].stream.on_demand && local.lanes[lane].stream.shards != null ? [
        join(" ", [
          "${local.path.lanes}[\"${lane}\"].stream.shards must be left out with on_demand = true, got",
          "${local.lanes[lane].stream.shards}.",
        ])
      ] : [],
      local.transform_buffer_errors[lane]
    )
  }
}
