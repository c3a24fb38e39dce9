mock_provider "aws" {}

# The words of each refusal are held by tests/terraform/test_validations.py.
variables {
  name                   = "plant-lake"
  schema_dir             = "../../glue_schemas"
  factories              = ["krakow"]
  athena_output_location = "s3://lake-measurements/athena-results/"
  buckets = {
    measurements  = "lake-measurements"
    configuration = "lake-configuration"
  }
}

run "refuses_values_that_glue_or_athena_would" {
  command = plan

  variables {
    name                   = "Plant_Lake"
    schema_dir             = "../../modules"
    factories              = []
    athena_output_location = "s3://lake-measurements/"
    years                  = { first = 2030, last = 2029 }
    scan_limit_bytes       = 10485759
    kms_key_arn            = "alias/lake"
  }

  expect_failures = [
    var.name, var.schema_dir, var.factories, var.athena_output_location, var.years, var.scan_limit_bytes,
    var.kms_key_arn,
  ]
}

run "refuses_values_that_would_misread_the_data" {
  command = plan

  variables {
    factories              = ["krakow", "lyon,berlin"]
    athena_output_location = "s3://lake-measurements/factory=results/"
    years                  = { first = 2024.5 }
    scan_limit_bytes       = 10485760.5
  }

  expect_failures = [var.factories, var.athena_output_location, var.years, var.scan_limit_bytes]
}

run "refuses_a_table_without_a_bucket_and_a_query_without_a_description" {
  command = plan

  variables {
    buckets     = { measurements = "lake-measurements" }
    queries_dir = "tests/testdata/undescribed"
  }

  expect_failures = [aws_glue_catalog_table.lake["configuration"], aws_athena_named_query.lake["samples"]]
}

run "refuses_schema_files_that_glue_would" {
  command = plan

  variables {
    schema_dir = "tests/testdata/schemas"
    buckets = {
      for table in [
        "renamed", "Capital", "format", "partition_key", "column_name", "column_type", "column_comment",
        "column_twice", "format_distinct",
      ] :
      table => "lake-measurements"
    }
  }

  expect_failures = [
    aws_glue_catalog_table.lake["renamed"],
    aws_glue_catalog_table.lake["Capital"],
    aws_glue_catalog_table.lake["format"],
    aws_glue_catalog_table.lake["partition_key"],
    aws_glue_catalog_table.lake["column_name"],
    aws_glue_catalog_table.lake["column_type"],
    aws_glue_catalog_table.lake["column_comment"],
    aws_glue_catalog_table.lake["column_twice"],
    aws_glue_catalog_table.lake["format_distinct"],
  ]
}
