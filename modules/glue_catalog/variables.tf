variable "name" {
  description = "Name of the lake: the workgroup's name and, with `_` for `-`, the database's."
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

variable "existing_database" {
  description = <<-EOT
    Name of a Glue database that stands already, to hold the tables and views instead of one that is made here. It must
    have none of their names yet; nothing else of it is managed.
  EOT
  type        = string
  default     = null

  # Athena User Guide, "Name databases, tables, and columns".
  validation {
    condition = (
      var.existing_database == null ? true : can(regex("^[a-z0-9_]{1,255}$", var.existing_database))
    )
    error_message = join(" ", [
      "existing_database must be lower-case letters, digits and _, at most 255 characters, got",
      "\"${coalesce(var.existing_database, "null")}\".",
    ])
  }
}

variable "schema_dir" {
  description = <<-EOT
    Folder of the table schemas, one `<table>.json` each; null takes those that the module brings along. The transform
    function checks messages against the same files.
  EOT
  type        = string
  default     = null

  validation {
    condition = var.schema_dir == null ? true : length(fileset(var.schema_dir, "*.json")) > 0
    error_message = join(" ", [
      "schema_dir must be a folder with at least one <table>.json, got \"${coalesce(var.schema_dir, "null")}\".",
    ])
  }
}

variable "queries_dir" {
  description = <<-EOT
    Folder of the named queries, one `<name>.sql` each, whose first line is `-- <description>`; null takes those of
    this module.
  EOT
  type        = string
  default     = null
}

variable "buckets" {
  description = "Bucket of each table, by table name."
  type        = map(string)
  nullable    = false
}

variable "athena_output_location" {
  description = "Where Athena puts results: an S3 URI outside every table's data that ends in `/`."
  type        = string
  nullable    = false

  validation {
    condition = (
      can(regex("^s3://[^/]+/.*/$", var.athena_output_location))
      && !can(regex("^s3://[^/]+/factory=", var.athena_output_location))
    )
    error_message = join(" ", [
      "athena_output_location must be s3://<bucket>/<prefix>/ outside factory=, got",
      "\"${var.athena_output_location}\".",
    ])
  }
}

variable "factories" {
  description = <<-EOT
    IDs of the factories whose data can be queried: those in service and those taken out of it. Partition projection
    finds no others.
  EOT
  type        = set(string)
  nullable    = false

  # Projection of an enum needs a value.
  validation {
    condition     = length(var.factories) > 0
    error_message = "factories must name at least one factory, got none."
  }

  # Projection separates the values by commas; the ID is a directory as well.
  validation {
    condition = alltrue([
      for factory in var.factories : can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", factory)) && length(factory) <= 32
    ])
    error_message = join(" ", [
      "factories must be lower-case letters and digits in groups joined by \"-\", at most 32 characters each, got",
      "${join(", ", [
        for factory in var.factories : "\"${factory}\""
        if !(can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", factory)) && length(factory) <= 32)
      ])}.",
    ])
  }
}

variable "years" {
  description = <<-EOT
    First and last year that queries see. Athena finds no rows outside them, and says nothing; a query without a
    condition on `year` lists every day between them.
  EOT
  type = object({
    first = optional(number, 2024)
    last  = optional(number, 2035)
  })
  default  = {}
  nullable = false

  validation {
    condition = (
      1970 <= var.years.first
      && var.years.first <= var.years.last
      && var.years.last <= 9999
      && floor(var.years.first) == var.years.first
      && floor(var.years.last) == var.years.last
    )
    error_message = join(" ", [
      "years must be whole numbers with 1970 <= first <= last <= 9999, got first ${var.years.first}, last",
      "${var.years.last}.",
    ])
  }
}

variable "scan_limit_bytes" {
  description = "Bytes that one query may scan before Athena cancels it."
  type        = number
  default     = 1099511627776 # 1 TiB
  nullable    = false

  validation {
    condition = var.scan_limit_bytes >= 10485760 && floor(var.scan_limit_bytes) == var.scan_limit_bytes
    error_message = join(" ", [
      "scan_limit_bytes must be a whole number, at least 10485760 (10 MiB, the least that the provider accepts;",
      "Athena itself takes 10 MB), got ${var.scan_limit_bytes}.",
    ])
  }
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts query results; null encrypts them with keys of S3 (SSE-S3)."
  type        = string
  default     = null

  validation {
    condition = (
      var.kms_key_arn == null
      ? true
      : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.kms_key_arn))
    )
    error_message = "kms_key_arn must be the ARN of a key, got \"${coalesce(var.kms_key_arn, "null")}\"."
  }
}

variable "tags" {
  description = "Tags of every resource that takes any, besides the provider's `default_tags`."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "force_destroy" {
  description = "Whether `terraform destroy` may delete a workgroup that has query history. For throw-away lakes only."
  type        = bool
  default     = false
  nullable    = false
}
