# Of a lake that was one state: this factory goes on here, the rest is in the other states. Not for a new factory; to
# be deleted when it is applied.
moved {
  from = module.lake.module.factory_pipeline["lyon"]
  to   = module.factory_pipeline
}

moved {
  from = module.lake.module.video_archiver["lyon"]
  to   = module.video_archiver
}

moved {
  from = module.lake.aws_cloudwatch_dashboard.factory["lyon"]
  to   = aws_cloudwatch_dashboard.factory
}

removed {
  from = module.lake

  lifecycle {
    destroy = false
  }
}
