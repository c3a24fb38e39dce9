module "lake" {
  source = "../lake"

  name              = "factory-lake-dev"
  factories         = local.factories
  retired_factories = local.retired_factories
  csr_dir           = coalesce(var.csr_dir, "${path.root}/csr")
  packages_dir      = coalesce(var.packages_dir, "${path.root}/../../build/packages")
  # Without addresses, alarms are only seen in CloudWatch.
  alarm_topic = length(var.alarm_emails) > 0 ? { emails = var.alarm_emails } : null

  log_retention_days = 14
}
