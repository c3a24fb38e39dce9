data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  region    = coalesce(lookup(data.aws_region.current, "region", null), lookup(data.aws_region.current, "name", null))
  account   = data.aws_caller_identity.current.account_id
  place     = "${local.region}:${local.account}"

  # IDs know no underscore, so the prefixes of two factories never overlap.
  stream_prefix = "${var.name}_${var.factory}_"
  stream_arns   = "arn:${local.partition}:kinesisvideo:${local.place}:stream/${local.stream_prefix}*/*"

  function_name = "${var.name}-${var.factory}-clip-fetch"
  function_arn  = "arn:${local.partition}:lambda:${local.place}:function:${local.function_name}"
  log_group     = "/aws/lambda/${local.function_name}"
  bucket_arn    = "arn:${local.partition}:s3:::${var.clips_bucket}"
  data_prefix   = "factory=${var.factory}/"
  rows_prefix   = "index/${local.data_prefix}"

  # What the cameras' footage is encrypted with, where that is not the service's own key.
  camera_keys = {
    for camera, settings in var.cameras : camera => try(coalesce(settings.kms_key_arn, var.kms_keys.video), null)
  }
  stream_keys = distinct(concat(values(local.camera_keys), [var.kms_keys.video]))
}
