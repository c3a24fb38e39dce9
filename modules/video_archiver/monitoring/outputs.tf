# A copy, kept by `make docs`: change modules/monitoring/outputs.tf.
output "alarms" {
  description = "The alarms that are not disabled, by the same keys, as `aws_cloudwatch_metric_alarm` takes them."
  value       = local.alarms
}

output "widgets" {
  description = "A dashboard's widgets: those of alarms, then a graph each. A graph without metrics is left out."
  value       = concat(local.alarm_widgets, local.graph_widgets)
}
