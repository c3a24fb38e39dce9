data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  # A bucket that the caller says nothing about: nothing is moved, nothing is deleted.
  defaults = {
    versioning                   = true
    transitions                  = []
    expire_data_after_days       = null
    expire_errors_after_days     = null
    expire_noncurrent_after_days = null
  }
  buckets = {
    for bucket in ["measurements", "configuration", "clips"] :
    bucket => merge(local.defaults, lookup(var.buckets, bucket, local.defaults))
  }

  bucket_names = {
    for bucket in keys(local.buckets) :
    bucket => lookup(var.existing_buckets, bucket, "${var.name}-${var.suffix}-${bucket}")
  }
  # Those that are made and managed here.
  own_buckets = {
    for bucket, name in local.bucket_names : bucket => name if !contains(keys(var.existing_buckets), bucket)
  }
  bucket_arns = {
    for bucket, name in local.bucket_names : bucket => "arn:${data.aws_partition.current.partition}:s3:::${name}"
  }

  # Outside every table's partitions, so that results are never read as data.
  athena_results_prefix = "athena-results/"
  # Beside the clips, which are not read as rows. It stays in the storage class that Athena reads.
  clip_rows_prefix = "index/"
}
