variable "region" {
  description = "AWS region of the cameras' streams and the clips."
  type        = string
  default     = "eu-central-1"
  nullable    = false
}

variable "keep_days" {
  description = "Days that clips are kept; more than footage waits in the streams."
  type        = number
  default     = 90
  nullable    = false
}

variable "alarm_actions" {
  description = "ARNs of what the alarms notify, for example a topic of yours."
  type        = set(string)
  default     = []
  nullable    = false
}
