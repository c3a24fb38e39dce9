# A factory with cameras and no gateways: a bucket for its clips and an archiver, without streams for messages, tables
# or a lake.
provider "aws" {
  region = var.region
}

data "aws_caller_identity" "current" {}

# It makes the buckets of a whole lake; those of messages stay empty, and cost nothing.
module "storage" {
  source = "../../modules/storage"

  name    = "factory-video"
  suffix  = data.aws_caller_identity.current.account_id
  buckets = { clips = { expire_data_after_days = var.keep_days, expire_noncurrent_after_days = 7 } }
}

module "video_archiver" {
  source = "../../modules/video_archiver"

  name    = "factory-video"
  factory = "krakow"
  cameras = {
    gate    = { retention_hours = 48 }
    press-1 = { retention_hours = 48, fragment_seconds = 4 }
  }
  video = { schedule = "rate(10 minutes)" }

  clips_bucket            = module.storage.bucket_names["clips"]
  clips_expire_after_days = var.keep_days
  package                 = { file = "${path.root}/../../build/packages/clip_fetch.zip" }
  alarm_actions           = var.alarm_actions
}
