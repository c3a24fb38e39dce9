# What tells that footage is at risk, lost, or not coming: docs/runbook has a page for each alarm, under the
# same name. A run's duration is not watched: it works until its deadline and leaves the rest to the next one.
locals {
  alarm_descriptions = {
    footage-at-risk = "Footage of some camera expires soon and is not archived."
    camera-at-risk  = "This camera's footage expires soon and is not archived."
    camera-silent   = "This camera has sent nothing for longer than it may."
    footage-expired = "Footage expired before it was archived; the log says of which camera and how much."
    cameras-failed  = "Cameras could not be archived in several runs; the log says which and why."
    clips-flagged   = "Clips are not as they should be, or footage is missing; the log says which and why."
    runs-failed     = "Runs of the archiver fail or do not end in time."
    runs-throttled  = "The archiver may not run as often at once as it is started."
    not-running     = "The archiver has not run when it should have."
    not-started     = "This schedule, one of several, has not started the archiver when it should have."
    start-failed    = "This schedule cannot start the archiver."
  }

  # The function archives an unfinished clip when its first fragment has an hour to live, or a quarter of a shorter
  # retention (clip_fetch.planning.reserve_ms). What has half of that left is not being archived.
  loss_seconds = {
    for id, camera in var.cameras :
    id => coalesce(var.alarms.loss_seconds, floor(min(3600, camera.retention_hours * 900) / 2))
  }
  # Of cameras whose streams others made the retention is not known here.
  min_loss_seconds = coalesce(var.alarms.loss_seconds, min(1800, values(local.loss_seconds)...))

  # Twice the time between runs; of a cron schedule that is not known, and an alarm looks back seven days at most.
  not_running_seconds = coalesce(
    var.alarms.not_running_seconds,
    min(604800, max(300, 2 * coalesce(local.schedule_seconds, 43200)))
  )

  # Three runs, where they follow each other closely enough for an alarm to look back on three.
  repeats = coalesce(local.schedule_seconds, 86400) <= 21600
  runs = {
    period     = local.repeats ? max(300, local.schedule_seconds) : 86400
    periods    = local.repeats ? 3 : 1
    datapoints = local.repeats ? 2 : 1
  }

  # Where an alarm does not say what missing data counts for, its metric is only reported when there is something to
  # count: between runs nothing is archived, noticed or failed.
  factory_alarms = {
    # Of all the factory's cameras, also those whose streams were not made here.
    footage-at-risk = merge(local.metrics.factory, {
      metric    = "SecondsToLoss"
      statistic = "Minimum"
      below     = local.min_loss_seconds
      # Reported by runs. Where they stop, the danger is as it was or worse, and "not-running" tells.
      missing = "ignore"
    })
    footage-expired = merge(local.metrics.factory, {
      metric    = "ExpiredSeconds"
      statistic = "Sum"
      above     = var.alarms.expired_seconds
    })
    cameras-failed = merge(local.metrics.factory, local.runs, {
      metric    = "Errors"
      statistic = "Sum"
      above     = var.alarms.failed_cameras
    })
    clips-flagged = merge(local.metrics.factory, {
      metric    = "Flagged"
      statistic = "Sum"
      above     = var.alarms.flagged_clips
    })
    runs-failed = merge(local.metrics.function, {
      metric    = "Errors"
      statistic = "Sum"
      above     = var.alarms.failed_runs
    })
    runs-throttled = merge(local.metrics.function, local.runs, {
      metric    = "Throttles"
      statistic = "Sum"
      above     = var.alarms.throttled_runs
    })
    not-running = merge(local.metrics.function, {
      metric    = "Invocations"
      statistic = "Sum"
      below     = 1
      period    = local.not_running_seconds
      # A function that is never started reports nothing at all.
      missing = "breaching"
    })
  }

  video_alarms = merge(
    {
      for kind, alarm in local.factory_alarms :
      kind => merge(alarm, { kind = kind, subject = "${var.factory}'s video", of = local.function_name })
    },
    merge([
      for id, metrics in local.metrics.cameras : {
        "${id}-camera-at-risk" = merge(metrics, {
          kind      = "camera-at-risk"
          of        = "${local.function_name}-${id}"
          subject   = "${var.factory}'s camera ${id}"
          metric    = "SecondsToLoss"
          statistic = "Minimum"
          below     = local.loss_seconds[id]
          # As for footage-at-risk; and of a camera that cannot be looked at "cameras-failed" tells.
          missing = "ignore"
        })
        "${id}-camera-silent" = merge(metrics, {
          kind      = "camera-silent"
          of        = "${local.function_name}-${id}"
          subject   = "${var.factory}'s camera ${id}"
          metric    = "SilentSeconds"
          statistic = "Maximum"
          above     = var.alarms.silent_seconds
          # Reported by runs; and not of a camera that has never sent anything, which is about to be installed.
          missing = "ignore"
        })
      }
    ]...),
    merge([
      for rule, metrics in local.metrics.schedules : {
        "${rule}-start-failed" = merge(metrics, {
          kind      = "start-failed"
          of        = rule
          subject   = "${var.factory}'s video"
          metric    = "FailedInvocations"
          statistic = "Sum"
          above     = var.alarms.failed_starts
        })
        # One schedule that stands still is seen by the function's own invocations (not-running), one of several is
        # not.
        "${rule}-not-started" = length(local.rules) == 1 ? null : merge(metrics, {
          kind      = "not-started"
          of        = rule
          subject   = "${var.factory}'s video"
          metric    = "Invocations"
          statistic = "Sum"
          below     = 1
          period    = local.not_running_seconds
          # EventBridge reports invocations only when there are some.
          missing = "breaching"
        })
      }
    ]...),
  )
}

locals {
  alarms = module.monitoring.alarms
}

resource "aws_cloudwatch_metric_alarm" "video" {
  # Terraform evaluates `for_each` again for each alarm, so it has the keys alone.
  for_each = toset(keys(local.alarms))

  alarm_name          = local.alarms[each.key].name
  alarm_description   = local.alarms[each.key].description
  namespace           = local.alarms[each.key].namespace
  metric_name         = local.alarms[each.key].metric
  dimensions          = local.alarms[each.key].dimensions
  statistic           = local.alarms[each.key].statistic
  period              = local.alarms[each.key].period
  evaluation_periods  = local.alarms[each.key].periods
  datapoints_to_alarm = local.alarms[each.key].datapoints
  comparison_operator = local.alarms[each.key].comparison
  threshold           = local.alarms[each.key].threshold
  treat_missing_data  = local.alarms[each.key].missing
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = var.tags
}
