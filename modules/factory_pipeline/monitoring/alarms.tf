# A copy, kept by `make docs`: change modules/monitoring/alarms.tf.
locals {
  alarms = {
    for key, alarm in var.alarms : key => {
      name = alarm.name
      description = join(" ", concat(
        ["${alarm.subject}: ${var.alarm_descriptions[alarm.kind]}"],
        var.runbook_base_url == null ? [] : ["Runbook: ${trimsuffix(var.runbook_base_url, "/")}/${alarm.kind}.md"]
      ))

      # Of one metric, or of an expression over some.
      namespace  = alarm.namespace
      metric     = alarm.metric
      dimensions = alarm.dimensions
      statistic  = alarm.statistic
      period     = alarm.expression != null ? null : coalesce(alarm.period, local.default_period)

      metric_queries = {
        for id, query in alarm.queries : id => merge(query, { period = coalesce(alarm.period, local.default_period) })
      }
      expression = alarm.expression
      # A query of metrics has a period of its own; an expression takes that of its metrics.
      expression_period = startswith(coalesce(alarm.expression, "-"), "SELECT") ? local.default_period : null

      periods    = alarm.periods
      datapoints = alarm.datapoints
      comparison = alarm.above != null ? "GreaterThanThreshold" : "LessThanThreshold"
      threshold  = try(coalesce(alarm.above, alarm.below), null)
      missing    = alarm.missing
    } if !contains(var.disabled_alarms, alarm.kind)
  }
}
