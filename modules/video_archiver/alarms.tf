locals {
  # The function archives an unfinished clip when its first fragment has an hour to live, or a quarter of a shorter retention. What has
  # half of that left is not being archived.
  loss_alarm_seconds = floor(min(3600, [for camera in var.cameras : camera.retention_hours * 900]...) / 2)

  # Twice the time between runs; of a cron schedule that is not known, and CloudWatch looks back a day at most.
  run_alarm_seconds = min(86400, max(300, 2 * coalesce(local.schedule_seconds, 43200)))

  own_metrics      = { namespace = var.metrics_namespace, dimensions = { Factory = var.factory } }
  function_metrics = { namespace = "AWS/Lambda", dimensions = { FunctionName = local.function_name } }

  alarms = length(var.alarm_actions) == 0 ? {} : {
    footage-at-risk = merge(local.own_metrics, {
      description = "Footage of a camera will expire before it is archived unless something changes."
      metric      = "SecondsToLoss"
      statistic   = "Minimum"
      comparison  = "LessThanThreshold"
      threshold   = local.loss_alarm_seconds
      missing     = "notBreaching"
      period      = 300
    })
    footage-expired = merge(local.own_metrics, {
      description = "Footage expired before it was archived; the log says of which camera and how much."
      metric      = "ExpiredSeconds"
      statistic   = "Sum"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      missing     = "notBreaching"
      period      = 300
    })
    cameras-failed = merge(local.own_metrics, {
      description = "Cameras could not be archived; the log says which and why."
      metric      = "Errors"
      statistic   = "Sum"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      missing     = "notBreaching"
      period      = 300
    })
    runs-failed = merge(local.function_metrics, {
      description = "Runs of the archiver fail or do not end in time."
      metric      = "Errors"
      statistic   = "Sum"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      missing     = "notBreaching"
      period      = 300
    })
    not-running = merge(local.function_metrics, {
      description = "The archiver has not been started when it should have been."
      metric      = "Invocations"
      statistic   = "Sum"
      comparison  = "LessThanThreshold"
      threshold   = 1
      # A function that is never invoked reports nothing at all.
      missing = "breaching"
      period  = local.run_alarm_seconds
    })
  }
}

resource "aws_cloudwatch_metric_alarm" "video" {
  for_each = local.alarms

  alarm_name          = "${local.function_name}-${each.key}"
  alarm_description   = "${var.factory}'s video: ${each.value.description}"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = 1
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
}
