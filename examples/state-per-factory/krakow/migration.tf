# Of a lake that was one state: this factory goes on here, the rest is in the other states. Not for a new factory; to
# be deleted when it is applied.
moved {
  from = module.lake.module.factory_pipeline["krakow"]
  to   = module.factory_pipeline
}

moved {
  from = module.lake.aws_cloudwatch_dashboard.factory["krakow"]
  to   = aws_cloudwatch_dashboard.factory
}

removed {
  from = module.lake

  lifecycle {
    destroy = false
  }
}
