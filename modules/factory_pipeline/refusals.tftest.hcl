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
}

# The words of each refusal are held by tests/terraform/test_refusals.py.
variables {
  name       = "plant-lake"
  factory    = "krakow"
  gateways   = ["line-1"]
  csr_dir    = "testdata/csr"
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

run "refuses_values_that_aws_would" {
  command = plan

  variables {
    schema_dir         = "testdata"
    transform_package  = "testdata/transform.zip"
    lambda             = { runtime = "python3.14" }
    metrics_namespace  = "AWS/Firehose"
    log_retention_days = 31
    alarm_actions      = ["somebody@example.com"]
  }

  expect_failures = [var.schema_dir, var.transform_package, var.lambda, var.metrics_namespace, var.log_retention_days, var.alarm_actions]
}

run "refuses_a_name_that_is_none_an_unknown_architecture_and_too_many_alarm_actions" {
  command = plan

  variables {
    name              = "plant_lake"
    lambda            = { architecture = "riscv" }
    metrics_namespace = "Plant Lake"
    alarm_actions     = [for n in range(6) : "arn:aws:sns:eu-central-1:111122223333:alarms-${n}"]
  }

  expect_failures = [var.name, var.lambda, var.metrics_namespace, var.alarm_actions]
}

run "refuses_a_name_over_32_characters_and_an_unknown_log_format" {
  command = plan

  variables {
    name   = "a234567890123456789012345678901-b"
    lambda = { log_format = "XML" }
  }

  expect_failures = [var.name, var.lambda]
}

run "refuses_a_factory_id_with_other_characters" {
  command = plan

  variables {
    factory = "Krakow"
  }

  expect_failures = [var.factory]
}

run "refuses_a_factory_id_over_32_characters" {
  command = plan

  variables {
    factory = "a234567890123456789012345678901-b"
  }

  expect_failures = [var.factory]
}

run "refuses_function_names_over_64_characters" {
  command = plan

  variables {
    name    = "factory-lake-production"
    factory = "krakow-nowa-huta-1"
  }

  expect_failures = [var.factory]
}

run "refuses_gateway_ids_with_other_characters_a_third_lane_and_an_alias" {
  command = plan

  variables {
    gateways = ["line_1"]
    lanes    = { measurements = {}, configuration = {}, events = {} }
    kms_keys = { buckets = "alias/lake", streams = "alias/lake", logs = "alias/lake" }
  }

  expect_failures = [var.gateways, var.lanes, var.kms_keys]
}

run "refuses_a_lane_that_is_missing_and_a_gateway_id_over_32_characters" {
  command = plan

  variables {
    gateways = ["a234567890123456789012345678901-b"]
    lanes    = { measurements = {} }
  }

  expect_failures = [var.gateways, var.lanes]
}

run "refuses_shards_and_buffers_out_of_range" {
  command = plan

  variables {
    lanes = {
      measurements  = { stream = { shards = 0 } }
      configuration = { delivery = { buffer_mb = 63 } }
    }
  }

  expect_failures = [aws_kinesis_stream.lane["measurements"], aws_kinesis_stream.lane["configuration"]]
}

run "refuses_retention_out_of_range_and_short_timeouts" {
  command = plan

  variables {
    lanes = {
      measurements  = { stream = { retention_hours = 23 } }
      configuration = { transform = { timeout_seconds = 59 } }
    }
  }

  expect_failures = [aws_kinesis_stream.lane["measurements"], aws_kinesis_stream.lane["configuration"]]
}

run "refuses_intervals_out_of_range_and_long_timeouts" {
  command = plan

  variables {
    lanes = {
      measurements  = { delivery = { buffer_seconds = 901 } }
      configuration = { transform = { timeout_seconds = 301 } }
    }
  }

  expect_failures = [aws_kinesis_stream.lane["measurements"], aws_kinesis_stream.lane["configuration"]]
}

run "refuses_retries_and_concurrency_out_of_range" {
  command = plan

  variables {
    lanes = {
      measurements  = { delivery = { retry_seconds = 7201 } }
      configuration = { transform = { reserved_concurrency = 0 } }
    }
  }

  expect_failures = [aws_kinesis_stream.lane["measurements"], aws_kinesis_stream.lane["configuration"]]
}

run "refuses_days_out_of_range" {
  command = plan

  variables {
    lanes = {
      measurements  = { transform = { past_days = -1 } }
      configuration = { transform = { future_days = 36501 } }
    }
  }

  expect_failures = [aws_kinesis_stream.lane["measurements"], aws_kinesis_stream.lane["configuration"]]
}

run "refuses_transform_buffers_out_of_range" {
  command = plan

  variables {
    lanes = {
      measurements  = { delivery = { transform_buffer = { mb = 3.1, seconds = 10 } } }
      configuration = { delivery = { transform_buffer = { mb = 2, seconds = 901 } } }
    }
  }

  expect_failures = [aws_kinesis_stream.lane["measurements"], aws_kinesis_stream.lane["configuration"]]
}

run "refuses_transform_buffers_at_the_default" {
  command = plan

  variables {
    lanes = {
      measurements  = { delivery = { transform_buffer = { mb = 1, seconds = 10 } } }
      configuration = { delivery = { transform_buffer = { mb = 2, seconds = 60 } } }
    }
  }

  expect_failures = [aws_kinesis_stream.lane["measurements"], aws_kinesis_stream.lane["configuration"]]
}

run "refuses_unknown_choices" {
  command = plan

  variables {
    lanes = {
      measurements  = { transform = { blank_strings = "drop" } }
      configuration = { transform = { log_level = "ERROR" } }
    }
  }

  expect_failures = [aws_kinesis_stream.lane["measurements"], aws_kinesis_stream.lane["configuration"]]
}

run "refuses_sources_that_differ_by_case_only" {
  command = plan

  variables {
    schema_dir = "testdata/schemas"
  }

  expect_failures = [aws_kinesis_firehose_delivery_stream.lane["measurements"], aws_kinesis_firehose_delivery_stream.lane["configuration"]]
}

run "refuses_a_client_id_without_a_request" {
  command = plan

  variables {
    gateways = ["line-3"]
  }

  expect_failures = [aws_iot_thing.identity["krakow-line-3-measurements"], aws_iot_thing.identity["krakow-line-3-configuration"]]
}

run "refuses_files_that_are_no_requests" {
  command = plan

  variables {
    gateways = ["line-1", "line-2"]
    csr_dir  = "testdata/refused"
  }

  expect_failures = [aws_iot_certificate.identity["krakow-line-1-measurements/key.pem"], aws_iot_certificate.identity["krakow-line-1-configuration/certificate.pem"], aws_iot_certificate.identity["krakow-line-2-measurements/long.pem"], aws_iot_thing.identity["krakow-line-2-configuration"]]
}
