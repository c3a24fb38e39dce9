output "data_streams" {
  description = "Names of the data streams, by lane."
  value       = { for lane, stream in local.data_streams : lane => stream.name }
}

output "delivery_streams" {
  description = "Names of the delivery streams, by lane."
  value       = { for lane, stream in local.delivery_streams : lane => stream.name }
}

output "transform_functions" {
  description = "Names of the transform functions, by lane."
  value       = { for lane, function in local.transform_functions : lane => function.function_name }
}

output "roles" {
  description = "ARNs of the roles, by lane: `rule`, `delivery` and `transform`."
  value = {
    for lane in keys(local.lanes) : lane => {
      rule      = local.rule_roles[lane].arn
      delivery  = local.delivery_roles[lane].arn
      transform = local.transform_roles[lane].arn
    }
  }
}

output "connections" {
  description = <<-EOT
    Where the gateways' connections go: `delivery_stream`, `table`, `rules` by client ID, and the `roles` `rule` and
    `delivery`; null without.
  EOT
  value = one([
    for key in keys(local.connections) : {
      delivery_stream = local.connections_delivery_streams[key].name
      table           = var.connections_table.name
      rules           = { for client_id, rule in local.connection_topic_rules : client_id => rule.name }
      roles = {
        rule     = local.connections_rule_roles[key].arn
        delivery = local.connections_delivery_roles[key].arn
      }
    }
  ])
}

output "gateways" {
  description = <<-EOT
    What a gateway's two processes connect with, by gateway and lane: `client_id`, `topic`, the cheaper
    `basic_ingest_topic` and `certificate_pems` by CSR file.
  EOT
  value = {
    for gateway in var.gateways : gateway => {
      for client_id, identity in local.identities : identity.lane => {
        client_id          = client_id
        topic              = identity.topic
        basic_ingest_topic = identity.basic_ingest_topic
        # The provider hides certificates like keys; they are public.
        certificate_pems = {
          for path, request in local.requests :
          request.file => nonsensitive(local.certificates[path].certificate_pem)
          if request.client_id == client_id
        }
      } if identity.gateway == gateway
    }
  }
}

output "alarms" {
  description = "Names of the alarms, by `<lane>-<alarm>`."
  value       = { for key, alarm in aws_cloudwatch_metric_alarm.lane : key => alarm.alarm_name }
}

output "dashboard" {
  description = <<-EOT
    What a CloudWatch dashboard shows of the factory's messages: `widgets`, and `graphs`, the metrics of graphs that
    may stand beside other factories'.
  EOT
  value       = { widgets = module.monitoring.widgets, graphs = local.graphs }
}
