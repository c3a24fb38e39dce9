# A copy, kept by `make docs`: change modules/monitoring/main.tf.
# Nothing is made here: alarms and graphs, as the modules describe them, become what CloudWatch's resources take.
locals {
  region = var.location.region

  # An alarm on one metric, or a graph's metric, is summed up over this where it says nothing else.
  default_period = 300
}
