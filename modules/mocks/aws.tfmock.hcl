# The account and the region in which the modules' tests plan: those of AWS's own documentation.
mock_data "aws_caller_identity" {
  defaults = { account_id = "111122223333" }
}

mock_data "aws_partition" {
  defaults = { partition = "aws" }
}

mock_data "aws_region" {
  defaults = { name = "eu-central-1" }
}

mock_data "aws_iot_endpoint" {
  defaults = { endpoint_address = "abc123-ats.iot.eu-central-1.amazonaws.com" }
}
