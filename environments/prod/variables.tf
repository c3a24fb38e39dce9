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

variable "alarm_actions" {
  description = "ARNs of what alarms notify, for example an SNS topic. Without any there are no alarms."
  type        = set(string)
  default     = []
  nullable    = false
}
