mock_provider "aws" {
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
}

variables {
  packages_dir = "../../modules/lake/tests/testdata/packages"
  csr_dir      = "../prod/tests/testdata/csr"
}

run "plans_two_factories" {
  command = plan

  assert {
    condition = (
      output.lake.athena.workgroup == "factory-lake-local"
      && toset(keys(output.lake.gateways)) == toset(keys(jsondecode(file("factories.auto.tfvars.json")).factories))
    )
    error_message = "A local lake has the same parts as any other."
  }
}
