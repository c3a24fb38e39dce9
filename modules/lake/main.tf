data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_iot_endpoint" "data" {
  endpoint_type = "iot:Data-ATS"
}

locals {
  partition = data.aws_partition.current.partition
  region    = coalesce(lookup(data.aws_region.current, "region", null), lookup(data.aws_region.current, "name", null))
  account   = data.aws_caller_identity.current.account_id
  place     = "${local.region}:${local.account}"

  # Only cameras need the second.
  has_video       = anytrue([for settings in var.factories : length(settings.cameras) > 0 || settings.video != null])
  needed_packages = local.has_video ? ["clip_fetch", "transform"] : ["transform"]
  packages = {
    for name, package in var.packages : name => package != null ? package : {
      file = "${coalesce(var.packages_dir, ".")}/${name}.zip"
      s3   = null
    }
  }
  package_paths = {
    for name, package in var.packages : name => {
      "package"      = "packages.${name}"
      "package.file" = package == null ? "packages_dir" : "packages.${name}.file"
    }
  }
}
