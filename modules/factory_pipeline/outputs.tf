output "data_streams" {
  description = "Names of the data streams, by lane."
  value       = { for lane, stream in local.data_streams : lane => stream.name }
}

output "delivery_streams" {
  description = "Names of the delivery streams, by lane."
  value       = { for lane, stream in aws_kinesis_firehose_delivery_stream.lane : lane => stream.name }
}

output "transform_functions" {
  description = "Names of the transform functions, by lane."
  value       = { for lane, function in aws_lambda_function.transform : lane => function.function_name }
}

output "roles" {
  description = "ARNs of the roles, by lane: `rule`, `delivery` and `transform`."
  value = {
    for lane in keys(local.lanes) : lane => {
      rule      = aws_iam_role.rule[lane].arn
      delivery  = aws_iam_role.delivery[lane].arn
      transform = aws_iam_role.transform[lane].arn
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
      delivery_stream = aws_kinesis_firehose_delivery_stream.connections[key].name
      table           = var.connections_table.name
      rules           = { for client_id, rule in aws_iot_topic_rule.connections : client_id => rule.name }
      roles = {
        rule     = aws_iam_role.connections_rule[key].arn
        delivery = aws_iam_role.connections_delivery[key].arn
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
          request.file => nonsensitive(aws_iot_certificate.identity[path].certificate_pem)
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
