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

# The words of each refusal are held by tests/terraform/test_validations.py.
variables {
  name       = "plant-lake"
  factory    = "krakow"
  gateways   = ["line-1"]
  csr_dir    = "tests/testdata/csr"
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
    schema_dir         = "tests/testdata"
    transform_package  = "tests/testdata/transform.zip"
    lambda             = { runtime = "python3.14" }
    metrics_namespace  = "AWS/Firehose"
    log_retention_days = 31
    alarm_actions      = ["somebody@example.com"]
  }

  expect_failures = [
    var.schema_dir, var.transform_package, var.lambda, var.metrics_namespace, var.log_retention_days,
    var.alarm_actions,
  ]
}

run "refuses_thresholds_at_which_an_alarm_could_never_sound_or_never_end" {
  command = plan

  variables {
    alarms = { disabled = ["too-hot"], retention_share = 1, delivery_success_share = 0 }
  }

  expect_failures = [var.alarms]
}

run "refuses_a_namespace_that_begins_with_a_colon" {
  command = plan

  variables {
    metrics_namespace = ":plants"
  }

  expect_failures = [var.metrics_namespace]
}

run "refuses_a_name_with_other_characters_and_an_unknown_architecture" {
  command = plan

  variables {
    name   = "plant_lake"
    lambda = { architecture = "riscv" }
  }

  expect_failures = [var.name, var.lambda]
}

run "refuses_function_names_over_64_characters" {
  command = plan

  variables {
    name    = "factory-lake-production"
    factory = "krakow-nowa-huta-1"
  }

  expect_failures = [var.factory]
}

run "refuses_a_factory_id_with_other_characters_an_unknown_log_format_and_an_alias" {
  command = plan

  variables {
    factory  = "Krakow"
    lambda   = { log_format = "XML" }
    kms_keys = { buckets = "alias/lake", streams = "alias/lake", logs = "alias/lake", functions = "alias/lake" }
  }

  expect_failures = [var.factory, var.lambda, var.kms_keys]
}

run "refuses_gateway_ids_with_other_characters_and_a_third_lane" {
  command = plan

  variables {
    gateways = ["line_1"]
    lanes    = { measurements = {}, configuration = {}, events = {} }
  }

  expect_failures = [var.gateways, var.lanes]
}

run "refuses_settings_out_of_range" {
  command = plan

  variables {
    lanes = {
      measurements = {
        stream = { shards = 0, retention_hours = 23 }
        delivery = {
          buffer_mb         = 63
          buffer_seconds    = 59
          retry_seconds     = 7201
          transform_buffer  = { mb = 1, seconds = 60 }
          transform_retries = 301
        }
        transform = {
          timeout_seconds      = 59
          reserved_concurrency = 0
          blank_strings        = "drop"
          past_days            = -1
          future_days          = 0.5
        }
      }
      configuration = {
        stream = { shards = 1.5, retention_hours = 8761 }
        delivery = {
          buffer_mb         = 129
          buffer_seconds    = 901
          retry_seconds     = -1
          transform_buffer  = { mb = 0.1, seconds = 901 }
          transform_retries = -1
        }
        transform = { timeout_seconds = 301, reserved_concurrency = 1001, log_level = "ERROR", past_days = 9001 }
      }
    }
  }

  expect_failures = [aws_kinesis_stream.lane["measurements"], aws_kinesis_stream.lane["configuration"]]
}

run "refuses_sources_that_differ_by_case_only" {
  command = plan

  variables {
    schema_dir = "tests/testdata/schemas"
  }

  expect_failures = [
    aws_kinesis_firehose_delivery_stream.lane["measurements"],
    aws_kinesis_firehose_delivery_stream.lane["configuration"],
  ]
}

run "refuses_a_client_id_without_a_request" {
  command = plan

  variables {
    gateways = ["line-3"]
  }

  expect_failures = [
    aws_iot_thing.identity["krakow-line-3-measurements"], aws_iot_thing.identity["krakow-line-3-configuration"],
  ]
}

run "refuses_files_that_are_no_requests" {
  command = plan

  variables {
    gateways = ["line-1", "line-2"]
    csr_dir  = "tests/testdata/refused"
  }

  expect_failures = [
    aws_iot_certificate.identity["krakow-line-1-measurements/key.pem"],
    aws_iot_certificate.identity["krakow-line-1-configuration/certificate.pem"],
    aws_iot_certificate.identity["krakow-line-2-measurements/cut.pem"],
    aws_iot_certificate.identity["krakow-line-2-measurements/long.pem"],
    aws_iot_certificate.identity["krakow-line-2-measurements/new-header.pem"],
    aws_iot_certificate.identity["krakow-line-2-measurements/short.pem"],
    aws_iot_certificate.identity["krakow-line-2-measurements/two.pem"],
    aws_iot_certificate.identity["krakow-line-2-measurements/utf-16.pem"],
    aws_iot_thing.identity["krakow-line-2-configuration"],
  ]
}

# Streams that exist: their ARNs are known, so what they have is read and compared.
run "refuses_a_shorter_retention_than_the_streams_have" {
  command = plan

  variables {
    lanes = {
      measurements  = { stream = { retention_hours = 71 } }
      configuration = { stream = { retention_hours = 72 } }
    }
  }

  override_resource {
    target          = aws_kinesis_stream.lane
    override_during = plan
    values          = { arn = "arn:aws:kinesis:eu-central-1:111122223333:stream/current" }
  }

  override_data {
    target = data.aws_kinesis_stream.current
    values = { retention_period = 72, kms_key_id = "alias/aws/kinesis" }
  }

  expect_failures = [terraform_data.kept_delivery_stream["measurements"]]
}

run "takes_a_longer_retention_and_a_first_key" {
  command = plan

  variables {
    kms_keys = { streams = "arn:aws:kms:eu-central-1:111122223333:key/0d990263-018e-4e65-a703-eff731de951e" }
    lanes = {
      measurements  = { stream = { retention_hours = 73 } }
      configuration = { stream = { retention_hours = 72 } }
    }
  }

  override_resource {
    target          = aws_kinesis_stream.lane
    override_during = plan
    values          = { arn = "arn:aws:kinesis:eu-central-1:111122223333:stream/current" }
  }

  override_data {
    target = data.aws_kinesis_stream.current
    values = { retention_period = 72, kms_key_id = "alias/aws/kinesis" }
  }

  assert {
    condition = (
      aws_kinesis_stream.lane["measurements"].retention_period == 73
      && data.aws_kinesis_stream.current["measurements"].retention_period == 72
    )
    error_message = "What keeps messages readable is changed by an apply."
  }
}

run "refuses_another_key_than_messages_wait_under" {
  command = plan

  override_resource {
    target          = aws_kinesis_stream.lane
    override_during = plan
    values          = { arn = "arn:aws:kinesis:eu-central-1:111122223333:stream/current" }
  }

  override_data {
    target = data.aws_kinesis_stream.current
    values = {
      retention_period = 72
      kms_key_id       = "arn:aws:kms:eu-central-1:111122223333:key/0d990263-018e-4e65-a703-eff731de951e"
    }
  }

  expect_failures = [
    terraform_data.kept_delivery_stream["measurements"], terraform_data.kept_delivery_stream["configuration"],
  ]
}
