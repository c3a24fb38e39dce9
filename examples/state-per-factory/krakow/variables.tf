variable "region" {
  description = "AWS region of the lake."
  type        = string
  default     = "eu-central-1"
  nullable    = false
}

variable "base_state" {
  description = "Where the state of the base is: its `backend` and that one's `config`."
  type = object({
    backend = string
    config  = map(string)
  })
  default  = { backend = "local", config = { path = "../base/terraform.tfstate" } }
  nullable = false
}

variable "alarm_actions" {
  description = "ARNs of what the alarms notify, for example a topic of yours."
  type        = set(string)
  default     = []
  nullable    = false
}
