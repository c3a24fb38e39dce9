variable "name" {
  description = "Name of the lake; begins the name of each resource."
  type        = string
  nullable    = false

  validation {
    condition = can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 32
    error_message = join(" ", [
      "name must be lower-case letters and digits in groups joined by \"-\", at most 32 characters, got",
      "\"${var.name}\".",
    ])
  }
}

variable "factory" {
  description = "ID of the factory: its directory in every bucket and the second level of its topics."
  type        = string
  nullable    = false

  validation {
    condition = can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", var.factory)) && length(var.factory) <= 32
    error_message = join(" ", [
      "${local.path.factory} must be lower-case letters and digits in groups joined by \"-\", at most 32",
      "characters, got \"${var.factory}\".",
    ])
  }

  # The transform function of the configuration lane has the longest of the names that AWS limits to 64 characters:
  # those of functions, roles and delivery streams.
  validation {
    condition = length("${var.name}-${var.factory}-configuration-transform") <= 64
    error_message = join(" ", [
      "${local.path.factory} must leave names of at most 64 characters, got",
      "${length("${var.name}-${var.factory}-configuration-transform")} for",
      "\"${var.name}-${var.factory}-configuration-transform\".",
    ])
  }
}

variable "gateways" {
  description = "IDs of the factory's LoopEdge gateways. Each is two identities, one per lane."
  type        = set(string)
  nullable    = false

  validation {
    condition = alltrue([
      for gateway in var.gateways : can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", gateway)) && length(gateway) <= 32
    ])
    error_message = join(" ", [
      "${local.path.gateways} must be lower-case letters and digits in groups joined by \"-\", at",
      "most 32 characters each, got",
      "${join(", ", [
        for gateway in var.gateways : "\"${gateway}\""
        if !(can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", gateway)) && length(gateway) <= 32)
      ])}.",
    ])
  }
}

variable "csr_dir" {
  description = <<-EOT
    Folder of the certificate signing requests, `<client ID>/<name>.pem`: one certificate each. A second file is a
    rotation with overlap, a deleted file revokes.
  EOT
  type        = string
  nullable    = false
}

variable "buckets" {
  description = "Names of the lanes' buckets."
  type = object({
    measurements  = string
    configuration = string
  })
  nullable = false
}

variable "measurements_table" {
  description = "Glue table by which measurements become Parquet."
  type = object({
    database = string
    name     = string
  })
  nullable = false
}

variable "connections_table" {
  description = <<-EOT
    Glue table by which the gateways' connections become Parquet, under `connections/` in the bucket of configuration;
    null leaves connections out.
  EOT
  type = object({
    database = string
    name     = string
  })
  default = null
}

variable "schema_dir" {
  description = <<-EOT
    Folder of the table schemas, of which `measurements.json` and `connections.json` say which JSON key feeds which
    column; null takes those that the module brings along, as it does where there is no `connections.json`.
  EOT
  type        = string
  default     = null

  validation {
    condition     = var.schema_dir == null ? true : fileexists("${var.schema_dir}/measurements.json")
    error_message = "schema_dir must be a folder with measurements.json, got \"${coalesce(var.schema_dir, "null")}\"."
  }
}

variable "package" {
  description = <<-EOT
    The transform function's zip, which every release has.

    - `file`: its path, or
    - `s3`: an object in the same region: `bucket`, `key` and, where the bucket keeps versions, `object_version`.
      `source_code_hash` is its SHA-256 in Base64, by which a plan sees that the content is another; a release has it
      in `source_code_hashes.json`.
  EOT
  type = object({
    file = optional(string)
    s3 = optional(object({
      bucket           = string
      key              = string
      object_version   = optional(string)
      source_code_hash = string
    }))
  })
  nullable = false

  validation {
    condition = (var.package.file == null) != (var.package.s3 == null)
    error_message = join(" ", [
      "${local.path.package} must have either file or s3, got ${var.package.file == null ? "neither" : "both"}.",
    ])
  }

  validation {
    condition     = var.package.file == null ? true : fileexists(var.package.file)
    error_message = "${local.path["package.file"]} must lead to a zip, got \"${coalesce(var.package.file, "null")}\"."
  }

  validation {
    condition = (
      var.package.s3 == null ? true : can(regex("^[A-Za-z0-9+/]{43}=$", var.package.s3.source_code_hash))
    )
    error_message = join(" ", [
      "${local.path.package}.s3.source_code_hash must be a SHA-256 in Base64, 44 characters, got",
      "\"${try(var.package.s3.source_code_hash, "")}\".",
    ])
  }
}

variable "lanes" {
  description = <<-EOT
    Settings of the lanes `measurements` and `configuration`; both keys are given, `{}` takes every default.

    - `stream.shards`: shards of the data stream; null is one, which takes 1,000 messages and 1 MB a second.
    - `stream.on_demand`: leaves the number to AWS, which bills such a stream by other, higher prices.
    - `stream.retention_hours`: how long messages wait in the data stream while they cannot be delivered.
    - `delivery.buffer_mb`, `delivery.buffer_seconds`: an object is written when either is reached.
    - `delivery.retry_seconds`: how long partitioning is tried again before records go to the errors prefix.
    - `delivery.transform_buffer`: size and age at which a batch goes to the transform; null leaves AWS's 1 MB and 60
      s.
    - `delivery.transform_retries`: how often a call of the transform that failed is repeated before its batch goes to
      the errors prefix.
    - `transform.memory_mb`, `transform.timeout_seconds`, `transform.reserved_concurrency`: of the function. What is
      reserved is taken from the account's quota, 100 of which must stay: a new account, with about ten, refuses any.
    - `transform.blank_strings`: what a blank string does to its message: `reject`, `null` or `keep`.
    - `transform.past_days`, `transform.future_days`: how far from its arrival a sample's timestamp may lie. Samples of
      before 2001-09-09 cannot be kept, so `past_days` is 9,000 at most.
    - `transform.log_level`: `DEBUG`, `INFO` or `WARNING`.
  EOT
  type = map(object({
    stream = optional(object({
      shards          = optional(number)
      on_demand       = optional(bool, false)
      retention_hours = optional(number, 72)
    }), {})
    delivery = optional(object({
      buffer_mb      = optional(number, 128)
      buffer_seconds = optional(number, 300)
      retry_seconds  = optional(number, 300)
      transform_buffer = optional(object({
        mb      = number
        seconds = number
      }))
      transform_retries = optional(number, 3)
    }), {})
    transform = optional(object({
      memory_mb            = optional(number, 512)
      timeout_seconds      = optional(number, 120)
      reserved_concurrency = optional(number)
      blank_strings        = optional(string, "reject")
      past_days            = optional(number, 400)
      future_days          = optional(number, 1)
      log_level            = optional(string, "INFO")
    }), {})
  }))
  default = {
    measurements  = {}
    configuration = {}
  }
  nullable = false

  validation {
    condition = toset(keys(var.lanes)) == toset(["measurements", "configuration"])
    error_message = join(" ", [
      "${local.path.lanes} must have the keys measurements and configuration, got",
      "${join(", ", keys(var.lanes))}.",
    ])
  }
}

variable "lambda" {
  description = "What the functions run on. The package runs on every runtime and architecture that is accepted here."
  type = object({
    runtime      = optional(string, "python3.13")
    architecture = optional(string, "x86_64")
    log_format   = optional(string, "JSON")
  })
  default  = {}
  nullable = false

  # Which runtimes there are is for AWS and the provider to say; the package needs 3.8.
  validation {
    condition     = can(regex("^python3\\.([89]|[1-9][0-9])$", var.lambda.runtime))
    error_message = "lambda.runtime must be python3.8 or later, got \"${var.lambda.runtime}\"."
  }

  validation {
    condition     = contains(["x86_64", "arm64"], var.lambda.architecture)
    error_message = "lambda.architecture must be x86_64 or arm64, got \"${var.lambda.architecture}\"."
  }

  validation {
    condition     = contains(["JSON", "Text"], var.lambda.log_format)
    error_message = "lambda.log_format must be JSON or Text, got \"${var.lambda.log_format}\"."
  }
}

variable "metrics_namespace" {
  description = "CloudWatch namespace of the functions' own metrics."
  type        = string
  default     = "FactoryLake"
  nullable    = false

  validation {
    condition = (
      can(regex("^[0-9A-Za-z._/#-][0-9A-Za-z._/#:-]{0,254}$", var.metrics_namespace))
      && !startswith(var.metrics_namespace, "AWS/")
    )
    error_message = join(" ", [
      "metrics_namespace must be 1 to 255 of 0-9 A-Z a-z . - _ / # : and not begin with AWS/ or a colon, got",
      "\"${var.metrics_namespace}\".",
    ])
  }
}

variable "log_retention_days" {
  description = "Days that logs are kept; 0 keeps them for ever."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition = contains(
      [0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.log_retention_days
    )
    error_message = join(" ", [
      "log_retention_days must be one of 0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096,",
      "1827, 2192, 2557, 2922, 3288, 3653, got ${var.log_retention_days}.",
    ])
  }
}

variable "kms_keys" {
  description = <<-EOT
    ARNs of KMS keys; null leaves each to a key that AWS manages.

    - `buckets`: the key of the lanes' buckets, which roles that write there then may use.
    - `streams`: encrypts the data streams, and the delivery stream of connections, for which whoever applies must be
      allowed `kms:CreateGrant`.
    - `logs`: encrypts the log groups; its key policy must let CloudWatch Logs use it.
    - `functions`: encrypts the functions' environment variables; whoever applies must be allowed `kms:CreateGrant` and
      `kms:Encrypt`.
  EOT
  type = object({
    buckets   = optional(string)
    streams   = optional(string)
    logs      = optional(string)
    functions = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for key in values(var.kms_keys) :
      key == null ? true : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", key))
    ])
    error_message = join(" ", [
      for path, key in var.kms_keys :
      "kms_keys.${path} must be the ARN of a key (not of an alias: roles are granted the key itself), got \"${key}\"."
      if key == null ? false : !can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", key))
    ])
  }
}

variable "alarms" {
  description = <<-EOT
    When the alarms on messages fire, for both lanes. Each alarm is named and explained in docs/runbook.

    - `disabled`: names of alarms that are not wanted.
    - `retention_share` (time-to-loss): share of the stream's retention that the oldest unread message may reach.
    - `unread_minutes` (unread): how long nobody may read the stream.
    - `write_throttled_records` (write-throttled), `read_throttled_calls` (read-throttled): how many in five minutes
      are normal.
    - `freshness_seconds` (data-freshness): how long a message may wait in Firehose; null for three buffer intervals,
      at least 900.
    - `delivery_success_share` (delivery-failed): share of the puts that must succeed.
    - `behind_seconds` (behind-latest): how far behind the newest message Firehose may read.
    - `transform_success_share` (transform-calls-failed): share of Firehose's calls that must succeed.
    - `unprocessed_share` (unprocessed), `rejected_share` (rejected): share of the messages that may be refused.
    - `min_records`: below so many records (unprocessed: in 15 minutes) or samples (rejected: in an hour) a share means
      nothing.
    - `conversion_failed_records` (conversion-failed): how many in five minutes are normal.
    - `rule_failures` (rule-failed): how many in five minutes are normal.
    - `transform_errors` (transform-errors), `transform_throttles` (transform-throttled): how many in five minutes are
      normal.
    - `transform_timeout_share` (transform-slow): share of its timeout that the function may take.
  EOT
  type = object({
    disabled                  = optional(set(string), [])
    retention_share           = optional(number, 0.5)
    unread_minutes            = optional(number, 15)
    write_throttled_records   = optional(number, 0)
    freshness_seconds         = optional(number)
    delivery_success_share    = optional(number, 1)
    behind_seconds            = optional(number, 900)
    read_throttled_calls      = optional(number, 0)
    transform_success_share   = optional(number, 1)
    unprocessed_share         = optional(number, 0.05)
    rejected_share            = optional(number, 0.05)
    min_records               = optional(number, 20)
    conversion_failed_records = optional(number, 0)
    rule_failures             = optional(number, 0)
    transform_errors          = optional(number, 0)
    transform_throttles       = optional(number, 0)
    transform_timeout_share   = optional(number, 0.8)
  })
  default  = {}
  nullable = false

  validation {
    condition = length(setsubtract(var.alarms.disabled, keys(local.alarm_descriptions))) == 0
    error_message = join(" ", [
      "${local.path.alarms}.disabled must name alarms, which are",
      "${join(", ", keys(local.alarm_descriptions))}, got",
      "${join(", ", setsubtract(var.alarms.disabled, keys(local.alarm_descriptions)))}.",
    ])
  }

  validation {
    condition = alltrue([
      for share, limits in local.alarm_shares :
      (limits.zero ? var.alarms[share] >= 0 : var.alarms[share] > 0)
      && (limits.one ? var.alarms[share] <= 1 : var.alarms[share] < 1)
    ])
    error_message = join("\n", [
      for share, limits in local.alarm_shares : join(" ", [
        "${local.path.alarms}.${share} must be ${limits.zero ? "at least" : "above"} 0 and",
        "${limits.one ? "at most" : "below"} 1, got ${var.alarms[share]}.",
      ])
      if(limits.zero ? var.alarms[share] < 0 : var.alarms[share] <= 0)
      || (limits.one ? var.alarms[share] > 1 : var.alarms[share] >= 1)
    ])
  }

  validation {
    condition = alltrue([
      for count in local.alarm_counts : var.alarms[count] >= 0 && floor(var.alarms[count]) == var.alarms[count]
    ])
    error_message = join("\n", [
      for count in local.alarm_counts : join(" ", [
        "${local.path.alarms}.${count} must be a whole number, at least 0, got",
        "${var.alarms[count]}.",
      ])
      if var.alarms[count] < 0 || floor(var.alarms[count]) != var.alarms[count]
    ])
  }

  # A stream may keep messages for a day only.
  validation {
    condition = (
      var.alarms.unread_minutes >= 5
      && var.alarms.unread_minutes <= 1440
      && floor(var.alarms.unread_minutes) == var.alarms.unread_minutes
    )
    error_message = join(" ", [
      "${local.path.alarms}.unread_minutes must be a whole number, 5..1440, got",
      "${var.alarms.unread_minutes}.",
    ])
  }

  validation {
    condition = var.alarms.min_records >= 1 && floor(var.alarms.min_records) == var.alarms.min_records
    error_message = join(" ", [
      "${local.path.alarms}.min_records must be a whole number, at least 1, got",
      "${var.alarms.min_records}.",
    ])
  }

  # Firehose reads again after seconds; a message is on its way for its buffer interval.
  validation {
    condition = var.alarms.behind_seconds >= 60 && var.alarms.behind_seconds <= 31536000
    error_message = join(" ", [
      "${local.path.alarms}.behind_seconds must be 60..31536000, got",
      "${var.alarms.behind_seconds}.",
    ])
  }

  validation {
    condition = (
      var.alarms.freshness_seconds == null
      ? true
      : alltrue([for lane in var.lanes : var.alarms.freshness_seconds > 1.5 * lane.delivery.buffer_seconds])
    )
    error_message = join(" ", [
      "${local.path.alarms}.freshness_seconds must be above one and a half buffer intervals",
      "of either lane, ${max([for lane in var.lanes : 1.5 * lane.delivery.buffer_seconds]...)}, got",
      "${coalesce(var.alarms.freshness_seconds, 0)}.",
    ])
  }
}

variable "alarm_actions" {
  description = <<-EOT
    ARNs of what the alarms notify when they fire and when they end, for example an SNS topic. Without any they are
    only seen in CloudWatch.
  EOT
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.alarm_actions) <= 5 && alltrue([for arn in var.alarm_actions : startswith(arn, "arn:")])
    error_message = "alarm_actions must be at most 5 ARNs, got ${join(", ", var.alarm_actions)}."
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

variable "vpc" {
  description = <<-EOT
    Subnets and security groups that the functions run in; null runs them outside of any VPC. The subnets must have
    room for the functions' network interfaces, and a way to Kinesis Data Streams, an endpoint or a NAT: the transform
    of measurements puts parts of batches back into its data stream.
  EOT
  type = object({
    subnet_ids         = set(string)
    security_group_ids = set(string)
  })
  default = null

  validation {
    condition = var.vpc == null ? true : length(var.vpc.subnet_ids) > 0 && length(var.vpc.security_group_ids) > 0
    error_message = join(" ", [
      "vpc must name at least one subnet and one security group, got ${length(try(var.vpc.subnet_ids, []))} and",
      "${length(try(var.vpc.security_group_ids, []))}.",
    ])
  }
}

variable "tracing" {
  description = <<-EOT
    X-Ray's mode, `Active` or `PassThrough`, with the permissions to send traces; null leaves it to Lambda, without.
  EOT
  type        = string
  default     = null

  validation {
    condition     = var.tracing == null ? true : contains(["Active", "PassThrough"], var.tracing)
    error_message = "tracing must be Active or PassThrough, got \"${coalesce(var.tracing, "null")}\"."
  }
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

  validation {
    condition = (
      var.permissions_boundary_arn == null
      ? true
      : can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    )
    error_message = join(" ", [
      "permissions_boundary_arn must be the ARN of a policy, got",
      "\"${coalesce(var.permissions_boundary_arn, "null")}\".",
    ])
  }
}

variable "role_path" {
  description = <<-EOT
    Path of the roles in IAM, for example `/factory-lake/`, by which an account's policies may tell them. To be chosen
    when they are made: another path makes each role anew, and what arrives meanwhile may be lost.
  EOT
  type        = string
  default     = "/"
  nullable    = false

  validation {
    condition     = can(regex("^/([!-~]+/)?$", var.role_path)) && length(var.role_path) <= 512
    error_message = "role_path must begin and end with /, at most 512 characters, got \"${var.role_path}\"."
  }
}

variable "force_destroy" {
  description = <<-EOT
    Whether Terraform may delete data streams and delivery streams with the messages in them. For throw-away lakes
    only: it is decided when a stream is made.
  EOT
  type        = bool
  default     = false
  nullable    = false
}

variable "input_paths" {
  description = <<-EOT
    What messages call an input, by its name: for a caller whose own inputs feed this module's. The others go by their
    names.
  EOT
  type        = map(string)
  default     = {}
  nullable    = false
}
