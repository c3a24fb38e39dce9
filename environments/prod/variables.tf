variable "region" {
  description = "AWS region of the lake."
  type        = string
  default     = "eu-central-1"
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

variable "alarm_emails" {
  description = "Addresses that alarms are sent to. Each gets a message first and is told nothing before it confirms."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "alarm_actions" {
  description = "ARNs of what else the alarms notify when they sound and when they end, for example a topic that others made; at most 4."
  type        = set(string)
  default     = []
  nullable    = false
}
