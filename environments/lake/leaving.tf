# What a factory leaves behind, and whether queries still find it.
locals {
  queried_factories = setunion(keys(var.factories), var.retired_factories)

  # Folders of the buckets, `factory=<id>/`; they can be listed once the buckets are there.
  listed_buckets = { for bucket, arn in module.storage.bucket_arns : bucket => split(":::", arn)[1] }
}

# The tables' projection names the factories, and finds nothing of any other, without a word.
check "measurements_can_be_queried" {
  data "aws_s3_objects" "measurements" {
    bucket    = local.listed_buckets["measurements"]
    prefix    = "factory="
    delimiter = "/"
  }

  assert {
    condition = length(setsubtract(data.aws_s3_objects.measurements.common_prefixes, [for factory in local.queried_factories : "factory=${factory}/"])) == 0
    error_message = "retired_factories must name each factory that has left data behind, or no query finds it, got none for ${join(", ", [
      for prefix in data.aws_s3_objects.measurements.common_prefixes : "s3://${local.listed_buckets["measurements"]}/${prefix}"
      if !contains(local.queried_factories, trimsuffix(trimprefix(prefix, "factory="), "/"))
    ])}."
  }
}

check "configuration_can_be_queried" {
  data "aws_s3_objects" "configuration" {
    bucket    = local.listed_buckets["configuration"]
    prefix    = "factory="
    delimiter = "/"
  }

  assert {
    condition = length(setsubtract(data.aws_s3_objects.configuration.common_prefixes, [for factory in local.queried_factories : "factory=${factory}/"])) == 0
    error_message = "retired_factories must name each factory that has left data behind, or no query finds it, got none for ${join(", ", [
      for prefix in data.aws_s3_objects.configuration.common_prefixes : "s3://${local.listed_buckets["configuration"]}/${prefix}"
      if !contains(local.queried_factories, trimsuffix(trimprefix(prefix, "factory="), "/"))
    ])}."
  }
}
