module "lake" {
  source = "../lake"

  name              = "factory-lake-prod"
  factories         = local.factories
  retired_factories = local.retired_factories
  csr_dir           = coalesce(var.csr_dir, "${path.root}/csr")
  packages_dir      = coalesce(var.packages_dir, "${path.root}/../../build/packages")
  alarm_topic       = { emails = var.alarm_emails }
  alarm_actions     = var.alarm_actions

  storage = {
    buckets = {
      # Parquet of past quarters is read now and then, and at once when it is. S3 moves objects of 128 KB and more, so
      # configuration, whose objects are smaller, would gain nothing.
      measurements = {
        transitions                  = [{ days = 90, storage_class = "GLACIER_IR" }]
        expire_noncurrent_after_days = 30
      }
      configuration = { expire_noncurrent_after_days = 30 }
      clips = {
        transitions                  = [{ days = 30, storage_class = "GLACIER_IR" }]
        expire_noncurrent_after_days = 30
      }
    }
  }
  log_retention_days = 365
}
