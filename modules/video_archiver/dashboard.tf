# What a dashboard shows of this factory's video. Graphs by camera look for cameras themselves, so those whose streams
# others made are there too. A graph has its alarm's threshold as a line.
locals {
  # Names of metrics in expressions know no hyphen, and IDs no underscore.
  metric_id = replace(var.factory, "-", "_")

  by_camera = {
    for metric, statistic in {
      SecondsToLoss  = "Minimum"
      BacklogSeconds = "Maximum"
      SilentSeconds  = "Maximum"
      Bytes          = "Sum"
    } :
    metric => [{
      id = "by_camera"
      expression = join(" ", [
        "SEARCH('{\"${var.metrics_namespace}\",Factory,Camera} MetricName=\"${metric}\"",
        "Factory=\"${var.factory}\"', '${statistic}', 300)",
      ])
      label = "$${PROP('Dim.Camera')}"
    }]
  }

  # Graphs of one metric, which may stand beside other factories'.
  factory_metric_graphs = {
    for graph, metric in {
      seconds_to_loss = "SecondsToLoss"
      backlog_seconds = "BacklogSeconds"
      clips           = "Clips"
      bytes           = "Bytes"
    } :
    graph => [merge(local.metrics.factory, { metric = metric, label = var.factory })]
  }

  graphs = merge(local.factory_metric_graphs, {
    # Lambda is paid for by memory and time.
    gigabyte_seconds = [
      merge(local.metrics.function, { metric = "Duration", id = "time_${local.metric_id}", visible = false }),
      {
        id         = "size_${local.metric_id}"
        expression = "time_${local.metric_id} / 1000 * ${var.video.memory_mb / 1024}"
        label      = "${var.factory} video"
      },
    ]
  })

  titled_graphs = [
    {
      title   = "Time until footage is lost, by camera"
      stat    = "Minimum"
      unit    = "seconds"
      metrics = local.by_camera["SecondsToLoss"]
      lines = [
        for seconds in distinct(concat([local.min_loss_seconds], values(local.loss_seconds))) :
        { label = "alarm", value = seconds }
      ]
    },
    {
      title   = "Footage that waits, by camera"
      stat    = "Maximum"
      unit    = "seconds"
      metrics = local.by_camera["BacklogSeconds"]
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
        merge(local.metrics.factory, { metric = "Clips", label = "clips" }),
        merge(local.metrics.factory, { metric = "Fragments", label = "fragments", y_axis = "right" }),
      ]
    },
    {
      title = "What went wrong"
      stat  = "Sum"
      unit  = "in 5 minutes"
      metrics = concat(
        [
          merge(local.metrics.factory, { metric = "Flagged", label = "clips flagged" }),
          merge(local.metrics.factory, { metric = "ExpiredSeconds", label = "seconds expired" }),
          merge(local.metrics.factory, { metric = "Errors", label = "cameras failed" }),
          merge(local.metrics.function, { metric = "Errors", label = "runs failed" }),
          merge(local.metrics.function, { metric = "Throttles", label = "runs throttled" }),
        ],
        [
          for rule, metrics in local.metrics.schedules :
          merge(metrics, { metric = "FailedInvocations", label = "${rule}: starts failed" })
        ]
      )
    },
    {
      title = "Runs"
      stat  = "Sum"
      unit  = "runs in 5 minutes"
      metrics = [
        merge(local.metrics.function, { metric = "Invocations", label = "runs" }),
        merge(
          local.metrics.function,
          { metric = "Duration", label = "longest run, ms", stat = "Maximum", y_axis = "right" }
        ),
      ]
      lines = [{ label = "timeout, ms", value = 1000 * var.video.timeout_seconds, y_axis = "right" }]
    },
    {
      title   = "Cost: footage stored, by camera"
      stat    = "Sum"
      unit    = "bytes in 5 minutes"
      metrics = local.by_camera["Bytes"]
    },
    {
      title = "Cost: requests"
      stat  = "Sum"
      unit  = "in 5 minutes"
      metrics = [
        merge(local.metrics.factory, { metric = "Clips", label = "objects put" }),
        merge(local.metrics.factory, { metric = "Calls", label = "calls to AWS" }),
      ]
    },
    {
      title   = "Cost: archiver"
      stat    = "Sum"
      unit    = "GB-seconds in 5 minutes"
      metrics = local.graphs.gigabyte_seconds
    },
  ]
  factory_graphs = [for graph in local.titled_graphs : merge({ lines = [] }, graph)]
}
