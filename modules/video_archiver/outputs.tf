output "streams" {
  description = "Names of the video streams made here, by camera."
  value       = { for camera, stream in local.streams : camera => stream.name }
}

output "stream_prefix" {
  description = "What the names of all video streams of the factory begin with; the camera's ID follows."
  value       = local.stream_prefix
}

output "clip_function" {
  description = "Name of the function that archives the footage."
  value       = local.function.function_name
}

output "schedule_rules" {
  description = "Names of the rules that start the function."
  value       = [for rule in local.schedule_rules : rule.name]
}

output "role" {
  description = "ARN of the function's role."
  value       = local.role.arn
}

output "retention_changes" {
  description = "By camera, the command that gives its stream the retention that is asked for, where it has another."
  value       = local.retention_changes
}

output "alarms" {
  description = <<-EOT
    Names of the alarms. Keys are the alarms' names, behind the camera's ID or the schedule's name where each has its
    own.
  EOT
  value       = { for key, alarm in aws_cloudwatch_metric_alarm.video : key => alarm.alarm_name }
}

output "dashboard" {
  description = <<-EOT
    What a CloudWatch dashboard shows of the factory's video: `widgets`, and `graphs`, the metrics of graphs that may
    stand beside other factories'.
  EOT
  value       = { widgets = module.monitoring.widgets, graphs = local.graphs }
}
