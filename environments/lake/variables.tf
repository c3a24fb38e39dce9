variable "name" {
  description = "Name of the lake, for example `factory-lake-dev`; begins the name of each resource."
  type        = string
  nullable    = false
}

variable "suffix" {
  description = "Makes the bucket names unique among all AWS accounts; null takes the account ID."
  type        = string
  default     = null
}

variable "factories" {
  description = <<-EOT
    The factories in service, by ID.

    - `gateways`: IDs of the factory's LoopEdge gateways.
    - `lanes`: settings of `measurements` and `configuration` that differ from the defaults, as the module factory_pipeline describes
      them.
    - `cameras`: the factory's cameras, and `video`: how their footage becomes clips, as the module video_archiver describes them.
  EOT
  type = map(object({
    gateways = set(string)
    lanes = optional(map(object({
      stream = optional(object({
        shards          = optional(number)
        retention_hours = optional(number)
      }))
      delivery = optional(object({
        buffer_mb      = optional(number)
        buffer_seconds = optional(number)
        retry_seconds  = optional(number)
        transform_buffer = optional(object({
          mb      = number
          seconds = number
        }))
      }))
      transform = optional(object({
        memory_mb            = optional(number)
        timeout_seconds      = optional(number)
        reserved_concurrency = optional(number)
        blank_strings        = optional(string)
        past_days            = optional(number)
        future_days          = optional(number)
        log_level            = optional(string)
      }))
    })), {})
    cameras = optional(map(object({
      retention_hours  = optional(number)
      fragment_seconds = optional(number)
      kms_key_arn      = optional(string)
      media_type       = optional(string)
    })), {})
    video = optional(object({
      clip_seconds            = optional(number)
      settle_seconds          = optional(number)
      quiet_seconds           = optional(number)
      gap_seconds             = optional(number)
      start_from              = optional(string)
      schedule                = optional(string)
      shards                  = optional(number)
      streams_at_once         = optional(number)
      timeout_seconds         = optional(number)
      memory_mb               = optional(number)
      ephemeral_storage_mb    = optional(number)
      reserved_concurrency    = optional(number)
      retries                 = optional(number)
      failure_destination_arn = optional(string)
      log_level               = optional(string)
    }))
  }))
  nullable = false

  # Client IDs are <factory>-<gateway>-<lane>, so "a" with gateway "b-c" and "a-b" with gateway "c" would be one: the broker drops
  # whoever connected first, for ever in turns.
  validation {
    condition = length(distinct(flatten([
      for factory, settings in var.factories : [for gateway in settings.gateways : "${factory}-${gateway}"]
      ]))) == length(flatten([
      for factory, settings in var.factories : [for gateway in settings.gateways : "${factory}-${gateway}"]
    ]))
    error_message = "factories must give each gateway client IDs of its own, got ${join(" and ", flatten([
      for factory, settings in var.factories : [
        for gateway in settings.gateways : "factories[\"${factory}\"].gateways \"${gateway}\"" if length(flatten([
          for other, others in var.factories : [for peer in others.gateways : peer if "${other}-${peer}" == "${factory}-${gateway}"]
        ])) > 1
      ]
    ]))} with the same."
  }
}

variable "retired_factories" {
  description = "IDs of factories taken out of service, whose data stays and can be queried."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(setintersection(var.retired_factories, keys(var.factories))) == 0
    error_message = "retired_factories must not name a factory that is in service, got ${join(", ", setintersection(var.retired_factories, keys(var.factories)))}."
  }
}

variable "csr_dir" {
  description = "Folder of the gateways' certificate signing requests, `<client ID>/<name>.pem`."
  type        = string
  nullable    = false
}

variable "packages_dir" {
  description = "Folder of the Lambda packages, as `make package` fills it."
  type        = string
  nullable    = false
}

variable "schema_dir" {
  description = "Folder of the table schemas; null takes the repository's `glue_schemas`."
  type        = string
  default     = null
}

variable "storage" {
  description = "Settings of the buckets that differ from the defaults, as the module storage describes them."
  type = object({
    buckets = optional(map(object({
      versioning = optional(bool)
      transitions = optional(list(object({
        days          = number
        storage_class = string
      })))
      expire_data_after_days       = optional(number)
      expire_errors_after_days     = optional(number)
      expire_noncurrent_after_days = optional(number)
    })), {})
    athena_results_expire_after_days    = optional(number)
    abort_incomplete_uploads_after_days = optional(number)
  })
  default  = {}
  nullable = false
}

variable "athena" {
  description = "Years that queries see, and the bytes that one of them may scan, as the module glue_catalog describes them."
  type = object({
    years = optional(object({
      first = optional(number)
      last  = optional(number)
    }), {})
    scan_limit_bytes = optional(number)
  })
  default  = {}
  nullable = false
}

variable "lambda" {
  description = "Runtime, architecture and log format of the functions, as the module factory_pipeline describes them."
  type = object({
    runtime      = optional(string)
    architecture = optional(string)
    log_format   = optional(string)
  })
  default  = {}
  nullable = false
}

variable "metrics_namespace" {
  description = "CloudWatch namespace of the functions' own metrics."
  type        = string
  default     = "FactoryLake"
  nullable    = false
}

variable "log_retention_days" {
  description = "Days that logs are kept; 0 keeps them for ever."
  type        = number
  default     = 90
  nullable    = false
}

variable "kms_keys" {
  description = "ARNs of KMS keys for `buckets` (query results included), `streams` and `logs`; null leaves each to a key that AWS manages."
  type = object({
    buckets = optional(string)
    streams = optional(string)
    logs    = optional(string)
  })
  default  = {}
  nullable = false
}

variable "alarm_actions" {
  description = "ARNs of what alarms notify, for example an SNS topic. Without any there are no alarms."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "force_destroy" {
  description = "Whether Terraform may delete buckets, streams and what they hold. For throw-away lakes only: it is decided when they are made (docs/changes.md)."
  type        = bool
  default     = false
  nullable    = false
}
