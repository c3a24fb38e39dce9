# What tells that messages wait, go astray, or soon will: one entry here is one alarm per lane. docs/runbook has
# a page for each, under the same name. Which metrics there are and what they mean: AWS's guides, as
# tests/terraform/monitoring/aws_metrics.toml names them for each.
locals {
  alarm_descriptions = {
    time-to-loss           = "Messages wait in the data stream and will be lost when they reach its retention."
    unread                 = "Nothing reads the data stream: what arrives waits until the retention loses it."
    write-throttled        = "The data stream refuses messages because it has too few shards."
    data-freshness         = "Messages wait in Firehose for longer than their buffer explains."
    delivery-failed        = "Firehose cannot put objects into the bucket and tries again."
    behind-latest          = "Firehose reads the data stream with a growing delay."
    read-throttled         = "Reads of the data stream are throttled: others read it too, or it has too few shards."
    transform-calls-failed = "Firehose's calls of the transform fail; batches go to the errors prefix in the end."
    unprocessed            = "The transform returns more messages than usual unprocessed, to the errors prefix."
    conversion-failed      = "Messages that passed the transform do not fit the table and went to the errors prefix."
    partitions-exceeded    = "Messages have more days than Firehose keeps open; the rest goes to the errors prefix."
    rejected               = "The transform refuses an unusual share of the samples; they are in the errors prefix."
    rule-failed            = "The topic rule cannot put messages into the data stream; its error action gets them."
    rule-quarantined       = "The topic rule's error action writes messages to the errors prefix."
    rule-lost              = "The topic rule's error action failed as well: these messages are lost."
    rule-throttled         = "The rules engine throttles the topic rule: these messages are lost."
    transform-errors       = "The transform function fails or does not end in time."
    transform-throttled    = "The transform function may not run as often at once as Firehose calls it."
    transform-slow         = "The transform function comes near its timeout."
  }

  # How a metric of the rule's actions is asked for. It has the dimension ActionType besides the rule's name, and no
  # guide says which values that takes, so an alarm on one value might never fire. The query adds up whichever there
  # are.
  rule_actions = {
    for lane, settings in local.lanes : lane => {
      for metric in ["Failure", "ErrorActionSuccess", "ErrorActionFailure"] :
      metric => join(" ", [
        "SELECT SUM(${metric}) FROM SCHEMA(\"AWS/IoT\", ActionType, RuleName) WHERE RuleName =",
        "'${settings.rule_name}'",
      ])
    }
  }

  # The oldest message that waits has no more than one buffer interval behind it, and half of one more with partitions
  # (Firehose Developer Guide, "Dynamic partitioning"). Twice that is a delivery that failed.
  freshness_seconds = {
    for lane, settings in local.lanes :
    lane => coalesce(var.alarms.freshness_seconds, max(900, 3 * settings.delivery.buffer_seconds))
  }

  # A few events an hour that wait or go astray wake nobody; this one says that none arrives any more.
  connections_alarms = {
    for key in keys(local.connections) : "${key}-delivery-failed" => {
      namespace  = "AWS/Firehose"
      dimensions = { DeliveryStreamName = local.connections_name }
      metric     = "DeliveryToS3.Success"
      statistic  = "Average"
      below      = var.alarms.delivery_success_share
      periods    = 3
      datapoints = 2
      missing    = "notBreaching"
      kind       = "delivery-failed"
      subject    = "${var.factory}'s connections"
      name       = "${local.connections_name}-delivery-failed"
    }
  }

  # Where an alarm does not say what missing data counts for, its metric is only reported when there is something to
  # count: without messages, calls or failures nothing is wrong.
  lane_alarms = merge([
    for lane, metrics in local.metrics : {
      for name, alarm in {
        # -- the data stream
        time-to-loss = merge(metrics.stream, {
          metric    = "GetRecords.IteratorAgeMilliseconds"
          statistic = "Maximum"
          above     = local.lanes[lane].stream.retention_hours * 3600000 * var.alarms.retention_share
          # The age is reported by those who read. When they stop, it is as it was or worse, and "unread" tells.
          missing = "ignore"
        })
        unread = merge(metrics.stream, {
          metric    = "GetRecords.Success"
          statistic = "Sum"
          below     = 1
          period    = 60 * var.alarms.unread_minutes
          # Firehose polls whether there are messages or not, so no reads at all is what this alarm is about. (A new
          # lane may be in alarm for the minutes until its first poll.)
          missing = "breaching"
        })
        write-throttled = merge(metrics.stream, {
          metric    = "WriteProvisionedThroughputExceeded"
          statistic = "Sum"
          above     = var.alarms.write_throttled_records
        })

        # -- the delivery
        data-freshness = merge(metrics.delivery, {
          metric    = "DeliveryToS3.DataFreshness"
          statistic = "Maximum"
          above     = local.freshness_seconds[lane]
        })
        delivery-failed = merge(metrics.delivery, {
          metric     = "DeliveryToS3.Success"
          statistic  = "Average"
          below      = var.alarms.delivery_success_share
          periods    = 3
          datapoints = 2 # one failure that its retry mends is nobody's business
        })
        behind-latest = merge(metrics.delivery, {
          metric    = "KinesisMillisBehindLatest"
          statistic = "Maximum"
          above     = 1000 * var.alarms.behind_seconds
          # Reported by reads: see time-to-loss.
          missing = "ignore"
        })
        read-throttled = merge(metrics.delivery, {
          metric     = "ThrottledGetRecords"
          statistic  = "Sum"
          above      = var.alarms.read_throttled_calls
          periods    = 3
          datapoints = 3 # Firehose tries again; only going on like this it falls behind
        })
        transform-calls-failed = merge(metrics.delivery, {
          metric     = "ExecuteProcessing.Success"
          statistic  = "Average"
          below      = var.alarms.transform_success_share
          periods    = 3
          datapoints = 2 # each call is tried four times
        })
        unprocessed = {
          queries = {
            read = merge(metrics.delivery, { metric = "DataReadFromKinesisStream.Records", statistic = "Sum" })
            done = merge(metrics.delivery, { metric = "SucceedProcessing.Records", statistic = "Sum" })
          }
          # When all fail, no success is reported.
          expression = "IF(read >= ${var.alarms.min_records}, (read - FILL(done, 0)) / read, 0)"
          above      = var.alarms.unprocessed_share
          period     = 900
          # What is read at the end of a period is processed in the next one: two periods in a row must miss some.
          periods    = 2
          datapoints = 2
        }
        conversion-failed = lane != "measurements" ? null : merge(metrics.delivery, {
          metric    = "FailedConversion.Records"
          statistic = "Sum"
          above     = var.alarms.conversion_failed_records
        })
        partitions-exceeded = merge(metrics.delivery, {
          metric    = "PartitionCountExceeded"
          statistic = "Maximum"
          above     = 0
        })

        # -- what the transform says, by samples: a batch is one record
        rejected = {
          queries = {
            received = merge(metrics.own, { metric = "SamplesReceived", statistic = "Sum" })
            rejected = merge(metrics.own, { metric = "SamplesRejected", statistic = "Sum" })
          }
          expression = "IF(received >= ${var.alarms.min_records}, rejected / received, 0)"
          above      = var.alarms.rejected_share
          # An hour, and a least number in it: one bad sample of two at night is no trend.
          period = 3600
        }

        # -- the topic rule
        rule-failed = {
          expression = local.rule_actions[lane]["Failure"]
          above      = var.alarms.rule_failures
        }
        rule-quarantined = {
          expression = local.rule_actions[lane]["ErrorActionSuccess"]
          above      = 0
        }
        rule-lost = {
          expression = local.rule_actions[lane]["ErrorActionFailure"]
          above      = 0
        }
        rule-throttled = merge(metrics.rule, { metric = "RuleMessageThrottled", statistic = "Sum", above = 0 })

        # -- the transform function
        transform-errors = merge(metrics.transform, {
          metric    = "Errors"
          statistic = "Sum"
          above     = var.alarms.transform_errors
        })
        transform-throttled = merge(metrics.transform, {
          metric     = "Throttles"
          statistic  = "Sum"
          above      = var.alarms.transform_throttles
          periods    = 3
          datapoints = 2 # Firehose tries again
        })
        transform-slow = merge(metrics.transform, {
          metric    = "Duration"
          statistic = "Maximum"
          above     = 1000 * local.lanes[lane].transform.timeout_seconds * var.alarms.transform_timeout_share
        })
        } : "${lane}-${name}" => merge({ missing = "notBreaching" }, alarm, {
          kind                                   = name
          subject                                = "${var.factory}'s ${lane}"
          name                                   = "${var.name}-${var.factory}-${lane}-${name}"
      }) if alarm != null
    }
  ]...)

  message_alarms = merge(local.lane_alarms, local.connections_alarms)
}

locals {
  alarms = module.monitoring.alarms
}

resource "aws_cloudwatch_metric_alarm" "lane" {
  # Terraform evaluates `for_each` again for each alarm, so it has the keys alone.
  for_each = toset(keys(local.alarms))

  alarm_name        = local.alarms[each.key].name
  alarm_description = local.alarms[each.key].description

  namespace   = local.alarms[each.key].namespace
  metric_name = local.alarms[each.key].metric
  dimensions  = local.alarms[each.key].dimensions
  statistic   = local.alarms[each.key].statistic
  period      = local.alarms[each.key].period
  tags        = var.tags

  dynamic "metric_query" {
    for_each = local.alarms[each.key].metric_queries

    content {
      id = metric_query.key

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric
        dimensions  = metric_query.value.dimensions
        stat        = metric_query.value.statistic
        period      = metric_query.value.period
      }
    }
  }

  dynamic "metric_query" {
    for_each = local.alarms[each.key].expression == null ? [] : [local.alarms[each.key].expression]

    content {
      id          = "result"
      label       = local.message_alarms[each.key].kind
      expression  = metric_query.value
      return_data = true
      period      = local.alarms[each.key].expression_period
    }
  }

  evaluation_periods  = local.alarms[each.key].periods
  datapoints_to_alarm = local.alarms[each.key].datapoints
  comparison_operator = local.alarms[each.key].comparison
  threshold           = local.alarms[each.key].threshold
  treat_missing_data  = local.alarms[each.key].missing
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
}
