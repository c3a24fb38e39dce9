variable "region" {
  description = "AWS region of the lake. One account and region hold one lake."
  type        = string
  default     = "eu-central-1"
  nullable    = false
}

variable "vpc" {
  description = "The VPC: its `id`, and the private subnets in which the functions get their network interfaces."
  type = object({
    id         = string
    subnet_ids = set(string)
  })
  default  = { id = "vpc-0a1b2c3d4e5f60718", subnet_ids = ["subnet-0a1b2c3d4e5f60718", "subnet-18f6e5d4c3b2a1070"] }
  nullable = false
}

variable "permissions_boundary_arn" {
  description = "ARN of the policy that bounds what each role may be granted; null bounds none."
  type        = string
  default     = null
}
