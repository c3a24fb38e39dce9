locals {
  # What tells that messages wait, go astray, or soon will. Sources: Firehose Developer Guide, "Monitor with CloudWatch metrics".
  alarms = {
    data-freshness = {
      description = "The oldest message in Firehose has waited for more than three buffer intervals, and a quarter of an hour at least."
      metric      = "DeliveryToS3.DataFreshness"
      statistic   = "Maximum"
      comparison  = "GreaterThanThreshold"
      threshold   = { for lane, settings in local.lanes : lane => max(900, 3 * settings.delivery.buffer_seconds) }
    }
    delivery-success = {
      description = "Firehose fails to put objects into the bucket."
      metric      = "DeliveryToS3.Success"
      statistic   = "Minimum"
      comparison  = "LessThanThreshold"
      threshold   = { for lane in keys(local.lanes) : lane => 1 }
    }
    behind-latest = {
      description = "Firehose reads the data stream a quarter of an hour late: messages are lost once they are older than its retention."
      metric      = "KinesisMillisBehindLatest"
      statistic   = "Maximum"
      comparison  = "GreaterThanThreshold"
      threshold   = { for lane in keys(local.lanes) : lane => 900000 }
    }
    read-throttled = {
      description = "Reads of the data stream are throttled."
      metric      = "ThrottledGetRecords"
      statistic   = "Sum"
      comparison  = "GreaterThanThreshold"
      threshold   = { for lane in keys(local.lanes) : lane => 0 }
    }
    transform-success = {
      description = "Calls of the transform fail; what fails three times goes to the errors prefix."
      metric      = "ExecuteProcessing.Success"
      statistic   = "Minimum"
      comparison  = "LessThanThreshold"
      threshold   = { for lane in keys(local.lanes) : lane => 1 }
    }
    partitions-exceeded = {
      description = "More partitions at once than Firehose keeps open: the excess goes to the errors prefix."
      metric      = "PartitionCountExceeded"
      statistic   = "Sum"
      comparison  = "GreaterThanThreshold"
      threshold   = { for lane in keys(local.lanes) : lane => 0 }
    }
    conversion-failed = {
      description = "Messages do not fit the table and go to the errors prefix."
      metric      = "FailedConversion.Records"
      statistic   = "Sum"
      comparison  = "GreaterThanThreshold"
      threshold   = { measurements = 0 }
    }
  }

  lane_alarms = length(var.alarm_actions) == 0 ? {} : merge([
    for name, alarm in local.alarms : {
      for lane, threshold in alarm.threshold : "${lane}-${name}" => merge(alarm, { lane = lane, threshold = threshold })
    }
  ]...)
}

resource "aws_cloudwatch_metric_alarm" "lane" {
  for_each = local.lane_alarms

  alarm_name          = "${var.name}-${var.factory}-${each.key}"
  alarm_description   = "${var.factory}'s ${each.value.lane}: ${each.value.description}"
  namespace           = "AWS/Firehose"
  metric_name         = each.value.metric
  dimensions          = { DeliveryStreamName = aws_kinesis_firehose_delivery_stream.lane[each.value.lane].name }
  statistic           = each.value.statistic
  period              = 300
  evaluation_periods  = 1
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  # A lane with no messages reports nothing, and nothing is wrong with it.
  treat_missing_data = "notBreaching"
  alarm_actions      = var.alarm_actions
  ok_actions         = var.alarm_actions
}
