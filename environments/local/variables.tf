# Values: factories.auto.tfvars.json
variable "factories" {
  description = "The factories in service, by ID, as modules/lake describes them."
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
        transform_retries = optional(number)
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
    alarms = optional(object({
      messages = optional(object({
        disabled                  = optional(set(string))
        retention_share           = optional(number)
        unread_minutes            = optional(number)
        write_throttled_records   = optional(number)
        freshness_seconds         = optional(number)
        delivery_success_share    = optional(number)
        behind_seconds            = optional(number)
        read_throttled_calls      = optional(number)
        transform_success_share   = optional(number)
        unprocessed_share         = optional(number)
        rejected_share            = optional(number)
        min_records               = optional(number)
        conversion_failed_records = optional(number)
        rule_failures             = optional(number)
        transform_errors          = optional(number)
        transform_throttles       = optional(number)
        transform_timeout_share   = optional(number)
      }), {})
      video = optional(object({
        disabled            = optional(set(string))
        loss_seconds        = optional(number)
        silent_seconds      = optional(number)
        expired_seconds     = optional(number)
        flagged_clips       = optional(number)
        failed_cameras      = optional(number)
        failed_runs         = optional(number)
        throttled_runs      = optional(number)
        failed_starts       = optional(number)
        not_running_seconds = optional(number)
      }), {})
    }), {})
  }))
  nullable = false
}

variable "retired_factories" {
  description = "IDs of factories taken out of service, whose data stays and can be queried."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "csr_dir" {
  description = "Folder of the gateways' certificate signing requests, `<client ID>/<name>.pem`; null takes `csr` in this folder."
  type        = string
  default     = null
}

variable "packages_dir" {
  description = "Folder of the Lambda packages; null takes `build/packages` of the repository."
  type        = string
  default     = null
}

variable "kms_keys" {
  description = "ARNs of KMS keys for `buckets` (query results included), data `streams`, `video` streams, `logs` and `functions`; null leaves each to a key that AWS manages."
  type = object({
    buckets   = optional(string)
    streams   = optional(string)
    video     = optional(string)
    logs      = optional(string)
    functions = optional(string)
  })
  default  = {}
  nullable = false
}
