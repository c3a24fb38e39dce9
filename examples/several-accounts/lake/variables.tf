variable "region" {
  description = "AWS region of all lakes and of the query account: Athena queries no catalog of another region."
  type        = string
  default     = "eu-central-1"
  nullable    = false
}

variable "account_id" {
  description = "ID of the account that has this lake."
  type        = string
  default     = "111122223333"
  nullable    = false
}

variable "query_account_id" {
  description = "ID of the account that queries."
  type        = string
  default     = "777788889999"
  nullable    = false
}
