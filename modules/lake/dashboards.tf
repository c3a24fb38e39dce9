# One dashboard per factory, and one that shows them side by side. CloudWatch draws widgets without a position one
# after the other.
locals {
  factory_widgets = {
    for factory, pipeline in module.factory_pipeline : factory => concat(
      pipeline.dashboard.widgets, try(module.video_archiver[factory].dashboard.widgets, [])
    )
  }

  # What each factory has a graph of, side by side.
  factory_graphs = concat(
    [for pipeline in module.factory_pipeline : pipeline.dashboard.graphs],
    [for video in module.video_archiver : video.dashboard.graphs]
  )
  shared_graphs = [
    for graph in [
      { title = "Messages that arrive", stat = "Sum", unit = "messages in 5 minutes", of = ["arrived"] },
      { title = "Records delivered to S3", stat = "Sum", unit = "records in 5 minutes", of = ["delivered"] },
      { title = "Messages refused", stat = "Sum", unit = "messages in 5 minutes", of = ["rejected"] },
      { title = "Age of the oldest message in Firehose", stat = "Maximum", unit = "seconds", of = ["freshness"] },
      { title = "Time until unread messages are lost", stat = "Maximum", unit = "hours", of = ["hours_to_loss"] },
      { title = "Time until footage is lost", stat = "Minimum", unit = "seconds", of = ["seconds_to_loss"] },
      { title = "Footage that waits", stat = "Maximum", unit = "seconds", of = ["backlog_seconds"] },
      { title = "Clips archived", stat = "Sum", unit = "clips in 5 minutes", of = ["clips"] },
      { title = "Cost: bytes through the streams", stat = "Sum", unit = "bytes in 5 minutes", of = ["bytes_in"] },
      { title = "Cost: footage stored", stat = "Sum", unit = "bytes in 5 minutes", of = ["bytes"] },
      { title = "Cost: objects put", stat = "Sum", unit = "objects in 5 minutes", of = ["objects", "clips"] },
      { title = "Cost: functions", stat = "Sum", unit = "GB-seconds in 5 minutes", of = ["gigabyte_seconds"] },
    ] :
    {
      title   = graph.title
      stat    = graph.stat
      unit    = graph.unit
      metrics = flatten([for name in graph.of : [for graphs in local.factory_graphs : try(graphs[name], [])]])
    }
  ]

  lake_graphs = concat(local.shared_graphs, [
    {
      title = "Cost: bytes scanned by queries"
      stat  = "Sum"
      unit  = "bytes in an hour"
      metrics = [{
        id = "scanned"
        expression = join(" ", [
          "SEARCH('{\"AWS/Athena\",QueryState,QueryType,WorkGroup} MetricName=\"ProcessedBytes\"",
          "WorkGroup=\"${var.name}\"', 'Sum', 3600)",
        ])
        label = "$${PROP('Dim.QueryType')} $${PROP('Dim.QueryState')}"
      }]
    },
    {
      title = "Cost: bytes stored"
      stat  = "Average"
      unit  = "bytes"
      # Reported once a day, for each storage class.
      metrics = [
        for lane, bucket in module.storage.bucket_names : {
          id = lane
          expression = join(" ", [
            "SEARCH('{\"AWS/S3\",BucketName,StorageType} MetricName=\"BucketSizeBytes\"",
            "BucketName=\"${bucket}\"', 'Average', 86400)",
          ])
          label = "${lane} $${PROP('Dim.StorageType')}"
        }
      ]
    },
  ])

  title_widget = {
    type   = "text"
    width  = 24
    height = 2
    properties = {
      markdown = join(" ", concat(
        ["# ${var.name}\n"],
        [for factory in keys(var.factories) : "[${factory}](#dashboards/dashboard/${var.name}-${factory})"]
      ))
    }
  }
  lake_widgets = concat([local.title_widget], module.monitoring.widgets)

  # CloudWatch quotas: metrics on one graph and on one dashboard.
  metrics_per_graph     = 500
  metrics_per_dashboard = 2500
}

module "monitoring" {
  source = "./monitoring"

  location = { partition = local.partition, region = local.region, account = local.account }
  graphs   = local.lake_graphs
}

resource "aws_cloudwatch_dashboard" "factory" {
  for_each = { for factory, widgets in local.factory_widgets : factory => widgets if var.dashboards }

  dashboard_name = "${var.name}-${each.key}"
  dashboard_body = jsonencode({ widgets = each.value })
}

resource "aws_cloudwatch_dashboard" "lake" {
  for_each = { for name, widgets in { (var.name) = local.lake_widgets } : name => widgets if var.dashboards }

  dashboard_name = each.key
  dashboard_body = jsonencode({ widgets = each.value })

  lifecycle {
    precondition {
      condition = alltrue([for graph in local.lake_graphs : length(graph.metrics) <= local.metrics_per_graph])
      error_message = join(" ", [
        "factories must be few enough for ${local.metrics_per_graph} metrics a graph (without: dashboards = false),",
        "got ${max([for graph in local.lake_graphs : length(graph.metrics)]...)}.",
      ])
    }
    precondition {
      condition = sum([for graph in local.lake_graphs : length(graph.metrics)]) <= local.metrics_per_dashboard
      error_message = join(" ", [
        "factories must be few enough for ${local.metrics_per_dashboard} metrics a dashboard (without: dashboards =",
        "false), got ${sum([for graph in local.lake_graphs : length(graph.metrics)])}.",
      ])
    }
  }
}
