mock_provider "aws" {
  source = "../../modules/mocks"
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
