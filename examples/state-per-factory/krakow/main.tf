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
  factory            = "krakow"
  gateways           = ["line-1", "line-2"]
  csr_dir            = "${path.root}/csr"
  buckets            = { for lane in ["measurements", "configuration"] : lane => local.lake.buckets[lane] }
  measurements_table = local.lake.measurements_table
  connections_table  = local.lake.connections_table
  package            = { file = "${path.root}/../../../build/packages/transform.zip" }
  alarm_actions      = var.alarm_actions
}

resource "aws_cloudwatch_dashboard" "factory" {
  dashboard_name = "${local.lake.name}-krakow"
  dashboard_body = jsonencode({ widgets = module.factory_pipeline.dashboard.widgets })
}
