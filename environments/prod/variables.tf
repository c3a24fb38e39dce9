# Values: settings.auto.tfvars. What is given on the command line is forgotten by the next apply.
variable "account_id" {
  description = "ID of the AWS account that the lake is in. One account and region hold one lake."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits, got \"${var.account_id}\"."
  }
}

variable "region" {
  description = "AWS region of the lake."
  type        = string
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

variable "alarm_emails" {
  description = "Addresses that alarms are sent to. Each gets a message first and is told nothing before it confirms."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "alarm_actions" {
  description = <<-EOT
    ARNs of what else the alarms notify when they fire and when they end, for example a topic that others made; at
    most 4.
  EOT
  type        = set(string)
  default     = []
  nullable    = false
}
