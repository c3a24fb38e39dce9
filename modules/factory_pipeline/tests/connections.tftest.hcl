mock_provider "aws" {
  source = "../mocks"
}

variables {
  name     = "plant-lake"
  factory  = "krakow"
  gateways = ["line-1"]
  csr_dir  = "tests/testdata/csr"
  # Any file will do for a plan.
  package = { file = "versions.tf" }
  buckets = {
    measurements  = "lake-measurements"
    configuration = "lake-configuration"
  }
  measurements_table = {
    database = "plant_lake"
    name     = "measurements"
  }
  connections_table = {
    database = "plant_lake"
    name     = "connections"
  }
}

run "each_client_id_s_events_become_rows_of_the_table" {
  command = plan

  assert {
    condition = { for client_id, rule in aws_iot_topic_rule.connections : client_id => [rule.name, rule.sql] } == {
      krakow-line-1-measurements = [
        "plant_lake__krakow__connections__line_1__measurements",
        join(" ", [
          "SELECT *, 'line-1' AS gateway, 'measurements' AS lane",
          "FROM '$aws/events/presence/+/krakow-line-1-measurements'",
        ])
      ]
      krakow-line-1-configuration = [
        "plant_lake__krakow__connections__line_1__configuration",
        join(" ", [
          "SELECT *, 'line-1' AS gateway, 'configuration' AS lane",
          "FROM '$aws/events/presence/+/krakow-line-1-configuration'",
        ])
      ]
    }
    error_message = "A rule reads the events of one client ID, and says whose they are."
  }

  assert {
    condition = alltrue([
      for rule in aws_iot_topic_rule.connections :
      one(rule.firehose).delivery_stream_name == "plant-lake-krakow-connections"
      && one(rule.firehose).separator == "\n"
      && startswith(one(one(rule.error_action).s3).key, "errors/factory=krakow/connections/iot-rule/")
      && one(one(rule.error_action).s3).bucket_name == "lake-configuration"
    ])
    error_message = "An event goes into the factory's delivery stream, or under errors/."
  }

  assert {
    condition = alltrue([
      for delivery in [one(aws_kinesis_firehose_delivery_stream.connections["connections"].extended_s3_configuration)] :
      delivery.prefix
      == "connections/factory=krakow/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/"
      && startswith(delivery.error_output_prefix, "errors/factory=krakow/connections/")
      && delivery.buffering_interval == 900
      && length(delivery.processing_configuration) == 0
      && one(one(delivery.data_format_conversion_configuration).schema_configuration).table_name == "connections"
    ])
    error_message = "Events lie under connections/, at most 96 objects a day, without a function."
  }

  assert {
    condition = (
      one(one(one(one(one(aws_kinesis_firehose_delivery_stream.connections["connections"].extended_s3_configuration)
      .data_format_conversion_configuration).input_format_configuration).deserializer).open_x_json_ser_de)
      .column_to_json_key_mappings == tomap({
        ts               = "timestamp"
        event            = "eventtype"
        client_id        = "clientid"
        session          = "sessionidentifier"
        version          = "versionnumber"
        reason           = "disconnectreason"
        client_initiated = "clientinitiateddisconnect"
        ip_address       = "ipaddress"
      })
    )
    error_message = "Each column finds its key, which Firehose lower-cases before."
  }

  assert {
    condition = {
      for statement in concat(
        jsondecode(aws_iam_role_policy.connections_rule["connections"].policy).Statement,
        jsondecode(aws_iam_role_policy.connections_delivery["connections"].policy).Statement,
      ) : statement.Sid => statement.Resource if contains(["PutIntoOwnDelivery", "WriteOwnPrefixes"], statement.Sid)
      } == {
      PutIntoOwnDelivery = [
        "arn:aws:firehose:eu-central-1:111122223333:deliverystream/plant-lake-krakow-connections"
      ]
      WriteOwnPrefixes = [
        "arn:aws:s3:::lake-configuration/connections/factory=krakow/*",
        "arn:aws:s3:::lake-configuration/errors/factory=krakow/connections/*",
      ]
    }
    error_message = "The roles reach what is the connections' own."
  }

  assert {
    condition = [
      for key, alarm in aws_cloudwatch_metric_alarm.lane : [alarm.alarm_name, alarm.metric_name]
      if startswith(key, "connections-")
    ] == [["plant-lake-krakow-connections-delivery-failed", "DeliveryToS3.Success"]]
    error_message = "One alarm watches them."
  }
}

run "a_key_of_the_customer_s_encrypts_what_waits_and_what_is_written" {
  command = plan

  variables {
    kms_keys = {
      buckets = "arn:aws:kms:eu-central-1:111122223333:key/0d990263"
      streams = "arn:aws:kms:eu-central-1:111122223333:key/1d990263"
    }
  }

  assert {
    condition = (
      one(aws_kinesis_firehose_delivery_stream.connections["connections"].server_side_encryption).key_arn
      == var.kms_keys.streams
      && alltrue([
        for policy in [
          aws_iam_role_policy.connections_rule["connections"], aws_iam_role_policy.connections_delivery["connections"],
        ] :
        length([for statement in jsondecode(policy.policy).Statement : statement if startswith(statement.Sid, "Encrypt")
        && statement.Resource == [var.kms_keys.buckets]]) == 1
      ])
    )
    error_message = "The keys are used, and the roles may use the buckets'."
  }
}

run "without_a_table_there_is_nothing_of_it" {
  command = plan

  variables {
    connections_table = null
  }

  assert {
    condition = (
      length(aws_iot_topic_rule.connections) == 0
      && length(aws_kinesis_firehose_delivery_stream.connections) == 0
      && length(aws_iam_role.connections_rule) == 0
      && length(aws_iam_role.connections_delivery) == 0
      && length([for key in keys(aws_cloudwatch_metric_alarm.lane) : key if startswith(key, "connections-")]) == 0
      && output.connections == null
    )
    error_message = "No table, no connections."
  }
}
