# A copy, kept by `make docs`: change modules/monitoring/variables.tf.
variable "location" {
  description = "Where alarms and metrics are: `partition`, `region` and `account`."
  type = object({
    partition = string
    region    = string
    account   = string
  })
  nullable = false
}

variable "alarms" {
  description = <<-EOT
    Alarms, by a key of the caller's.

    - `kind`: which of `alarm_descriptions` it is; `subject`: of what, in words; `name`: its whole name.
    - `namespace`, `metric`, `dimensions`, `statistic`: the one metric that it watches, or
    - `expression` over `queries`, by the names that the expression has for them, or `SELECT ...` without any.
    - `above` or `below`: the threshold, beyond which it fires.
    - `period`: seconds that a data point sums up; null for 300.
    - `datapoints` of `periods`: how many of the last periods must be beyond the threshold.
    - `missing`: what a period without data counts for, as CloudWatch names it.
  EOT
  type = map(object({
    kind       = string
    subject    = string
    name       = string
    namespace  = optional(string)
    metric     = optional(string)
    dimensions = optional(map(string))
    statistic  = optional(string)
    expression = optional(string)
    queries = optional(map(object({
      namespace  = string
      metric     = string
      dimensions = map(string)
      statistic  = string
    })), {})
    above      = optional(number)
    below      = optional(number)
    period     = optional(number)
    periods    = optional(number, 1)
    datapoints = optional(number, 1)
    missing    = string
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue([for alarm in var.alarms : (alarm.above == null) != (alarm.below == null)])
    error_message = join("\n", [
      for key, alarm in var.alarms : "alarms[\"${key}\"] must have either above or below, got both or neither."
      if(alarm.above == null) == (alarm.below == null)
    ])
  }
}

variable "alarm_descriptions" {
  description = "What each kind of alarm means, in a sentence. Kinds are names of the runbook's pages."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "disabled_alarms" {
  description = "Kinds of alarms that are not wanted."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "alarms_title" {
  description = "Title of the widgets that show the alarms."
  type        = string
  default     = "Alarms"
  nullable    = false
}

variable "runbook_base_url" {
  description = "Where the pages of the runbook are, `<runbook_base_url>/<kind>.md`; null leaves the link out."
  type        = string
  default     = null

  # CloudWatch takes descriptions of 1,024 characters.
  validation {
    condition = (
      var.runbook_base_url == null
      ? true
      : can(regex("^https?://[^ ]+$", var.runbook_base_url)) && length(var.runbook_base_url) <= 512
    )
    error_message = join(" ", [
      "runbook_base_url must be an http or https URL of at most 512 characters, got",
      "\"${coalesce(var.runbook_base_url, "null")}\".",
    ])
  }
}

variable "graphs" {
  description = <<-EOT
    Graphs, in their order.

    - `title`, `stat`, `unit`: of the graph and of its left axis.
    - `metrics`: what it shows. Each is a metric (`namespace`, `metric`, `dimensions`) or an `expression`, and may have
      an `id`, a `label`, a `stat` and a `period` of its own, `visible = false` and `y_axis = "right"`.
    - `lines`: values that are drawn as horizontal lines, in red where the label begins with `alarm`.
  EOT
  type = list(object({
    title = string
    stat  = string
    unit  = string
    metrics = list(object({
      namespace  = optional(string)
      metric     = optional(string)
      dimensions = optional(map(string), {})
      expression = optional(string)
      id         = optional(string)
      label      = optional(string)
      stat       = optional(string)
      period     = optional(number)
      visible    = optional(bool)
      y_axis     = optional(string)
    }))
    lines = optional(list(object({
      label  = string
      value  = number
      y_axis = optional(string)
    })))
  }))
  default  = []
  nullable = false
}
