# The metrics of the video path, which alarms and graphs share, and how both become what CloudWatch takes.
locals {
  metrics = {
    factory  = { namespace = var.metrics_namespace, dimensions = { Factory = var.factory } }
    function = { namespace = "AWS/Lambda", dimensions = { FunctionName = local.function_name } }
    cameras = {
      for id in keys(var.cameras) :
      id => { namespace = var.metrics_namespace, dimensions = { Factory = var.factory, Camera = id } }
    }
    schedules = {
      for rule in keys(local.rules) : rule => { namespace = "AWS/Events", dimensions = { RuleName = rule } }
    }
  }
}

module "monitoring" {
  source = "./monitoring"

  location = { partition = local.partition, region = local.region, account = local.account }
  alarms = {
    for key, alarm in local.video_alarms :
    key => merge({ missing = "notBreaching" }, alarm, { name = "${alarm.of}-${alarm.kind}" }) if alarm != null
  }
  alarm_descriptions = local.alarm_descriptions
  disabled_alarms    = var.alarms.disabled
  alarms_title       = "Alarms on ${var.factory}'s video"
  runbook_base_url   = var.runbook_base_url
  graphs             = local.factory_graphs
}
