output "buckets" {
  description = "Names of the buckets: `measurements`, `configuration` and `clips`."
  value       = module.lake.buckets
}

output "deletion_policy" {
  description = "What the buckets delete by themselves, by bucket, in words: a plan that makes them delete more shows it here."
  value       = module.lake.deletion_policy
}

output "left_behind" {
  description = "What is left of each retired factory: `data` and `errors`, the prefixes of its objects, which nothing but you deletes, and `video_streams`, what the names of its video streams begin with, where they were kept."
  value       = module.lake.left_behind
}

output "athena" {
  description = "Where to query: `workgroup`, `database` and `output_location`."
  value       = module.lake.athena
}

output "named_queries" {
  description = "IDs of the named queries, by name."
  value       = module.lake.named_queries
}

output "iot_endpoint" {
  description = "Host that gateways connect to, MQTT over TLS on port 8883."
  value       = module.lake.iot_endpoint
}

output "gateways" {
  description = "What a gateway's two processes connect with, by factory, gateway and lane: `client_id`, `topic` and `certificate_pems` by CSR file."
  value       = module.lake.gateways
}

output "data_streams" {
  description = "Names of the data streams, by factory and lane."
  value       = module.lake.data_streams
}

output "delivery_streams" {
  description = "Names of the delivery streams, by factory and lane."
  value       = module.lake.delivery_streams
}

output "transform_functions" {
  description = "Names of the transform functions, by factory and lane."
  value       = module.lake.transform_functions
}

output "roles" {
  description = "ARNs of the roles, by factory and lane: `rule`, `delivery` and `transform`."
  value       = module.lake.roles
}

output "video" {
  description = "The video path, by factory: `stream_prefix`, `streams` by camera, `clip_function`, `schedule_rules`, `role` and `retention_changes`."
  value       = module.lake.video
}

output "alarms" {
  description = "Names of the alarms, by factory: of `messages` by `<lane>-<alarm>`, of `video` by alarm, behind the camera's ID or the schedule's name where each has its own."
  value       = module.lake.alarms
}

output "alarm_topic_arn" {
  description = "ARN of the topic that alarms notify; null without one."
  value       = module.lake.alarm_topic_arn
}

output "dashboards" {
  description = "Names of the dashboards: `factories` by factory, and `lake`, which shows them all."
  value       = module.lake.dashboards
}
