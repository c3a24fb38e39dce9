# A lake in an account that has a data platform already: its buckets, its Glue database and its topic for alarms.
provider "aws" {
  region = var.region
}

module "lake" {
  source = "../../modules/lake"

  name         = "factory-lake"
  csr_dir      = "${path.root}/csr"
  packages_dir = "${path.root}/../../build/packages"

  factories = {
    krakow = {
      gateways = ["line-1"]
      cameras  = { gate = {} }
    }
  }

  # Messages go where the platform keeps its data; the bucket of clips is made.
  storage = {
    existing_buckets = {
      measurements  = var.platform.measurements_bucket
      configuration = var.platform.configuration_bucket
    }
    buckets = { clips = { expire_data_after_days = 365 } }
  }
  athena        = { existing_database = var.platform.database }
  alarm_actions = [var.platform.alarm_topic_arn]
}
