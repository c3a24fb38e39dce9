mock_provider "aws" {
  source = "../mocks"
}

variables {
  name     = "plant-lake"
  factory  = "krakow"
  gateways = ["line-1", "line-2"]
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
}

# One plan for all: each costs a start of the provider.
run "two_lanes_for_gateways_that_may_be_themselves_only" {
  command = plan

  # Two lanes have a shard each and keep three days.
  assert {
    condition = { for lane, stream in aws_kinesis_stream.lane : lane => stream.name } == {
      measurements  = "plant-lake-krakow-measurements"
      configuration = "plant-lake-krakow-configuration"
    }
    error_message = "A factory has a data stream per lane."
  }

  assert {
    condition = alltrue([
      for stream in aws_kinesis_stream.lane :
      stream.stream_mode_details[0].stream_mode == "PROVISIONED"
      && stream.shard_count == 1
      && stream.retention_period == 72
      && stream.encryption_type == "KMS" && stream.kms_key_id == "alias/aws/kinesis"
    ])
    error_message = "One shard, encrypted with the key that AWS manages, and a weekend's worth of retention."
  }

  assert {
    condition = (
      length(aws_kinesis_stream.unprotected) == 0
      && keys(terraform_data.kept_delivery_stream) == ["configuration", "measurements"]
    )
    error_message = "No apply may destroy a data stream or a delivery stream."
  }

  assert {
    condition = alltrue([
      for lane, function in aws_lambda_function.transform :
      function.function_name == "plant-lake-krakow-${lane}-transform"
      && function.handler == "transform.handler.handler"
      && function.runtime == "python3.13" && function.architectures == tolist(["x86_64"])
      && function.timeout == 120 && function.memory_size == 512 && function.reserved_concurrent_executions == null
      && function.source_code_hash == filebase64sha256("versions.tf")
    ]) && length(aws_lambda_function.transform) == 2
    error_message = "Each lane has a function of its own, from the package given."
  }

  assert {
    condition = alltrue([
      for lane, function in aws_lambda_function.transform : function.environment[0].variables == tomap(merge({
        FACTORY               = "krakow"
        LANE                  = lane
        BLANK_STRINGS         = "reject"
        TIMESTAMP_PAST_DAYS   = "400"
        TIMESTAMP_FUTURE_DAYS = "1"
        METRICS_NAMESPACE     = "FactoryLake"
        LOG_LEVEL             = "INFO"
      }, lane == "measurements" ? { STREAM_NAME = "plant-lake-krakow-measurements" } : {}))
    ])
    error_message = "The function is told its factory, its lane, its rules and, of batches, the stream to put back into."
  }

  assert {
    condition = alltrue([
      for lane, function in aws_lambda_function.transform :
      function.logging_config[0].log_format == "JSON"
      && function.logging_config[0].log_group == "/aws/lambda/plant-lake-krakow-${lane}-transform"
      && function.logging_config[0].application_log_level == "INFO"
      && function.logging_config[0].system_log_level == "INFO"
    ])
    error_message = "It logs JSON, to the group that is made for it."
  }

  assert {
    condition = {
      for group in concat(values(aws_cloudwatch_log_group.transform), values(aws_cloudwatch_log_group.delivery)) :
      group.name => group.retention_in_days
      } == {
      "/aws/lambda/plant-lake-krakow-measurements-transform"  = 90
      "/aws/lambda/plant-lake-krakow-configuration-transform" = 90
      "/aws/kinesisfirehose/plant-lake-krakow-measurements"   = 90
      "/aws/kinesisfirehose/plant-lake-krakow-configuration"  = 90
    }
    error_message = "Logs of functions and deliveries are kept for 90 days, not for ever."
  }

  # Both lanes are watched, also with nobody to notify.
  assert {
    condition = toset(keys(aws_cloudwatch_metric_alarm.lane)) == setsubtract(
      [
        for pair in setproduct(keys(aws_kinesis_stream.lane), keys(local.alarm_descriptions)) : join("-", pair)
      ], ["configuration-conversion-failed"]
    )
    error_message = "Each lane has each alarm; only measurements are converted."
  }

  assert {
    condition = alltrue([
      for key, alarm in aws_cloudwatch_metric_alarm.lane :
      alarm.alarm_name == "plant-lake-krakow-${key}" && output.alarms[key] == alarm.alarm_name
      && alarm.alarm_description
      == "krakow's ${split("-", key)[0]}: ${local.alarm_descriptions[substr(key, length(split("-", key)[0]) + 1, -1)]}"
      && length(alarm.alarm_actions) == 0 && length(alarm.ok_actions) == 0
    ])
    error_message = "An alarm says whose it is and what it means."
  }

  assert {
    condition = {
      for key, alarm in aws_cloudwatch_metric_alarm.lane :
      trimprefix(key, "measurements-") => join(" ", compact([
        alarm.metric_name, alarm.statistic, alarm.comparison_operator == "GreaterThanThreshold" ? ">" : "<",
        alarm.threshold,
        alarm.period == null ? null : "${alarm.period} s", "${alarm.datapoints_to_alarm}/${alarm.evaluation_periods}",
        alarm.treat_missing_data,
      ])) if startswith(key, "measurements-") } == {
      time-to-loss           = "GetRecords.IteratorAgeMilliseconds Maximum > 129600000 300 s 1/1 ignore"
      unread                 = "GetRecords.Success Sum < 1 900 s 1/1 breaching"
      write-throttled        = "WriteProvisionedThroughputExceeded Sum > 0 300 s 1/1 notBreaching"
      data-freshness         = "DeliveryToS3.DataFreshness Maximum > 900 300 s 1/1 notBreaching"
      delivery-failed        = "DeliveryToS3.Success Average < 1 300 s 2/3 notBreaching"
      behind-latest          = "KinesisMillisBehindLatest Maximum > 900000 300 s 1/1 ignore"
      read-throttled         = "ThrottledGetRecords Sum > 0 300 s 3/3 notBreaching"
      transform-calls-failed = "ExecuteProcessing.Success Average < 1 300 s 2/3 notBreaching"
      unprocessed            = "> 0.05 2/2 notBreaching"
      conversion-failed      = "FailedConversion.Records Sum > 0 300 s 1/1 notBreaching"
      partitions-exceeded    = "PartitionCountExceeded Maximum > 0 300 s 1/1 notBreaching"
      rejected               = "> 0.05 1/1 notBreaching"
      rule-failed            = "> 0 1/1 notBreaching"
      rule-quarantined       = "> 0 1/1 notBreaching"
      rule-lost              = "> 0 1/1 notBreaching"
      rule-throttled         = "RuleMessageThrottled Sum > 0 300 s 1/1 notBreaching"
      transform-errors       = "Errors Sum > 0 300 s 1/1 notBreaching"
      transform-throttled    = "Throttles Sum > 0 300 s 2/3 notBreaching"
      transform-slow         = "Duration Maximum > 96000 300 s 1/1 notBreaching"
    }
    error_message = "Defaults are half of the retention, three buffers, four fifths of the timeout, and no failure."
  }

  assert {
    condition = {
      for key in [
        "configuration-unprocessed", "configuration-rejected", "measurements-rejected", "configuration-rule-lost",
      ] :
      key => join(", ", sort([
        for query in aws_cloudwatch_metric_alarm.lane[key].metric_query :
        length(query.metric) == 0 ? "${query.id} = ${query.expression}" : join(" ", [
          "${query.id}:", query.metric[0].metric_name, "of", jsonencode(query.metric[0].dimensions),
          "in", query.metric[0].period, "s",
        ])
      ]))
      } == {
      configuration-unprocessed = join(" ", [
        "done: SucceedProcessing.Records of {\"DeliveryStreamName\":\"plant-lake-krakow-configuration\"} in 900 s,",
        "read: DataReadFromKinesisStream.Records of {\"DeliveryStreamName\":\"plant-lake-krakow-configuration\"} in",
        "900 s, result = IF(read >= 20, (read - FILL(done, 0)) / read, 0)",
      ])
      measurements-rejected = join(" ", [
        "received: SamplesReceived of {\"Factory\":\"krakow\",\"Lane\":\"measurements\"} in 3600 s, rejected:",
        "SamplesRejected of {\"Factory\":\"krakow\",\"Lane\":\"measurements\"} in 3600 s, result = IF(received >=",
        "20, rejected / received, 0)",
      ])
      configuration-rejected = join(" ", [
        "received: SamplesReceived of {\"Factory\":\"krakow\",\"Lane\":\"configuration\"} in 3600 s, rejected:",
        "SamplesRejected of {\"Factory\":\"krakow\",\"Lane\":\"configuration\"} in 3600 s, result = IF(received >=",
        "20, rejected / received, 0)",
      ])
      configuration-rule-lost = join(" ", [
        "result = SELECT SUM(ErrorActionFailure) FROM SCHEMA(\"AWS/IoT\", ActionType, RuleName) WHERE RuleName =",
        "'plant_lake__krakow__configuration'",
      ])
    }
    error_message = "Shares are worked out from sums of one period, and the rule's actions from all their types."
  }

  # Deliveries write where the tables look.
  assert {
    condition = alltrue([
      for lane, stream in aws_kinesis_firehose_delivery_stream.lane :
      stream.name == "plant-lake-krakow-${lane}" && stream.destination == "extended_s3"
    ]) && length(aws_kinesis_firehose_delivery_stream.lane) == 2
    error_message = "A factory has a delivery stream per lane, to S3."
  }

  assert {
    condition = alltrue(flatten([
      for lane, stream in aws_kinesis_firehose_delivery_stream.lane : [
        for s3 in stream.extended_s3_configuration : [
          s3.bucket_arn == "arn:aws:s3:::lake-${lane}",
          s3.prefix == join("", [
            "factory=krakow/year=!{partitionKeyFromLambda:year}/month=!{partitionKeyFromLambda:month}/",
            "day=!{partitionKeyFromLambda:day}/",
          ]),
          s3.error_output_prefix
          == "errors/factory=krakow/${lane}/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/",
          s3.dynamic_partitioning_configuration[0].enabled,
          s3.dynamic_partitioning_configuration[0].retry_duration == 300,
          # Large objects, uncompressed as Parquet conversion wants them.
          s3.buffering_size == 128,
          s3.buffering_interval == 300,
          s3.compression_format == "UNCOMPRESSED",
          s3.cloudwatch_logging_options[0].enabled,
          s3.cloudwatch_logging_options[0].log_stream_name == "delivery",
          # The provider would find a difference for ever in a processor's parameter at AWS's default.
          one(s3.processing_configuration[0].processors).type == "Lambda",
          length(s3.processing_configuration[0].processors[0].parameters) == 1,
        ]
      ]
    ]))
    error_message = "Keys begin with the factory and the day that the transform names; what fails goes to errors/."
  }

  assert {
    condition = {
      for lane, stream in aws_kinesis_firehose_delivery_stream.lane :
      lane => length(stream.extended_s3_configuration[0].data_format_conversion_configuration)
    } == { measurements = 1, configuration = 0 }
    error_message = "Measurements are converted; configuration stays as it is, one line each."
  }

  assert {
    condition = alltrue(flatten([
      for parquet in aws_kinesis_firehose_delivery_stream.lane["measurements"].extended_s3_configuration[0]
      .data_format_conversion_configuration : [
        parquet.schema_configuration[0].database_name == "plant_lake",
        parquet.schema_configuration[0].table_name == "measurements",
        parquet.output_format_configuration[0].serializer[0].parquet_ser_de[0].compression == "SNAPPY",
        parquet.input_format_configuration[0].deserializer[0].open_x_json_ser_de[0].case_insensitive,
        # Only columns that are named otherwise than their key are mapped, to the key in lower case.
        parquet.input_format_configuration[0].deserializer[0].open_x_json_ser_de[0].column_to_json_key_mappings
        == tomap({
          device_id   = "deviceid"
          device_name = "devicename"
          register_id = "registerid"
          tag_name    = "tagname"
          ts          = "timestamp"
          received_at = "_received_at"
          gateway     = "_gateway"
        })
      ]
    ]))
    error_message = "Measurements become Parquet by the Glue table."
  }

  # Rules carry any payload and say where it came from.
  assert {
    condition = alltrue([
      for lane, rule in aws_iot_topic_rule.lane :
      rule.name == "plant_lake__krakow__${lane}" && rule.enabled && rule.sql_version == "2016-03-23"
      && rule.sql == "SELECT * FROM 'factories/krakow/+/${lane}'"
    ]) && length(aws_iot_topic_rule.lane) == 2
    error_message = "A bare SELECT * over all gateways of the factory."
  }

  assert {
    condition = alltrue([
      for lane, rule in aws_iot_topic_rule.lane :
      one(rule.kinesis).stream_name == "plant-lake-krakow-${lane}"
      && one(rule.kinesis).partition_key == "$${timestamp()}/$${topic(3)}/$${newuuid()}"
    ])
    error_message = "The envelope travels in the partition key."
  }

  assert {
    condition = alltrue([
      for lane, rule in aws_iot_topic_rule.lane :
      rule.error_action[0].s3[0].bucket_name == "lake-${lane}"
      && rule.error_action[0].s3[0].key
      == join("/", [
        "errors/factory=krakow/${lane}/iot-rule/$${parse_time(\"yyyy/MM/dd\", timestamp())}",
        "$${timestamp()}-$${newuuid()}.json",
      ])
    ])
    error_message = "A failed action leaves the message under the lane's errors."
  }

  # Identities may be themselves and nothing else.
  assert {
    condition = toset(keys(aws_iot_thing.identity)) == toset([
      "krakow-line-1-measurements", "krakow-line-1-configuration", "krakow-line-2-measurements",
      "krakow-line-2-configuration",
    ]) && alltrue([for client_id, thing in aws_iot_thing.identity : thing.name == client_id])
    error_message = "A gateway is two identities, named as it connects."
  }

  assert {
    condition = jsondecode(aws_iot_policy.identity["krakow-line-2-configuration"].policy) == {
      Version = "2012-10-17"
      Statement = [
        {
          Effect   = "Allow"
          Action   = "iot:Connect"
          Resource = "arn:aws:iot:eu-central-1:111122223333:client/krakow-line-2-configuration"
        },
        {
          Effect = "Allow"
          Action = "iot:Publish"
          Resource = [
            "arn:aws:iot:eu-central-1:111122223333:topic/factories/krakow/line-2/configuration",
            join("", [
              "arn:aws:iot:eu-central-1:111122223333:topic/$aws/rules/plant_lake__krakow__configuration/",
              "factories/krakow/line-2/configuration",
            ]),
          ]
        },
      ]
    }
    error_message = "Its own client ID, its own topic in both spellings."
  }

  assert {
    condition = alltrue([
      for policy in aws_iot_policy.identity :
      !strcontains(policy.policy, "*") && length(jsondecode(policy.policy).Statement) == 2
    ])
    error_message = "No policy has a wildcard or a third statement."
  }

  assert {
    condition = toset(keys(aws_iot_certificate.identity)) == toset([
      "krakow-line-1-configuration/2026-01-15.pem",
      "krakow-line-1-measurements/2026-01-15.pem",
      "krakow-line-1-measurements/2026-07-15.pem",
      "krakow-line-2-configuration/2026-01-15.pem",
      "krakow-line-2-measurements/2026-01-15.pem",
    ])
    error_message = "A certificate per request: two during a rotation."
  }

  assert {
    condition = alltrue([
      for path, certificate in aws_iot_certificate.identity : certificate.active
      && certificate.csr == file("tests/testdata/csr/${path}")
    ])
    error_message = "Certificates are made from requests, so that no private key is ever in the state."
  }

  assert {
    condition = alltrue([
      for path, attachment in aws_iot_policy_attachment.identity : attachment.policy == dirname(path)
      ]) && alltrue([
      for path, attachment in aws_iot_thing_principal_attachment.identity : attachment.thing == dirname(path)
    ]) && length(aws_iot_policy_attachment.identity) == 5 && length(aws_iot_thing_principal_attachment.identity) == 5
    error_message = "Each certificate has the policy and the thing of its own identity."
  }

  assert {
    condition = {
      for gateway, lanes in output.gateways :
      gateway => {
        for lane, entry in lanes : lane => "${entry.client_id} ${entry.topic} ${entry.basic_ingest_topic}"
      }
      } == {
      for gateway in ["line-1", "line-2"] : gateway => {
        for lane in ["measurements", "configuration"] : lane => join(" ", [
          "krakow-${gateway}-${lane} factories/krakow/${gateway}/${lane}",
          "$aws/rules/plant_lake__krakow__${lane}/factories/krakow/${gateway}/${lane}",
        ])
      }
    }
    error_message = "The output is what a LoopEdge is told."
  }

  assert {
    condition = keys(output.gateways["line-1"]["measurements"].certificate_pems) == [
      "2026-01-15.pem", "2026-07-15.pem",
    ]
    error_message = "Certificates are found under the name of their request."
  }

  assert {
    condition = alltrue([
      for lane, policy in aws_iam_role_policy.rule : {
        for statement in jsondecode(policy.policy).Statement :
        statement.Sid => "${join(" ", statement.Action)} on ${join(" ", statement.Resource)}"
        } == {
        PutIntoOwnStream = join(" ", [
          "kinesis:PutRecord on",
          "arn:aws:kinesis:eu-central-1:111122223333:stream/plant-lake-krakow-${lane}",
        ])
        PutFailedRecords = "s3:PutObject on arn:aws:s3:::lake-${lane}/errors/factory=krakow/${lane}/iot-rule/*"
      }
    ])
    error_message = "A rule puts into its stream and, failing that, its errors."
  }

  assert {
    condition = {
      for policy in concat(values(aws_iam_role_policy.transform), values(aws_iam_role_policy.put_back)) :
      "${policy.role} ${policy.name}" => [
        for statement in jsondecode(policy.policy).Statement :
        "${join(" ", statement.Action)} on ${join(" ", flatten([statement.Resource]))}"
      ]
      } == merge({
        for lane in ["measurements", "configuration"] : "plant-lake-krakow-${lane}-transform write-own-log" => [
          join(" ", [
            "logs:CreateLogStream logs:PutLogEvents on",
            "arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/plant-lake-krakow-${lane}-transform:*",
          ])
        ]
        }, {
        "plant-lake-krakow-measurements-transform put-back" = [join(" ", [
          "kinesis:PutRecords on",
          "arn:aws:kinesis:eu-central-1:111122223333:stream/plant-lake-krakow-measurements",
        ])]
    })
    error_message = "A transform writes its log and, where there are batches, puts parts of them back into its stream."
  }

  assert {
    condition = alltrue([
      for policy in concat(
        values(aws_iam_role_policy.rule),
        values(aws_iam_role_policy.delivery),
        values(aws_iam_role_policy.transform),
        values(aws_iam_role_policy.put_back)
      ) :
      !strcontains(policy.policy, "kms:")
    ])
    error_message = "No statement speaks of keys while AWS manages them."
  }
}
