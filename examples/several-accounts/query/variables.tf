variable "region" {
  description = "AWS region of all lakes and of the query account: Athena queries no catalog of another region."
  type        = string
  default     = "eu-central-1"
  nullable    = false
}

variable "account_id" {
  description = "ID of the account that queries."
  type        = string
  default     = "777788889999"
  nullable    = false
}

variable "lakes" {
  description = "The lakes, by the name of their catalog in queries: each is the output `lake` of its account's root."
  type = map(object({
    account_id = string
    database   = string
    buckets    = set(string)
  }))
  default = {
    lake_east = {
      account_id = "111122223333"
      database   = "factory_lake"
      buckets = [
        "factory-lake-111122223333-measurements", "factory-lake-111122223333-configuration",
        "factory-lake-111122223333-clips",
      ]
    }
    lake_west = {
      account_id = "444455556666"
      database   = "factory_lake"
      buckets = [
        "factory-lake-444455556666-measurements", "factory-lake-444455556666-configuration",
        "factory-lake-444455556666-clips",
      ]
    }
  }
  nullable = false
}
