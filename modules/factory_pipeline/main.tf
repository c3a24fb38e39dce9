data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name
  account   = data.aws_caller_identity.current.account_id

  # Everything that a lane's resources know of each other. ARNs are made from names, so that a role can be limited to a resource
  # that itself needs the role first.
  lanes = {
    for lane, settings in var.lanes : lane => merge(settings, {
      stream_name   = "${var.name}-${var.factory}-${lane}"
      function_name = "${var.name}-${var.factory}-${lane}-transform"
      # Rule names know no hyphen. IDs know no underscore, so two of them keep the parts apart.
      rule_name = replace("${var.name}__${var.factory}__${lane}", "-", "_")

      stream_arn          = "arn:${local.partition}:kinesis:${local.region}:${local.account}:stream/${var.name}-${var.factory}-${lane}"
      delivery_stream_arn = "arn:${local.partition}:firehose:${local.region}:${local.account}:deliverystream/${var.name}-${var.factory}-${lane}"
      function_arn        = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.name}-${var.factory}-${lane}-transform"
      rule_arn            = "arn:${local.partition}:iot:${local.region}:${local.account}:rule/${replace("${var.name}__${var.factory}__${lane}", "-", "_")}"
      bucket_arn          = "arn:${local.partition}:s3:::${var.buckets[lane]}"

      delivery_log_group = "/aws/kinesisfirehose/${var.name}-${var.factory}-${lane}"
      function_log_group = "/aws/lambda/${var.name}-${var.factory}-${lane}-transform"

      # All that this factory's lane may write to.
      data_prefix  = "factory=${var.factory}/"
      error_prefix = "errors/factory=${var.factory}/${lane}/"
    }) if contains(["measurements", "configuration"], lane)
  }
}
