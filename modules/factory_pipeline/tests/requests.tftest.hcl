mock_provider "aws" {
  source = "../mocks"
}

variables {
  name       = "plant-lake"
  factory    = "krakow"
  gateways   = ["line-1"]
  csr_dir    = "tests/testdata/csr-spellings"
  schema_dir = "../../glue_schemas"
  # Any file will do for a plan.
  transform_package = "versions.tf"
  buckets = {
    measurements  = "lake-measurements"
    configuration = "lake-configuration"
  }
  measurements_table = {
    database = "plant_lake"
    name     = "measurements"
  }
}

# The same request, as an editor, another system or a mail program leaves it.
run "a_request_counts_and_not_its_bytes" {
  # Roles and functions would need ARNs that look like some.
  plan_options {
    target = [aws_iot_certificate.identity]
  }

  assert {
    condition = toset([
      for path, certificate in aws_iot_certificate.identity : basename(path)
      if certificate.csr == file("tests/testdata/csr/krakow-line-1-measurements/2026-01-15.pem")
      ]) == toset([
      "76-columns.pem", "blanks.pem", "cr.pem", "crlf.pem", "lf.pem", "no-last-newline.pem", "one-line.pem",
      "text-around.pem",
    ])
    error_message = "The certificate is made from the request as OpenSSL writes it."
  }
}

run "refuses_another_request_under_the_name_of_a_certificate" {
  command = plan

  plan_options {
    target = [aws_iot_certificate.identity]
  }

  variables {
    csr_dir = "tests/testdata/csr-swapped"
  }

  expect_failures = [aws_iot_certificate.identity["krakow-line-1-measurements/crlf.pem"]]
}
