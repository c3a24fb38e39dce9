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
    - `lanes`: settings of `measurements` and `configuration` that differ from the defaults, as the module
      factory_pipeline describes them.
    - `cameras`: the factory's cameras, and `video`: how their footage becomes clips, as the module video_archiver
      describes them.
    - `connections`: whether it is kept when the gateways' connections began and ended, and why, as the table
      `connections` (docs/data.md). Without, what is in the table stays.
    - `alarms`: when alarms fire and which are not wanted, of `messages` as the module factory_pipeline describes it
      (`alarms`), of `video` as video_archiver does.
  EOT
  type = map(object({
    gateways = set(string)
    lanes = optional(map(object({
      stream = optional(object({
        shards          = optional(number)
        on_demand       = optional(bool)
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
    connections = optional(object({
      enabled = optional(bool, true)
    }), {})
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

  # Client IDs are <factory>-<gateway>-<lane>, so "a" with gateway "b-c" and "a-b" with gateway "c" would be one: the
  # broker drops whoever connected first, for ever in turns.
  validation {
    condition = length(distinct(flatten([
      for factory, settings in var.factories : [for gateway in settings.gateways : "${factory}-${gateway}"]
      ]))) == length(flatten([
      for factory, settings in var.factories : [for gateway in settings.gateways : "${factory}-${gateway}"]
    ]))
    error_message = "factories must give each gateway client IDs of its own, got ${join(" and ", flatten([
      for factory, settings in var.factories : [
        for gateway in settings.gateways : "factories[\"${factory}\"].gateways \"${gateway}\"" if length(flatten([
          for other, others in var.factories :
          [for peer in others.gateways : peer if "${other}-${peer}" == "${factory}-${gateway}"]
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
    condition = length(setintersection(var.retired_factories, keys(var.factories))) == 0
    error_message = join(" ", [
      "retired_factories must not name a factory that is in service, got",
      "${join(", ", setintersection(var.retired_factories, keys(var.factories)))}.",
    ])
  }
}

variable "csr_dir" {
  description = "Folder of the gateways' certificate signing requests, `<client ID>/<name>.pem`."
  type        = string
  nullable    = false
}

variable "packages_dir" {
  description = "Folder of the functions' zips, `transform.zip` and `clip_fetch.zip`; null if `packages` names them."
  type        = string
  default     = null

  validation {
    condition = (
      var.packages_dir != null
      || length(setsubtract(local.needed_packages, [for name, package in var.packages : name if package != null])) == 0
    )
    error_message = join(" ", [
      "packages_dir must be a folder, or packages name all that is needed, ${join(" and ", local.needed_packages)},",
      "got ${coalesce(join(", ", [for name, package in var.packages : name if package != null]), "none")}.",
    ])
  }
}

variable "packages" {
  description = <<-EOT
    The functions' zips that are not those of `packages_dir`: `transform` as the module factory_pipeline describes its
    `package`, `clip_fetch` as video_archiver does.
  EOT
  type = object({
    transform = optional(object({
      file = optional(string)
      s3 = optional(object({
        bucket           = string
        key              = string
        object_version   = optional(string)
        source_code_hash = string
      }))
    }))
    clip_fetch = optional(object({
      file = optional(string)
      s3 = optional(object({
        bucket           = string
        key              = string
        object_version   = optional(string)
        source_code_hash = string
      }))
    }))
  })
  default  = {}
  nullable = false
}

variable "schema_dir" {
  description = "Folder of the table schemas; null takes those that the modules bring along."
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
    existing_buckets                    = optional(map(string), {})
    athena_results_expire_after_days    = optional(number)
    connections_expire_after_days       = optional(number)
    abort_incomplete_uploads_after_days = optional(number)
    reader_accounts                     = optional(set(string), [])
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([for account in var.storage.reader_accounts : can(regex("^[0-9]{12}$", account))])
    error_message = join(" ", [
      "storage.reader_accounts must be account IDs of 12 digits, got",
      "${join(", ", [
        for account in var.storage.reader_accounts : "\"${account}\"" if !can(regex("^[0-9]{12}$", account))
      ])}.",
    ])
  }
}

variable "athena" {
  description = <<-EOT
    Years that queries see, the bytes that one of them may scan, and a database that stands already, as the module
    glue_catalog describes them.
  EOT
  type = object({
    years = optional(object({
      first = optional(number)
      last  = optional(number)
    }), {})
    scan_limit_bytes  = optional(number)
    existing_database = optional(string)
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
  description = <<-EOT
    ARNs of KMS keys for `buckets` (query results included), data `streams`, `video` streams, `logs` and `functions`;
    null leaves each to a key that AWS manages.
  EOT
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

variable "alarm_topic" {
  description = <<-EOT
    Makes an SNS topic that all alarms notify; null makes none. `{}` is one without subscribers.

    - `emails`: addresses that are to be told. Each gets a message first and is told nothing before it confirms.
    - `kms_key_arn`: key that encrypts what waits in the topic; its key policy must let cloudwatch.amazonaws.com use
      it.
  EOT
  type = object({
    emails      = optional(set(string), [])
    kms_key_arn = optional(string)
  })
  default = null

  validation {
    condition = (
      var.alarm_topic == null
      ? true
      : alltrue([for email in var.alarm_topic.emails : can(regex("^[^@ ]+@[^@ ]+$", email))])
    )
    error_message = join(" ", [
      "alarm_topic.emails must be e-mail addresses, got",
      "${join(", ", [
        for email in try(var.alarm_topic.emails, []) : "\"${email}\"" if !can(regex("^[^@ ]+@[^@ ]+$", email))
      ])}.",
    ])
  }

  validation {
    condition = (
      try(var.alarm_topic.kms_key_arn, null) == null
      ? true
      : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.alarm_topic.kms_key_arn))
    )
    error_message = join(" ", [
      "alarm_topic.kms_key_arn must be the ARN of a key (not of an alias), got",
      "\"${try(coalesce(var.alarm_topic.kms_key_arn), "")}\".",
    ])
  }
}

variable "alarm_actions" {
  description = <<-EOT
    ARNs of what else the alarms notify when they fire and when they end, for example a topic that others made.
  EOT
  type        = set(string)
  default     = []
  nullable    = false

  # An alarm has five actions.
  validation {
    condition = length(var.alarm_actions) <= (var.alarm_topic == null ? 5 : 4)
    error_message = join(" ", [
      "alarm_actions must be at most 5 ARNs together with alarm_topic, got",
      "${length(var.alarm_actions) + (var.alarm_topic == null ? 0 : 1)}.",
    ])
  }
}

variable "runbook_base_url" {
  description = <<-EOT
    Where the runbook's pages are (docs/runbook), for example
    `https://git.example.com/factory-lake/blob/main/docs/runbook`. The description of each alarm ends with the link to
    its page, `<runbook_base_url>/<alarm>.md`; null leaves it out.
  EOT
  type        = string
  default     = null
}

variable "dashboards" {
  description = "Whether there are CloudWatch dashboards, one per factory and one that shows them all."
  type        = bool
  default     = true
  nullable    = false
}

variable "vpc" {
  description = <<-EOT
    Subnets and security groups that the functions run in; null runs them outside of any VPC. The subnets must have
    room for the functions' network interfaces, and a way to Kinesis Data Streams and, for cameras, to Kinesis Video
    Streams and S3: endpoints or a NAT.
  EOT
  type = object({
    subnet_ids         = set(string)
    security_group_ids = set(string)
  })
  default = null
}

variable "tracing" {
  description = <<-EOT
    X-Ray's mode, `Active` or `PassThrough`, with the permissions to send traces; null leaves it to Lambda, without.
  EOT
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of every resource that takes any, besides the provider's `default_tags`."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "permissions_boundary_arn" {
  description = "ARN of the policy that bounds what each role may be granted; null bounds none."
  type        = string
  default     = null
}

variable "role_path" {
  description = <<-EOT
    Path of the roles in IAM, for example `/factory-lake/`, by which an account's policies may tell them. To be chosen
    when they are made: another path makes each role anew, and what arrives meanwhile may be lost.
  EOT
  type        = string
  default     = "/"
  nullable    = false
}

variable "force_destroy" {
  description = <<-EOT
    Whether Terraform may delete buckets, streams and what they hold. For throw-away lakes only: it is decided when
    they are made (docs/changes.md).
  EOT
  type        = bool
  default     = false
  nullable    = false
}
