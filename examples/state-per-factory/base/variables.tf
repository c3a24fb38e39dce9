variable "region" {
  description = "AWS region of the lake. One account and region hold one lake."
  type        = string
  default     = "eu-central-1"
  nullable    = false
}
