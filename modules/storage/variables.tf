variable "name" {
  description = "Name of the lake; begins the name of each bucket."
  type        = string
  nullable    = false

  validation {
    condition = can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 32
    error_message = join(" ", [
      "name must be lower-case letters and digits in groups joined by \"-\", at most 32 characters, got",
      "\"${var.name}\".",
    ])
  }

  # Names that S3 keeps for itself (S3 User Guide, "Bucket naming rules"); the others that it keeps have characters
  # that are refused above.
  validation {
    condition = !can(regex("^(sthree|amzn-s3-demo)(-|$)", var.name))
    error_message = join(" ", [
      "name must not begin with sthree- or amzn-s3-demo-, which S3 keeps",
      "for itself, got \"${var.name}\".",
    ])
  }
}

variable "suffix" {
  description = <<-EOT
    Makes the bucket names unique among all AWS accounts, for example the account ID: `<name>-<suffix>-measurements`.
  EOT
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", var.suffix))
    error_message = "suffix must be lower-case letters and digits in groups joined by \"-\", got \"${var.suffix}\"."
  }

  # The longest of the three names decides.
  validation {
    condition = length("${var.name}-${var.suffix}-configuration") <= 63
    error_message = join(" ", [
      "suffix must leave bucket names of at most 63 characters, got",
      "${length("${var.name}-${var.suffix}-configuration")} for \"${var.name}-${var.suffix}-configuration\".",
    ])
  }
}

variable "buckets" {
  description = <<-EOT
    What the buckets `measurements`, `configuration` and `clips` do with their objects over time. A bucket without an
    entry keeps versions, and moves and deletes nothing.

    - `versioning`: whether a deleted or overwritten object can be had back.
    - `transitions`: moves of the factories' data (keys under `factory=`, 128 KB and more) to cheaper storage classes,
      each `days` after an object was made.
    - `expire_data_after_days`: deletes the factories' data.
    - `expire_errors_after_days`: deletes what the pipelines could not deliver (keys under `errors/`). An input of its
      own, so that expiry of data never sweeps away messages that still wait to be looked at.
    - `expire_noncurrent_after_days`: deletes older versions that many days after they were replaced or deleted.
  EOT
  type = map(object({
    versioning = optional(bool, true)
    transitions = optional(list(object({
      days          = number
      storage_class = string
    })), [])
    expire_data_after_days       = optional(number)
    expire_errors_after_days     = optional(number)
    expire_noncurrent_after_days = optional(number)
  }))
  default  = {}
  nullable = false

  validation {
    condition = length(setsubtract(keys(var.buckets), ["measurements", "configuration", "clips"])) == 0
    error_message = join(" ", [
      "buckets must have no other keys than measurements, configuration and clips, got",
      "${join(", ", setsubtract(keys(var.buckets), ["measurements", "configuration", "clips"]))}.",
    ])
  }
}

variable "existing_buckets" {
  description = <<-EOT
    Names of buckets that stand already, for `measurements`, `configuration` and `clips`: one that is named here is
    used and not made. Nothing of it is managed: encryption, access, versions, policy and what it deletes are its
    owner's, also the query results under `athena-results/` of `measurements`. It has to be in the same account and
    region, and, where it is encrypted with a key of yours, that key has to be the one that the roles may use.
  EOT
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = length(setsubtract(keys(var.existing_buckets), ["measurements", "configuration", "clips"])) == 0
    error_message = join(" ", [
      "existing_buckets must have no other keys than measurements, configuration and clips, got",
      "${join(", ", setsubtract(keys(var.existing_buckets), ["measurements", "configuration", "clips"]))}.",
    ])
  }

  # Amazon S3 User Guide, "General purpose bucket naming rules".
  validation {
    condition = alltrue([
      for name in values(var.existing_buckets) : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", name))
    ])
    error_message = join("\n", [
      for bucket, name in var.existing_buckets :
      "existing_buckets[\"${bucket}\"] must be a bucket's name, got \"${name}\"."
      if !can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", name))
    ])
  }

  # Settings would be taken and do nothing.
  validation {
    condition = length(setintersection(keys(var.existing_buckets), keys(var.buckets))) == 0
    error_message = join(" ", [
      "existing_buckets must not name a bucket that buckets has settings for, which are its owner's, got",
      "${join(", ", setintersection(keys(var.existing_buckets), keys(var.buckets)))}.",
    ])
  }
}

variable "connections_expire_after_days" {
  description = <<-EOT
    Days after which rows of the table of connections are deleted (keys under `connections/` in the bucket of
    configuration); null keeps them. They say from which IP addresses gateways connected.
  EOT
  type        = number
  default     = null

  validation {
    condition = (
      var.connections_expire_after_days == null
      ? true
      : var.connections_expire_after_days >= 1
      && floor(var.connections_expire_after_days) == var.connections_expire_after_days
    )
    error_message = join(" ", [
      "connections_expire_after_days must be a whole number of days, at least 1, got",
      "${coalesce(var.connections_expire_after_days, 0)}.",
    ])
  }
}

variable "athena_results_expire_after_days" {
  description = "Days after which results of Athena queries are deleted. They are copies: the query can be run again."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition = (
      var.athena_results_expire_after_days >= 1
      && floor(var.athena_results_expire_after_days) == var.athena_results_expire_after_days
    )
    error_message = join(" ", [
      "athena_results_expire_after_days must be a whole number of days, at least 1, got",
      "${var.athena_results_expire_after_days}.",
    ])
  }
}

variable "abort_incomplete_uploads_after_days" {
  description = <<-EOT
    Days after which the parts of an upload that was never completed are deleted. They are no objects, and are paid
    for.
  EOT
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition = (
      var.abort_incomplete_uploads_after_days >= 1
      && floor(var.abort_incomplete_uploads_after_days) == var.abort_incomplete_uploads_after_days
    )
    error_message = join(" ", [
      "abort_incomplete_uploads_after_days must be a whole number of days, at least 1, got",
      "${var.abort_incomplete_uploads_after_days}.",
    ])
  }
}

variable "kms_key_arn" {
  description = <<-EOT
    ARN of the KMS key that encrypts the objects (with S3 bucket keys); null encrypts them with keys of S3 (SSE-S3).
  EOT
  type        = string
  default     = null

  validation {
    condition = (
      var.kms_key_arn == null
      ? true
      : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.kms_key_arn))
    )
    error_message = join(" ", [
      "kms_key_arn must be the ARN of a key (not of an alias: roles are granted the key itself), got",
      "\"${coalesce(var.kms_key_arn, "null")}\".",
    ])
  }
}

variable "reader_accounts" {
  description = <<-EOT
    IDs of other AWS accounts whose identities may read the factories' data, as far as their own account lets them:
    to query it from there. Errors and query results stay closed to them. With `kms_key_arn`, the key's policy must let
    them decrypt, too. `existing_buckets` keep the policies that they have.
  EOT
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([for account in var.reader_accounts : can(regex("^[0-9]{12}$", account))])
    error_message = join(" ", [
      "reader_accounts must be account IDs of 12 digits, got",
      "${join(", ", [for account in var.reader_accounts : "\"${account}\"" if !can(regex("^[0-9]{12}$", account))])}.",
    ])
  }
}

variable "tags" {
  description = "Tags of every resource that takes any, besides the provider's `default_tags`."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "force_destroy" {
  description = <<-EOT
    Whether Terraform may delete the buckets, with the objects in them. For throw-away lakes only: it is decided when a
    bucket is made.
  EOT
  type        = bool
  default     = false
  nullable    = false
}
