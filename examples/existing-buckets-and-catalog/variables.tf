variable "region" {
  description = "AWS region of the lake. One account and region hold one lake."
  type        = string
  default     = "eu-central-1"
  nullable    = false
}

variable "platform" {
  description = "What the account has: names of buckets and of a Glue database, and the ARN of a topic for alarms."
  type = object({
    measurements_bucket  = string
    configuration_bucket = string
    database             = string
    alarm_topic_arn      = string
  })
  default = {
    measurements_bucket  = "plant-data-measurements"
    configuration_bucket = "plant-data-configuration"
    database             = "plant_data"
    alarm_topic_arn      = "arn:aws:sns:eu-central-1:111122223333:on-call"
  }
  nullable = false
}
