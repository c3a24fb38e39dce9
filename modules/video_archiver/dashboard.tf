# What a dashboard shows of this factory's video. Graphs by camera look for cameras themselves, so those whose streams others made are
# there too. A graph has its alarm's threshold as a line.
locals {
  alarm_arns = [
    for alarm in values(aws_cloudwatch_metric_alarm.video) : "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:${alarm.alarm_name}"
  ]

  # Names of metrics in expressions know no hyphen, and IDs no underscore.
  metric_id = replace(var.factory, "-", "_")

  by_camera = {
    for metric, statistic in { SecondsToLoss = "Minimum", BacklogSeconds = "Maximum", SilentSeconds = "Maximum", Bytes = "Sum" } : metric => [[{
      id         = "by_camera"
      expression = "SEARCH('{\"${var.metrics_namespace}\",Factory,Camera} MetricName=\"${metric}\" Factory=\"${var.factory}\"', '${statistic}', 300)"
      label      = "$${PROP('Dim.Camera')}"
    }]]
  }

  # The rows of a graph: namespace, metric, dimension and value, options.
  graphs = {
    seconds_to_loss = [[var.metrics_namespace, "SecondsToLoss", "Factory", var.factory, { label = var.factory }]]
    backlog_seconds = [[var.metrics_namespace, "BacklogSeconds", "Factory", var.factory, { label = var.factory }]]
    clips           = [[var.metrics_namespace, "Clips", "Factory", var.factory, { label = var.factory }]]
    bytes           = [[var.metrics_namespace, "Bytes", "Factory", var.factory, { label = var.factory }]]
    # Lambda is paid for by memory and time.
    gigabyte_seconds = [
      ["AWS/Lambda", "Duration", "FunctionName", local.function_name, { id = "time_${local.metric_id}", visible = false }],
      [{ id = "size_${local.metric_id}", expression = "time_${local.metric_id} / 1000 * ${var.video.memory_mb / 1024}", label = "${var.factory} video" }],
    ]
  }

  graph_widgets = [
    {
      title   = "Time until footage is lost, by camera"
      stat    = "Minimum"
      unit    = "seconds"
      metrics = local.by_camera["SecondsToLoss"]
      lines   = [for seconds in distinct(concat([local.min_loss_seconds], values(local.loss_seconds))) : { label = "alarm", value = seconds }]
    },
    {
      title   = "Footage that waits, by camera"
      stat    = "Maximum"
      unit    = "seconds"
      metrics = local.by_camera["BacklogSeconds"]
      lines   = []
    },
    {
      title   = "Silence, by camera"
      stat    = "Maximum"
      unit    = "seconds"
      metrics = local.by_camera["SilentSeconds"]
      lines   = [{ label = "alarm", value = var.alarms.silent_seconds }]
    },
    {
      title = "Clips and fragments archived"
      stat  = "Sum"
      unit  = "in 5 minutes"
      metrics = [
        [var.metrics_namespace, "Clips", "Factory", var.factory, { label = "clips" }],
        [var.metrics_namespace, "Fragments", "Factory", var.factory, { label = "fragments", yAxis = "right" }],
      ]
      lines = []
    },
    {
      title = "What went wrong"
      stat  = "Sum"
      unit  = "in 5 minutes"
      metrics = concat(
        [
          [var.metrics_namespace, "Flagged", "Factory", var.factory, { label = "clips flagged" }],
          [var.metrics_namespace, "ExpiredSeconds", "Factory", var.factory, { label = "seconds expired" }],
          [var.metrics_namespace, "Errors", "Factory", var.factory, { label = "cameras failed" }],
          ["AWS/Lambda", "Errors", "FunctionName", local.function_name, { label = "runs failed" }],
          ["AWS/Lambda", "Throttles", "FunctionName", local.function_name, { label = "runs throttled" }],
        ],
        [for rule in keys(local.rules) : ["AWS/Events", "FailedInvocations", "RuleName", rule, { label = "${rule}: starts failed" }]]
      )
      lines = []
    },
    {
      title = "Runs"
      stat  = "Sum"
      unit  = "runs in 5 minutes"
      metrics = [
        ["AWS/Lambda", "Invocations", "FunctionName", local.function_name, { label = "runs" }],
        ["AWS/Lambda", "Duration", "FunctionName", local.function_name, { label = "longest run, ms", stat = "Maximum", yAxis = "right" }],
      ]
      lines = [{ label = "timeout, ms", value = 1000 * var.video.timeout_seconds, yAxis = "right" }]
    },
    {
      title   = "Cost: footage stored, by camera"
      stat    = "Sum"
      unit    = "bytes in 5 minutes"
      metrics = local.by_camera["Bytes"]
      lines   = []
    },
    {
      title = "Cost: requests"
      stat  = "Sum"
      unit  = "in 5 minutes"
      metrics = [
        [var.metrics_namespace, "Clips", "Factory", var.factory, { label = "objects put" }],
        [var.metrics_namespace, "Calls", "Factory", var.factory, { label = "calls to AWS" }],
      ]
      lines = []
    },
    {
      title   = "Cost: archiver"
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
        properties = { title = "Alarms on ${var.factory}'s video", alarms = arns }
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
