# Values: factories.auto.tfvars.json
variable "factories" {
  description = "The factories in service, by ID, as modules/lake describes them."
  # modules/lake has the type and checks it; a root module cannot refer to it, and a copy would have to follow it.
  type     = any
  nullable = false
}

variable "retired_factories" {
  description = "IDs of factories taken out of service, whose data stays and can be queried."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "csr_dir" {
  description = <<-EOT
    Folder of the gateways' certificate signing requests, `<client ID>/<name>.pem`; null takes `csr` in this folder.
  EOT
  type        = string
  default     = null
}

variable "packages_dir" {
  description = "Folder of the Lambda packages; null takes `build/packages` of the repository."
  type        = string
  default     = null
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
