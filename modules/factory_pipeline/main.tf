data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  region    = coalesce(lookup(data.aws_region.current, "region", null), lookup(data.aws_region.current, "name", null))
  account   = data.aws_caller_identity.current.account_id
  place     = "${local.region}:${local.account}"

  lane_names = { for lane in keys(var.lanes) : lane => "${var.name}-${var.factory}-${lane}" }
  # Rule names know no hyphen. IDs know no underscore, so two of them keep the parts apart.
  rule_names = { for lane in keys(var.lanes) : lane => replace("${var.name}__${var.factory}__${lane}", "-", "_") }

  # Everything that a lane's resources know of each other. ARNs are made from names, so that a role can be limited to a
  # resource that itself needs the role first.
  lanes = {
    for lane, settings in var.lanes : lane => merge(settings, {
      stream_name   = local.lane_names[lane]
      function_name = "${local.lane_names[lane]}-transform"
      rule_name     = local.rule_names[lane]

      stream_arn          = "arn:${local.partition}:kinesis:${local.place}:stream/${local.lane_names[lane]}"
      delivery_stream_arn = "arn:${local.partition}:firehose:${local.place}:deliverystream/${local.lane_names[lane]}"
      function_arn        = "arn:${local.partition}:lambda:${local.place}:function:${local.lane_names[lane]}-transform"
      rule_arn            = "arn:${local.partition}:iot:${local.place}:rule/${local.rule_names[lane]}"
      bucket_arn          = "arn:${local.partition}:s3:::${var.buckets[lane]}"

      delivery_log_group = "/aws/kinesisfirehose/${local.lane_names[lane]}"
      function_log_group = "/aws/lambda/${local.lane_names[lane]}-transform"

      # All that this factory's lane may write to.
      data_prefix  = "factory=${var.factory}/"
      error_prefix = "errors/factory=${var.factory}/${lane}/"
    }) if contains(["measurements", "configuration"], lane)
  }
}
