mock_provider "aws" {
  source = "../mocks"
}

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

run "each_option_arrives" {
  command = plan

  variables {
    years            = { first = 2019, last = 2060 }
    scan_limit_bytes = 10485760
    kms_key_arn      = "arn:aws:kms:eu-central-1:111122223333:key/0d990263-018e-4e65-a703-eff731de951e"
    force_destroy    = true
    queries_dir      = "tests/testdata/described"
  }

  assert {
    condition     = aws_glue_catalog_table.lake["configuration"].parameters["projection.year.range"] == "2019,2060"
    error_message = "The years are a choice."
  }

  assert {
    condition     = aws_athena_workgroup.lake.configuration[0].bytes_scanned_cutoff_per_query == 10485760
    error_message = "The scan limit is a choice, down to Athena's own minimum."
  }

  assert {
    condition = (
      aws_athena_workgroup.lake.configuration[0].result_configuration[0]
      .encryption_configuration[0].encryption_option == "SSE_KMS"
      && aws_athena_workgroup.lake.configuration[0].result_configuration[0].encryption_configuration[0].kms_key_arn
      == var.kms_key_arn
    )
    error_message = "A given key encrypts the results."
  }

  assert {
    condition     = aws_athena_workgroup.lake.force_destroy
    error_message = "force_destroy reaches the workgroup."
  }

  assert {
    condition = (
      join(" ", keys(aws_athena_named_query.lake)) == "samples"
      && aws_athena_named_query.lake["samples"].description == "Counts the samples of each factory."
    )
    error_message = "Another folder of queries replaces the module's own."
  }
}

run "views_follow_the_schema_files" {
  command = plan

  variables {
    schema_dir = "tests/testdata/types"
    buckets    = { samples = "lake-samples" }
  }

  assert {
    condition = [for column in local.view_documents["samples"].columns : "${column.name} ${column.type}"] == [
      "order varchar", "a_boolean boolean", "a_tinyint tinyint", "a_smallint smallint", "a_int integer",
      "a_bigint bigint", "a_float real",
      "a_double double", "a_string varchar", "a_date date", "a_timestamp timestamp(3)", "a_binary varbinary",
      "arrived bigint", "factory varchar",
    ]
    error_message = "Each type of Glue has its name in Trino."
  }

  assert {
    condition = (
      local.view_documents["samples"].originalSql == trimspace(file("tests/testdata/types/samples_distinct.sql"))
    )
    error_message = "The broker's time is the arrival, whatever its column's name; names may be reserved words."
  }
}

run "a_later_year_is_warned_of" {
  command = plan

  variables {
    years = { first = 2019, last = 2020 }
  }

  expect_failures = [check.years_reach_into_the_future]
}
