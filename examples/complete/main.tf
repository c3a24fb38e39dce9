# Two factories in service and one that is retired, cameras, keys of one's own, tiering, and alarms that reach people.
provider "aws" {
  region = var.region

  default_tags {
    tags = {
      lake = "factory-lake"
    }
  }
}

locals {
  key_arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"
}

module "lake" {
  source = "../../modules/lake"

  name         = "factory-lake"
  csr_dir      = "${path.root}/csr"
  packages_dir = "${path.root}/../../build/packages"

  factories = {
    krakow = {
      gateways = ["line-1", "line-2"]
      lanes = {
        # Twenty lines send through two gateways: up to 4,000 messages or 4 MB a second.
        measurements = {
          stream    = { shards = 4, retention_hours = 168 }
          delivery  = { buffer_seconds = 120 }
          transform = { memory_mb = 1024, blank_strings = "null" }
        }
      }
      alarms = {
        messages = { rejected_share = 0.01, disabled = ["transform-slow"] }
      }
    }

    lyon = {
      gateways = ["press-shop"]
      lanes = {
        # Nobody knows yet what its presses send.
        measurements = { stream = { on_demand = true } }
      }
      cameras = {
        press-1 = { retention_hours = 72 }
        gate    = { media_type = "video/h265", fragment_seconds = 4 }
      }
      video = {
        clip_seconds = 120
        schedule     = "rate(10 minutes)"
      }
      alarms = {
        video = { silent_seconds = 900 }
      }
    }
  }
  # Its data stays and can be queried.
  retired_factories = ["genoa"]

  storage = {
    buckets = {
      measurements = {
        transitions                  = [{ days = 90, storage_class = "GLACIER_IR" }]
        expire_noncurrent_after_days = 30
      }
      clips = { expire_data_after_days = 730 }
    }
  }
  athena = {
    years            = { first = 2025, last = 2040 }
    scan_limit_bytes = 107374182400 # 100 GiB
  }

  kms_keys = {
    buckets   = local.key_arn
    streams   = local.key_arn
    video     = local.key_arn
    logs      = local.key_arn
    functions = local.key_arn
  }

  alarm_topic      = { emails = ["on-call@example.com"], kms_key_arn = local.key_arn }
  runbook_base_url = "https://git.example.com/factory-lake/blob/main/docs/runbook"

  lambda             = { architecture = "arm64" }
  log_retention_days = 365
}
