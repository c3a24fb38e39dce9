# A copy, kept by `make docs`: change modules/monitoring/widgets.tf.
locals {
  # A widget of alarms takes a hundred.
  alarms_per_widget = 100

  alarm_arns = [
    for alarm in local.alarms : join(":", [
      "arn", var.location.partition, "cloudwatch", local.region, var.location.account, "alarm", alarm.name,
    ])
  ]

  alarm_widgets = [
    for arns in chunklist(local.alarm_arns, local.alarms_per_widget) : {
      type       = "alarm"
      width      = 24
      height     = 4
      properties = { title = var.alarms_title, alarms = arns }
    }
  ]

  # CloudWatch, "Dashboard body structure and syntax": a row is namespace, metric, names and values of dimensions, then
  # options.
  rows = [
    for graph in var.graphs : [
      for metric in graph.metrics : concat(
        compact(flatten([
          metric.namespace, metric.metric, [for name, value in metric.dimensions : [name, value]],
        ])),
        [{
          for option, value in {
            id         = metric.id
            expression = metric.expression
            label      = metric.label
            stat       = metric.stat
            period     = metric.period
            visible    = metric.visible
            yAxis      = metric.y_axis
          } : option => value if value != null
        }]
      )
    ]
  ]

  graph_widgets = [
    for index, graph in var.graphs : {
      type   = "metric"
      width  = 8
      height = 6
      properties = merge(
        {
          title   = graph.title
          view    = "timeSeries"
          region  = local.region
          stat    = graph.stat
          period  = local.default_period
          metrics = local.rows[index]
          yAxis   = { left = { min = 0, label = graph.unit, showUnits = false } }
        },
        {
          for property, lines in { annotations = coalesce(graph.lines, []) } : property => {
            horizontal = [
              for line in lines : {
                for option, value in {
                  label = line.label
                  value = line.value
                  color = startswith(line.label, "alarm") ? "#d62728" : "#7f7f7f"
                  yAxis = line.y_axis
                } : option => value if value != null
              }
            ]
          } if graph.lines != null
        }
      )
    } if length(graph.metrics) > 0
  ]
}
