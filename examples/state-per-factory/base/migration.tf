# Of a lake that was one state: what is shared goes on here, the rest is in the factories' states. Not for a new lake;
# to be deleted when it is applied.
moved {
  from = module.lake.module.storage
  to   = module.storage
}

moved {
  from = module.lake.module.glue_catalog
  to   = module.glue_catalog
}

moved {
  from = module.lake.aws_ssm_parameter.lake
  to   = aws_ssm_parameter.lake
}

moved {
  from = module.lake.terraform_data.queried_factory
  to   = terraform_data.queried_factory
}

removed {
  from = module.lake

  lifecycle {
    destroy = false
  }
}
