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
  description = "ID of the factory: its directory in the clips bucket and a part of its streams' names."
  type        = string
  nullable    = false

  validation {
    condition = can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", var.factory)) && length(var.factory) <= 32
    error_message = join(" ", [
      "${local.path.factory} must be lower-case letters and digits in groups joined by \"-\", at most 32",
      "characters, got \"${var.factory}\".",
    ])
  }

  # AWS limits the names of functions, roles and rules to 64 characters; a rule's may end in a number.
  validation {
    condition = length("${var.name}-${var.factory}-clip-fetch-99") <= 64
    error_message = join(" ", [
      "${local.path.factory} must leave names of at most 64 characters, got",
      "${length("${var.name}-${var.factory}-clip-fetch-99")} for \"${var.name}-${var.factory}-clip-fetch-99\".",
    ])
  }
}

variable "cameras" {
  description = <<-EOT
    The cameras whose video streams are made here, by ID. Streams with the factory's prefix that are made elsewhere are
    archived as well.

    - `retention_hours`: how long footage can be had from the stream, so how long the archiver may be out of order. It
      applies to new streams; of one that exists it is changed as the output `retention_changes` says.
    - `fragment_seconds`: how long the camera's fragments are. A clip has at most 200 of them.
    - `kms_key_arn`: key that encrypts the footage; null takes `kms_keys.video`.
    - `media_type`: what the stream says that it holds.
  EOT
  type = map(object({
    retention_hours  = optional(number, 24)
    fragment_seconds = optional(number, 2)
    kms_key_arn      = optional(string)
    media_type       = optional(string, "video/h264")
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for camera in keys(var.cameras) : can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", camera)) && length(camera) <= 32
    ])
    error_message = join(" ", [
      "${local.path.cameras} must have IDs of lower-case letters and digits in groups joined by",
      "\"-\", at most 32 characters each, got",
      "${join(", ", [
        for camera in keys(var.cameras) : "\"${camera}\""
        if !(can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", camera)) && length(camera) <= 32)
      ])}.",
    ])
  }

  validation {
    condition = alltrue([
      for camera in var.cameras :
      camera.retention_hours >= 1
      && camera.retention_hours <= 87600
      && floor(camera.retention_hours) == camera.retention_hours
    ])
    error_message = join("\n", [
      for id, camera in var.cameras : join(" ", [
        "${local.path.cameras}[\"${id}\"].retention_hours must be a whole number, 1..87600, got",
        "${camera.retention_hours}.",
      ])
      if camera.retention_hours < 1 || camera.retention_hours > 87600
      || floor(camera.retention_hours) != camera.retention_hours
    ])
  }

  validation {
    condition = alltrue([for camera in var.cameras : camera.fragment_seconds >= 1 && camera.fragment_seconds <= 20])
    error_message = join("\n", [
      for id, camera in var.cameras : join(" ", [
        "${local.path.cameras}[\"${id}\"].fragment_seconds must be 1..20, got",
        "${camera.fragment_seconds}.",
      ])
      if camera.fragment_seconds < 1 || camera.fragment_seconds > 20
    ])
  }

  validation {
    condition = alltrue([
      for camera in var.cameras :
      camera.kms_key_arn == null ? true : can(
        regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", camera.kms_key_arn)
      )
    ])
    error_message = join("\n", [
      for id, camera in var.cameras : join(" ", [
        "${local.path.cameras}[\"${id}\"].kms_key_arn must be the ARN of a key (not of an alias:",
        "roles are granted the key itself), got \"${camera.kms_key_arn}\".",
      ])
      if camera.kms_key_arn == null ? false : !can(
        regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", camera.kms_key_arn)
      )
    ])
  }

  # KinesisVideo API, CreateStream.
  validation {
    condition = alltrue([for camera in var.cameras : length(camera.media_type) <= 128])
    error_message = join("\n", [
      for id, camera in var.cameras : join(" ", [
        "${local.path.cameras}[\"${id}\"].media_type must be at most 128 characters, got",
        "${length(camera.media_type)}.",
      ])
      if length(camera.media_type) > 128
    ])
  }

  # GetClip takes H.264 and H.265 and nothing else.
  validation {
    condition = alltrue([
      for camera in var.cameras : can(regex("^video/(h264|h265)(,audio/[a-zA-Z0-9.+-]+)?$", camera.media_type))
    ])
    error_message = join("\n", [
      for id, camera in var.cameras : join(" ", [
        "${local.path.cameras}[\"${id}\"].media_type must be video/h264 or video/h265, with an",
        "audio type behind a comma if there is sound, got \"${camera.media_type}\".",
      ])
      if !can(regex("^video/(h264|h265)(,audio/[a-zA-Z0-9.+-]+)?$", camera.media_type))
    ])
  }
}

variable "clips_bucket" {
  description = "Name of the bucket that the clips go to."
  type        = string
  nullable    = false
}

variable "clips_expire_after_days" {
  description = <<-EOT
    Days after which the clips bucket deletes clips; null for never. It is only checked here: the archive itself says
    how far it reaches, so it must outlive the footage in the streams.
  EOT
  type        = number
  default     = null
}

variable "package" {
  description = <<-EOT
    The clip_fetch function's zip, which every release has.

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

variable "video" {
  description = <<-EOT
    How the factory's footage becomes clips.

    - `clip_seconds`: how long a clip is.
    - `settle_seconds`: how old a fragment must be before it is certain that all before it are listed.
    - `quiet_seconds`: a camera that has sent nothing for this long has stopped, and its unfinished clip is archived.
    - `gap_seconds`: a jump in the camera's own time beyond this ends a clip (after a single frame, 20 s or more).
    - `start_from`: where an empty archive begins, with the `oldest` footage or with that from `now` on.
    - `schedule`: when the archiver runs, `rate(...)` or `cron(...)`.
    - `shards`: how many invocations share the cameras at each time. One does for dozens of cameras.
    - `streams_at_once`: cameras that one invocation works on at the same time.
    - `timeout_seconds`, `memory_mb`, `ephemeral_storage_mb`, `reserved_concurrency`: of the function. A run that is
      out of time leaves the rest to the next one. What is reserved is taken from the account's quota, 100 of which
      must stay.
    - `retries`: how often Lambda repeats an invocation that failed; the next run makes up for it anyway.
    - `failure_destination_arn`: SQS queue or SNS topic that is told of invocations that failed for good; null tells
      nobody.
    - `log_level`: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
  EOT
  type = object({
    clip_seconds            = optional(number, 60)
    settle_seconds          = optional(number, 15)
    quiet_seconds           = optional(number, 120)
    gap_seconds             = optional(number, 5)
    start_from              = optional(string, "oldest")
    schedule                = optional(string, "rate(5 minutes)")
    shards                  = optional(number, 1)
    streams_at_once         = optional(number, 4)
    timeout_seconds         = optional(number, 300)
    memory_mb               = optional(number, 512)
    ephemeral_storage_mb    = optional(number, 512)
    reserved_concurrency    = optional(number)
    retries                 = optional(number, 1)
    failure_destination_arn = optional(string)
    log_level               = optional(string, "INFO")
  })
  default  = {}
  nullable = false
}

variable "lambda" {
  description = "What the function runs on. The package runs on every runtime and architecture that is accepted here."
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
  description = "CloudWatch namespace of the function's own metrics."
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

    - `buckets`: the key of the clips bucket, which the function then may use.
    - `video`: encrypts the footage of cameras that have no key of their own. To be chosen when a stream is made:
      another key is another stream.
    - `logs`: encrypts the log group; its key policy must let CloudWatch Logs use it.
    - `functions`: encrypts the function's environment variables; whoever applies must be allowed `kms:CreateGrant` and
      `kms:Encrypt`.
  EOT
  type = object({
    buckets   = optional(string)
    video     = optional(string)
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
    When the alarms on video fire. Each alarm is named and explained in docs/runbook.

    - `disabled`: names of alarms that are not wanted.
    - `loss_seconds` (camera-at-risk, footage-at-risk): how much time until its loss footage must have left; null for
      half of what the archiver keeps in hand, half an hour or an eighth of a shorter retention.
    - `silent_seconds` (camera-silent): how long a camera may send nothing.
    - `expired_seconds` (footage-expired), `flagged_clips` (clips-flagged), `failed_runs` (runs-failed),
      `failed_starts` (start-failed): how many in five minutes are normal.
    - `failed_cameras` (cameras-failed), `throttled_runs` (runs-throttled): how many between one run and the next are
      normal.
    - `not_running_seconds` (not-running, not-started): how long no run may begin; null for two intervals of the
      schedule, or a day of a cron schedule.
  EOT
  type = object({
    disabled            = optional(set(string), [])
    loss_seconds        = optional(number)
    silent_seconds      = optional(number, 3600)
    expired_seconds     = optional(number, 0)
    flagged_clips       = optional(number, 0)
    failed_cameras      = optional(number, 0)
    failed_runs         = optional(number, 0)
    throttled_runs      = optional(number, 0)
    failed_starts       = optional(number, 0)
    not_running_seconds = optional(number)
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

  # A fragment is up to 20 s long, and listed some seconds after its end.
  validation {
    condition = var.alarms.silent_seconds >= 60 && var.alarms.silent_seconds <= 31536000
    error_message = join(" ", [
      "${local.path.alarms}.silent_seconds must be 60..31536000, got",
      "${var.alarms.silent_seconds}.",
    ])
  }

  # Footage that has just arrived has the whole retention left and must not be in danger.
  validation {
    condition = var.alarms.loss_seconds == null ? true : alltrue([
      for camera in var.cameras : var.alarms.loss_seconds > 0
      && var.alarms.loss_seconds <= camera.retention_hours * 1800
    ])
    error_message = join("\n", [
      for id, camera in var.cameras :
      join(" ", [
        "${local.path.alarms}.loss_seconds must be above 0 and at most half of the retention",
        "of cameras[\"${id}\"], ${camera.retention_hours * 1800}, got ${coalesce(var.alarms.loss_seconds, 0)}.",
      ])
      if var.alarms.loss_seconds == null ? false : var.alarms.loss_seconds <= 0
      || var.alarms.loss_seconds > camera.retention_hours * 1800
    ])
  }

  # An alarm looks back seven days at most, in whole minutes.
  validation {
    condition = (
      var.alarms.not_running_seconds == null
      ? true
      : var.alarms.not_running_seconds >= 60
      && var.alarms.not_running_seconds <= 604800
      && var.alarms.not_running_seconds % 60 == 0
    )
    error_message = join(" ", [
      "${local.path.alarms}.not_running_seconds must be a multiple of 60, 60..604800, got",
      "${coalesce(var.alarms.not_running_seconds, 0)}.",
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
    Subnets and security groups that the function runs in; null runs it outside of any VPC. The subnets must have room
    for the function's network interfaces, and a way to Kinesis Video Streams and S3: endpoints or a NAT.
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
    Whether Terraform may delete video streams with their footage. For throw-away lakes only: it is decided when a
    stream is made.
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
