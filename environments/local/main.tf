module "lake" {
  source = "../../modules/lake"

  name              = "factory-lake-local"
  factories         = var.factories
  retired_factories = var.retired_factories
  csr_dir           = coalesce(var.csr_dir, "${path.root}/csr")
  packages_dir      = coalesce(var.packages_dir, "${path.root}/../../build/packages")
  kms_keys          = var.kms_keys

  # Nobody subscribes, but it is there to be tried.
  alarm_topic = {}

  # A local lake is thrown away with all that is in it.
  force_destroy      = true
  log_retention_days = 1
}
