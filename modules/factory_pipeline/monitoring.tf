# The metrics of a lane, which alarms and graphs share, and how both become what CloudWatch takes.
locals {
  metrics = {
    for lane, settings in local.lanes : lane => {
      stream    = { namespace = "AWS/Kinesis", dimensions = { StreamName = settings.stream_name } }
      delivery  = { namespace = "AWS/Firehose", dimensions = { DeliveryStreamName = settings.stream_name } }
      transform = { namespace = "AWS/Lambda", dimensions = { FunctionName = settings.function_name } }
      own       = { namespace = var.metrics_namespace, dimensions = { Factory = var.factory, Lane = lane } }
      rule      = { namespace = "AWS/IoT", dimensions = { RuleName = settings.rule_name } }
    }
  }
}

module "monitoring" {
  source = "./monitoring"

  location           = { partition = local.partition, region = local.region, account = local.account }
  alarms             = local.message_alarms
  alarm_descriptions = local.alarm_descriptions
  disabled_alarms    = var.alarms.disabled
  alarms_title       = "Alarms on ${var.factory}'s messages"
  runbook_base_url   = var.runbook_base_url
  graphs             = local.factory_graphs
}
