output "buckets" {
  description = "Names of the buckets: `measurements`, `configuration` and `clips`."
  value       = module.storage.bucket_names
}

output "deletion_policy" {
  description = <<-EOT
    What the buckets delete by themselves, by bucket, in words: a plan that makes them delete more shows it here.
  EOT
  value       = module.storage.deletion_policy
}

output "left_behind" {
  description = <<-EOT
    What is left of each retired factory: `data` and `errors`, the prefixes of its objects, which nothing but you
    deletes, and `video_streams`, what the names of its video streams begin with, where they were kept.
  EOT
  value = {
    for factory in var.retired_factories : factory => {
      data = concat(
        [for bucket in values(module.storage.bucket_names) : "s3://${bucket}/factory=${factory}/"],
        [
          "s3://${module.storage.bucket_names["configuration"]}/connections/factory=${factory}/",
          "s3://${module.storage.bucket_names["clips"]}/index/factory=${factory}/",
        ]
      )
      errors = [
        for bucket in ["measurements", "configuration"] :
        "s3://${module.storage.bucket_names[bucket]}/errors/factory=${factory}/"
      ]
      video_streams = "${var.name}_${factory}_"
    }
  }
}

output "athena" {
  description = "Where to query: `workgroup`, `database` and `output_location`."
  value = {
    workgroup       = module.glue_catalog.workgroup
    database        = module.glue_catalog.database
    output_location = module.storage.athena_output_location
  }
}

output "named_queries" {
  description = "IDs of the named queries, by name."
  value       = module.glue_catalog.named_queries
}

output "iot_endpoint" {
  description = "Host that gateways connect to, MQTT over TLS on port 8883."
  value       = data.aws_iot_endpoint.data.endpoint_address
}

output "gateways" {
  description = <<-EOT
    What a gateway's two processes connect with, by factory, gateway and lane: `client_id`, `topic`, the cheaper
    `basic_ingest_topic` and `certificate_pems` by CSR file.
  EOT
  value       = { for factory, pipeline in module.factory_pipeline : factory => pipeline.gateways }
}

output "data_streams" {
  description = "Names of the data streams, by factory and lane."
  value       = { for factory, pipeline in module.factory_pipeline : factory => pipeline.data_streams }
}

output "delivery_streams" {
  description = "Names of the delivery streams, by factory and lane."
  value       = { for factory, pipeline in module.factory_pipeline : factory => pipeline.delivery_streams }
}

output "connections" {
  description = <<-EOT
    Where the gateways' connections go, by factory: `delivery_stream`, `table`, `rules` by client ID, and the `roles`
    `rule` and `delivery`; no factory that has `connections.enabled = false`.
  EOT
  value = {
    for factory, pipeline in module.factory_pipeline : factory => pipeline.connections
    if pipeline.connections != null
  }
}

output "transform_functions" {
  description = "Names of the transform functions, by factory and lane."
  value       = { for factory, pipeline in module.factory_pipeline : factory => pipeline.transform_functions }
}

output "roles" {
  description = "ARNs of the roles, by factory and lane: `rule`, `delivery` and `transform`."
  value       = { for factory, pipeline in module.factory_pipeline : factory => pipeline.roles }
}

output "video" {
  description = <<-EOT
    The video path, by factory: `stream_prefix`, `streams` by camera, `clip_function`, `schedule_rules`, `role` and
    `retention_changes`.
  EOT
  value = {
    for factory, video in module.video_archiver : factory => {
      stream_prefix     = video.stream_prefix
      streams           = video.streams
      clip_function     = video.clip_function
      schedule_rules    = video.schedule_rules
      role              = video.role
      retention_changes = video.retention_changes
    }
  }
}

output "alarms" {
  description = <<-EOT
    Names of the alarms, by factory: of `messages` by `<lane>-<alarm>`, of `video` by alarm, behind the camera's ID or
    the schedule's name where each has its own.
  EOT
  value = {
    for factory, pipeline in module.factory_pipeline : factory => {
      messages = pipeline.alarms
      video    = try(module.video_archiver[factory].alarms, {})
    }
  }
}

output "alarm_topic_arn" {
  description = "ARN of the topic that alarms notify; null without one."
  value       = one([for topic in aws_sns_topic.alarms : topic.arn])
}

output "dashboards" {
  description = "Names of the dashboards: `factories` by factory, and `lake`, which shows them all."
  value = {
    factories = { for factory, dashboard in aws_cloudwatch_dashboard.factory : factory => dashboard.dashboard_name }
    lake      = one([for dashboard in aws_cloudwatch_dashboard.lake : dashboard.dashboard_name])
  }
}
