# What a dashboard shows of this factory's messages. A graph has its alarm's threshold as a line.
locals {
  hour_ms = 3600000

  alarm_arns = [
    for alarm in values(aws_cloudwatch_metric_alarm.lane) : "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:${alarm.alarm_name}"
  ]

  # Names of metrics in expressions know no hyphen, and IDs no underscore.
  metric_ids = { for lane in keys(local.lanes) : lane => replace("${var.factory}_${lane}", "-", "_") }

  # Per lane, the rows of a graph: namespace, metric, dimension and value, options.
  graphs = {
    matched   = [for lane, settings in local.lanes : ["AWS/IoT", "TopicMatch", "RuleName", settings.rule_name, { label = "${lane}: matched by the rule" }]]
    arrived   = [for lane, settings in local.lanes : ["AWS/Kinesis", "IncomingRecords", "StreamName", settings.stream_name, { label = "${var.factory} ${lane}" }]]
    delivered = [for lane, settings in local.lanes : ["AWS/Firehose", "DeliveryToS3.Records", "DeliveryStreamName", settings.stream_name, { label = "${var.factory} ${lane}" }]]
    rejected  = [for lane in keys(local.lanes) : [var.metrics_namespace, "RecordsRejected", "Factory", var.factory, "Lane", lane, { label = "${var.factory} ${lane}" }]]
    freshness = [for lane, settings in local.lanes : ["AWS/Firehose", "DeliveryToS3.DataFreshness", "DeliveryStreamName", settings.stream_name, { label = "${var.factory} ${lane}" }]]
    bytes_in  = [for lane, settings in local.lanes : ["AWS/Kinesis", "IncomingBytes", "StreamName", settings.stream_name, { label = "${var.factory} ${lane}" }]]
    objects   = [for lane, settings in local.lanes : ["AWS/Firehose", "DeliveryToS3.ObjectCount", "DeliveryStreamName", settings.stream_name, { label = "${var.factory} ${lane}" }]]
    hours_to_loss = concat(
      [for lane, settings in local.lanes : ["AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", "StreamName", settings.stream_name, { id = "age_${local.metric_ids[lane]}", visible = false }]],
      [for lane, settings in local.lanes : [{
        id         = "left_${local.metric_ids[lane]}"
        expression = "${settings.stream.retention_hours} - age_${local.metric_ids[lane]} / ${local.hour_ms}"
        label      = "${var.factory} ${lane}"
      }]]
    )
    # Lambda is paid for by memory and time.
    gigabyte_seconds = concat(
      [for lane, settings in local.lanes : ["AWS/Lambda", "Duration", "FunctionName", settings.function_name, { id = "time_${local.metric_ids[lane]}", visible = false }]],
      [for lane, settings in local.lanes : [{
        id         = "size_${local.metric_ids[lane]}"
        expression = "time_${local.metric_ids[lane]} / 1000 * ${settings.transform.memory_mb / 1024}"
        label      = "${var.factory} ${lane}"
      }]]
    )
  }

  graph_widgets = [
    {
      title   = "Messages that arrive"
      stat    = "Sum"
      unit    = "messages in 5 minutes"
      metrics = concat(local.graphs.arrived, local.graphs.matched)
      lines   = []
    },
    {
      title   = "Records delivered to S3"
      stat    = "Sum"
      unit    = "records in 5 minutes"
      metrics = local.graphs.delivered
      lines   = []
    },
    {
      title = "Messages refused, by rule"
      stat  = "Sum"
      unit  = "messages in 5 minutes"
      metrics = [[{
        id         = "refused"
        expression = "SEARCH('{\"${var.metrics_namespace}\",Factory,Lane,Rule} MetricName=\"RecordsRejected\" Factory=\"${var.factory}\"', 'Sum', 300)"
        label      = "$${PROP('Dim.Lane')} $${PROP('Dim.Rule')}"
      }]]
      lines = []
    },
    {
      title = "Share of messages refused"
      stat  = "Sum"
      unit  = "share of an hour's messages"
      metrics = concat(
        [for lane in keys(local.lanes) : [var.metrics_namespace, "RecordsReceived", "Factory", var.factory, "Lane", lane, { id = "received_${local.metric_ids[lane]}", period = 3600, visible = false }]],
        [for lane in keys(local.lanes) : [var.metrics_namespace, "RecordsRejected", "Factory", var.factory, "Lane", lane, { id = "rejected_${local.metric_ids[lane]}", period = 3600, visible = false }]],
        [for lane in keys(local.lanes) : [{
          id         = "share_${local.metric_ids[lane]}"
          expression = "rejected_${local.metric_ids[lane]} / received_${local.metric_ids[lane]}"
          label      = lane
          period     = 3600
        }]]
      )
      lines = [{ label = "alarm", value = var.alarms.rejected_share }]
    },
    {
      title   = "Age of the oldest message in Firehose"
      stat    = "Maximum"
      unit    = "seconds"
      metrics = local.graphs.freshness
      lines   = [for lane in keys(local.lanes) : { label = "alarm, ${lane}", value = local.freshness_seconds[lane] }]
    },
    {
      title   = "Time until unread messages are lost"
      stat    = "Maximum"
      unit    = "hours"
      metrics = local.graphs.hours_to_loss
      lines = [
        for lane, settings in local.lanes : { label = "alarm, ${lane}", value = settings.stream.retention_hours * (1 - var.alarms.retention_share) }
      ]
    },
    {
      title = "Failures on the way"
      stat  = "Sum"
      unit  = "in 5 minutes"
      metrics = concat(
        # A widget may hold one query (SELECT), and a search finds all of these.
        [[{
          id         = "rules"
          expression = "SEARCH('{\"AWS/IoT\",ActionType,RuleName} MetricName=(\"Failure\" OR \"ErrorActionSuccess\" OR \"ErrorActionFailure\") RuleName=(${join(" OR ", [for settings in local.lanes : "\"${settings.rule_name}\""])})', 'Sum', 300)"
          label      = "$${PROP('Dim.RuleName')} $${PROP('MetricName')} $${PROP('Dim.ActionType')}"
        }]],
        [for lane, settings in local.lanes : ["AWS/Kinesis", "WriteProvisionedThroughputExceeded", "StreamName", settings.stream_name, { label = "${lane}: writes throttled" }]],
        [for lane, settings in local.lanes : ["AWS/Lambda", "Errors", "FunctionName", settings.function_name, { label = "${lane}: transform errors" }]],
        [for lane, settings in local.lanes : ["AWS/Lambda", "Throttles", "FunctionName", settings.function_name, { label = "${lane}: transform throttles" }]],
        [["AWS/Firehose", "FailedConversion.Records", "DeliveryStreamName", local.lanes["measurements"].stream_name, { label = "measurements: conversion failed" }]],
      )
      lines = []
    },
    {
      title   = "Longest run of the transform"
      stat    = "Maximum"
      unit    = "milliseconds"
      metrics = [for lane, settings in local.lanes : ["AWS/Lambda", "Duration", "FunctionName", settings.function_name, { label = lane }]]
      lines = concat(
        [for lane, settings in local.lanes : { label = "alarm, ${lane}", value = 1000 * settings.transform.timeout_seconds * var.alarms.transform_timeout_share }],
        [for lane, settings in local.lanes : { label = "timeout, ${lane}", value = 1000 * settings.transform.timeout_seconds }]
      )
    },
    {
      title   = "Partitions that Firehose keeps open"
      stat    = "Maximum"
      unit    = "partitions"
      metrics = [for lane, settings in local.lanes : ["AWS/Firehose", "PartitionCount", "DeliveryStreamName", settings.stream_name, { label = lane }]]
      lines   = []
    },
    {
      title   = "Cost: bytes through the streams"
      stat    = "Sum"
      unit    = "bytes in 5 minutes"
      metrics = local.graphs.bytes_in
      lines   = []
    },
    {
      title   = "Cost: objects put"
      stat    = "Sum"
      unit    = "objects in 5 minutes"
      metrics = local.graphs.objects
      lines   = []
    },
    {
      title   = "Cost: transform"
      stat    = "Sum"
      unit    = "GB-seconds in 5 minutes"
      metrics = local.graphs.gigabyte_seconds
      lines   = []
    },
  ]

  # A widget of alarms takes a hundred.
  widgets = concat(
    [
      for part, arns in chunklist(local.alarm_arns, 100) : {
        type       = "alarm"
        width      = 24
        height     = 4
        properties = { title = "Alarms on ${var.factory}'s messages", alarms = arns }
      }
    ],
    [
      for graph in local.graph_widgets : {
        type   = "metric"
        width  = 8
        height = 6
        properties = {
          title       = graph.title
          view        = "timeSeries"
          region      = local.region
          stat        = graph.stat
          period      = 300
          metrics     = graph.metrics
          yAxis       = { left = { min = 0, label = graph.unit, showUnits = false } }
          annotations = { horizontal = [for line in graph.lines : merge(line, { color = startswith(line.label, "alarm") ? "#d62728" : "#7f7f7f" })] }
        }
      }
    ]
  )
}
