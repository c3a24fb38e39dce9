# What a dashboard shows of this factory's messages. A graph has its alarm's threshold as a line.
locals {
  hour_ms = 3600000

  # Names of metrics in expressions know no hyphen, and IDs no underscore.
  metric_ids = { for lane in keys(local.lanes) : lane => replace("${var.factory}_${lane}", "-", "_") }

  # Graphs of one metric a lane, which may stand beside other factories': which metric of what.
  lane_graphs = {
    for graph, shown in {
      arrived   = ["stream", "IncomingRecords"]
      delivered = ["delivery", "DeliveryToS3.Records"]
      rejected  = ["own", "RecordsRejected"]
      freshness = ["delivery", "DeliveryToS3.DataFreshness"]
      bytes_in  = ["stream", "IncomingBytes"]
      objects   = ["delivery", "DeliveryToS3.ObjectCount"]
      } : graph => [
      for lane, metrics in local.metrics :
      merge(metrics[shown[0]], { metric = shown[1], label = "${var.factory} ${lane}" })
    ]
  }

  graphs = merge(local.lane_graphs, {
    hours_to_loss = concat(
      [
        for lane, metrics in local.metrics : merge(metrics.stream, {
          metric  = "GetRecords.IteratorAgeMilliseconds"
          id      = "age_${local.metric_ids[lane]}"
          visible = false
        })
      ],
      [
        for lane, settings in local.lanes : {
          id         = "left_${local.metric_ids[lane]}"
          expression = "${settings.stream.retention_hours} - age_${local.metric_ids[lane]} / ${local.hour_ms}"
          label      = "${var.factory} ${lane}"
        }
      ]
    )
    # Lambda is paid for by memory and time.
    gigabyte_seconds = concat(
      [
        for lane, metrics in local.metrics : merge(metrics.transform, {
          metric  = "Duration"
          id      = "time_${local.metric_ids[lane]}"
          visible = false
        })
      ],
      [
        for lane, settings in local.lanes : {
          id         = "size_${local.metric_ids[lane]}"
          expression = "time_${local.metric_ids[lane]} / 1000 * ${settings.transform.memory_mb / 1024}"
          label      = "${var.factory} ${lane}"
        }
      ]
    )
  })

  # A widget may hold one query (SELECT), and a search finds all of these.
  rule_failures_search = join(" ", [
    "SEARCH('{\"AWS/IoT\",ActionType,RuleName}",
    "MetricName=(\"Failure\" OR \"ErrorActionSuccess\" OR \"ErrorActionFailure\")",
    "RuleName=(${join(" OR ", [for settings in local.lanes : "\"${settings.rule_name}\""])})', 'Sum', 300)",
  ])

  # Shares are of an hour, as the alarm's are.
  share_metrics = flatten([
    for id, metric in { received = "SamplesReceived", rejected = "SamplesRejected" } : [
      for lane, metrics in local.metrics : merge(metrics.own, {
        metric = metric, id = "${id}_${local.metric_ids[lane]}", period = 3600, visible = false
      })
    ]
  ])

  titled_graphs = [
    {
      title = "Messages that arrive"
      stat  = "Sum"
      unit  = "messages in 5 minutes"
      metrics = concat(local.graphs.arrived, [
        for lane, metrics in local.metrics :
        merge(metrics.rule, { metric = "TopicMatch", label = "${lane}: matched by the rule" })
      ])
    },
    {
      title   = "Records delivered to S3"
      stat    = "Sum"
      unit    = "records in 5 minutes"
      metrics = local.graphs.delivered
    },
    {
      title = "Records that the transform gets, and samples in them"
      stat  = "Sum"
      unit  = "in 5 minutes"
      metrics = concat(
        [
          for lane, metrics in local.metrics :
          merge(metrics.own, { metric = "RecordsReceived", label = "${lane}: records" })
        ],
        flatten([
          for lane in keys(local.lanes_with_batches) : [
            for metric, label in { SamplesReceived = "samples", SamplesPutBack = "samples put back" } :
            merge(local.metrics[lane].own, { metric = metric, label = "${lane}: ${label}" })
          ]
        ])
      )
    },
    {
      title = "Messages refused, by rule"
      stat  = "Sum"
      unit  = "messages in 5 minutes"
      metrics = [{
        id = "refused"
        expression = join(" ", [
          "SEARCH('{\"${var.metrics_namespace}\",Factory,Lane,Rule}", "MetricName=\"RecordsRejected\"",
          "Factory=\"${var.factory}\"', 'Sum', 300)",
        ])
        label = "$${PROP('Dim.Lane')} $${PROP('Dim.Rule')}"
      }]
    },
    {
      title = "Share of samples refused"
      stat  = "Sum"
      unit  = "share of an hour's samples"
      metrics = concat(local.share_metrics, [
        for lane in keys(local.lanes) : {
          id         = "share_${local.metric_ids[lane]}"
          expression = "rejected_${local.metric_ids[lane]} / received_${local.metric_ids[lane]}"
          label      = lane
          period     = 3600
        }
      ])
      lines = [{ label = "alarm", value = var.alarms.rejected_share }]
    },
    {
      title   = "Age of the oldest message in Firehose"
      stat    = "Maximum"
      unit    = "seconds"
      metrics = local.graphs.freshness
      lines   = [for lane, seconds in local.freshness_seconds : { label = "alarm, ${lane}", value = seconds }]
    },
    {
      title   = "Time until unread messages are lost"
      stat    = "Maximum"
      unit    = "hours"
      metrics = local.graphs.hours_to_loss
      lines = [
        for lane, settings in local.lanes :
        { label = "alarm, ${lane}", value = settings.stream.retention_hours * (1 - var.alarms.retention_share) }
      ]
    },
    {
      title = "Failures on the way"
      stat  = "Sum"
      unit  = "in 5 minutes"
      metrics = concat(
        [{
          id         = "rules"
          expression = local.rule_failures_search
          label      = "$${PROP('Dim.RuleName')} $${PROP('MetricName')} $${PROP('Dim.ActionType')}"
        }],
        flatten([
          for failure in [
            { of = "stream", metric = "WriteProvisionedThroughputExceeded", label = "writes throttled" },
            { of = "transform", metric = "Errors", label = "transform errors" },
            { of = "transform", metric = "Throttles", label = "transform throttles" },
            ] : [
            for lane, metrics in local.metrics :
            merge(metrics[failure.of], { metric = failure.metric, label = "${lane}: ${failure.label}" })
          ]
        ]),
        [merge(local.metrics["measurements"].delivery, {
          metric = "FailedConversion.Records", label = "measurements: conversion failed"
        })],
      )
    },
    {
      title   = "Longest run of the transform"
      stat    = "Maximum"
      unit    = "milliseconds"
      metrics = [for lane, metrics in local.metrics : merge(metrics.transform, { metric = "Duration", label = lane })]
      lines = concat(
        [
          for lane, settings in local.lanes :
          {
            label = "alarm, ${lane}"
            value = 1000 * settings.transform.timeout_seconds * var.alarms.transform_timeout_share
          }
        ],
        [
          for lane, settings in local.lanes :
          { label = "timeout, ${lane}", value = 1000 * settings.transform.timeout_seconds }
        ]
      )
    },
    {
      title = "Partitions that Firehose keeps open"
      stat  = "Maximum"
      unit  = "partitions"
      metrics = [
        for lane, metrics in local.metrics : merge(metrics.delivery, { metric = "PartitionCount", label = lane })
      ]
    },
    {
      title   = "Cost: bytes through the streams"
      stat    = "Sum"
      unit    = "bytes in 5 minutes"
      metrics = local.graphs.bytes_in
    },
    { title = "Cost: objects put", stat = "Sum", unit = "objects in 5 minutes", metrics = local.graphs.objects },
    {
      title   = "Cost: transform"
      stat    = "Sum"
      unit    = "GB-seconds in 5 minutes"
      metrics = local.graphs.gigabyte_seconds
    },
  ]
  factory_graphs = [for graph in local.titled_graphs : merge({ lines = [] }, graph)]
}
