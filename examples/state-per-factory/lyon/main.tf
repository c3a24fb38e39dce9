# One factory, in a state of its own: a plan of it reads the base and touches no other factory.
provider "aws" {
  region = var.region
}

data "terraform_remote_state" "base" {
  backend = var.base_state.backend
  config  = var.base_state.config
}

locals {
  lake = data.terraform_remote_state.base.outputs.lake
}

module "factory_pipeline" {
  source = "../../../modules/factory_pipeline"

  name               = local.lake.name
  factory            = "lyon"
  gateways           = ["press-shop"]
  csr_dir            = "${path.root}/csr"
  buckets            = { for lane in ["measurements", "configuration"] : lane => local.lake.buckets[lane] }
  measurements_table = local.lake.measurements_table
  connections_table  = local.lake.connections_table
  package            = { file = "${path.root}/../../../build/packages/transform.zip" }
  alarm_actions      = var.alarm_actions
}

module "video_archiver" {
  source = "../../../modules/video_archiver"

  name          = local.lake.name
  factory       = "lyon"
  cameras       = { press-1 = { retention_hours = 72 } }
  clips_bucket  = local.lake.buckets["clips"]
  package       = { file = "${path.root}/../../../build/packages/clip_fetch.zip" }
  alarm_actions = var.alarm_actions
}

resource "aws_cloudwatch_dashboard" "factory" {
  dashboard_name = "${local.lake.name}-lyon"
  dashboard_body = jsonencode({
    widgets = concat(module.factory_pipeline.dashboard.widgets, module.video_archiver.dashboard.widgets)
  })
}
