mock_provider "aws" {
  source = "../mocks"
}

variables {
  name         = "plant-lake"
  csr_dir      = "../../environments/prod/tests/testdata/csr"
  packages_dir = "tests/testdata/packages"
  factories = {
    krakow = { gateways = ["line-1", "line-2"] }
    lyon   = { gateways = ["press-shop"] }
  }
}

run "a_lake_is_storage_catalog_and_a_pipeline_per_factory" {
  command = plan

  assert {
    condition = output.buckets == {
      measurements  = "plant-lake-111122223333-measurements"
      configuration = "plant-lake-111122223333-configuration"
      clips         = "plant-lake-111122223333-clips"
    }
    error_message = "Buckets are named after lake and account."
  }

  assert {
    condition = output.athena == {
      workgroup       = "plant-lake"
      database        = "plant_lake"
      output_location = "s3://plant-lake-111122223333-measurements/athena-results/"
    }
    error_message = "Queries know where to go."
  }

  assert {
    condition = jsonencode(output.delivery_streams) == jsonencode({
      krakow = { configuration = "plant-lake-krakow-configuration", measurements = "plant-lake-krakow-measurements" }
      lyon   = { configuration = "plant-lake-lyon-configuration", measurements = "plant-lake-lyon-measurements" }
    }) && jsonencode(output.data_streams) == jsonencode(output.delivery_streams)
    error_message = "Each factory has streams of its own."
  }

  assert {
    condition = jsonencode(output.transform_functions) == jsonencode({
      for factory in ["krakow", "lyon"] : factory => {
        for lane in ["configuration", "measurements"] : lane => "plant-lake-${factory}-${lane}-transform"
      }
    })
    error_message = "Each factory has functions of its own."
  }

  assert {
    condition     = output.iot_endpoint == "abc123-ats.iot.eu-central-1.amazonaws.com"
    error_message = "Gateways connect to the account's ATS endpoint."
  }

  assert {
    condition = {
      for factory, gateways in output.gateways : factory => join(" ", flatten([
        for gateway, lanes in gateways :
        [for lane, entry in lanes : "${entry.client_id}=${join(",", keys(entry.certificate_pems))}"]
      ]))
      } == {
      krakow = join(" ", [
        "krakow-line-1-configuration=2026-01-15.pem krakow-line-1-measurements=2026-01-15.pem",
        "krakow-line-2-configuration=2026-01-15.pem krakow-line-2-measurements=2026-01-15.pem",
      ])
      lyon = "lyon-press-shop-configuration=2026-01-15.pem lyon-press-shop-measurements=2026-01-15.pem"
    }
    error_message = "Every gateway finds its identities and certificates."
  }

  assert {
    condition = (
      join(" ", keys(output.roles)) == "krakow lyon"
      && join(" ", keys(output.roles["lyon"]["measurements"])) == "delivery rule transform"
    )
    error_message = "Each lane of each factory has its three roles."
  }

  assert {
    condition = toset(keys(output.named_queries)) == toset([
      for file in fileset("../glue_catalog/queries", "*.sql") : trimsuffix(file, ".sql")
    ])
    error_message = "The named queries are those of the catalog."
  }
}

run "watches_each_factory_as_it_asks_and_tells_the_topic" {
  command = plan

  variables {
    factories = {
      krakow = {
        gateways = ["line-1", "line-2"]
        cameras  = { press-1 = {} }
        alarms = {
          messages = { disabled = ["rejected"], retention_share = 0.25 }
          video    = { disabled = ["camera-silent"] }
        }
      }
      lyon = { gateways = ["press-shop"] }
    }
    alarm_topic = {
      emails      = ["on-call@example.com"]
      kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/alarms"
    }
    alarm_actions = [
      "arn:aws:sns:eu-central-1:111122223333:a", "arn:aws:sns:eu-central-1:111122223333:b",
      "arn:aws:sns:eu-central-1:111122223333:c", "arn:aws:sns:eu-central-1:111122223333:d",
    ]
  }

  assert {
    condition = (
      !contains(keys(output.alarms["krakow"].messages), "measurements-rejected")
      && contains(keys(output.alarms["lyon"].messages), "measurements-rejected")
      && !contains(keys(output.alarms["krakow"].video), "press-1-camera-silent")
      && contains(keys(output.alarms["krakow"].video), "press-1-camera-at-risk")
      && length(output.alarms["lyon"].video) == 0
      && output.alarms["krakow"].messages["measurements-time-to-loss"] == "plant-lake-krakow-measurements-time-to-loss"
    )
    error_message = "Each factory has its own thresholds, and alarms that it does not want."
  }

  assert {
    condition = (
      aws_sns_topic.alarms["alarms"].name == "plant-lake-alarms"
      && aws_sns_topic.alarms["alarms"].kms_master_key_id == "arn:aws:kms:eu-central-1:111122223333:key/alarms"
      && {
        for email, subscription in aws_sns_topic_subscription.email : email => subscription.protocol
      } == { "on-call@example.com" = "email" }
      && aws_sns_topic_subscription.email["on-call@example.com"].filter_policy_scope == "MessageBody"
    )
    error_message = "There is a topic, with the key and the addresses that are given."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_sns_topic_policy.alarms["alarms"].policy).Statement :
      join(" ", [
        "${statement.Effect} ${jsonencode(statement.Principal)} ${statement.Action} ${statement.Resource}",
        "${jsonencode(statement.Condition)}",
      ])
      ] == [
      join(" ", ["Allow", jsonencode({ Service = "cloudwatch.amazonaws.com" }), "sns:Publish",
        "arn:aws:sns:eu-central-1:111122223333:plant-lake-alarms", jsonencode({
          StringEquals = { "aws:SourceAccount" = "111122223333" }
          ArnLike = {
            "aws:SourceArn" = "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:plant-lake-*"
          }
      })]),
      join(" ", [
        "Deny \"*\" sns:Publish arn:aws:sns:eu-central-1:111122223333:plant-lake-alarms",
        "${jsonencode({ Bool = { "aws:SecureTransport" = "false" } })}",
      ]),
    ]
    error_message = "CloudWatch may publish this lake's alarms, and nothing may without TLS."
  }

  assert {
    condition = output.dashboards == {
      factories = { krakow = "plant-lake-krakow", lyon = "plant-lake-lyon" }
      lake      = "plant-lake"
    }
    error_message = "There is a dashboard for each factory and one for all."
  }
}

run "a_lake_to_throw_away_with_a_suffix_and_without_topic_and_dashboards" {
  command = plan

  variables {
    suffix        = "eu"
    dashboards    = false
    force_destroy = true
  }

  # Of an account and region that have this lake already.
  override_data {
    target = data.aws_ssm_parameters_by_path.lakes
    values = { names = ["/factory-lake/lakes/plant-lake"] }
  }

  assert {
    condition = (
      length(aws_sns_topic.alarms) == 0
      && length(aws_sns_topic_subscription.email) == 0
      && output.alarm_topic_arn == null
      && length(output.alarms["krakow"].messages) > 0
      && jsonencode(output.dashboards) == jsonencode({ factories = {}, lake = null })
    )
    error_message = "Alarms are there with nobody to notify; dashboards are an option."
  }

  assert {
    condition = (
      output.buckets["clips"] == "plant-lake-eu-clips"
      && output.athena.output_location == "s3://plant-lake-eu-measurements/athena-results/"
    )
    error_message = "Bucket names end the way the caller says."
  }

  assert {
    condition     = length(terraform_data.queried_factory) == 0 && length(output.left_behind) == 0
    error_message = "Nothing refuses to go."
  }

  assert {
    condition     = aws_ssm_parameter.lake.name == "/factory-lake/lakes/plant-lake"
    error_message = "The lake leaves its name where the next one looks."
  }
}

run "what_is_left_of_a_factory_is_told_and_stays_queried" {
  command = plan

  variables {
    factories         = { krakow = { gateways = ["line-1", "line-2"] } }
    retired_factories = ["lyon"]
  }

  # The requests of lyon are still in their folder, and belong to no gateway.
  expect_failures = [check.requests_belong_to_gateways]

  assert {
    condition = jsonencode(output.left_behind) == jsonencode({
      lyon = {
        data = [
          "s3://plant-lake-111122223333-clips/factory=lyon/",
          "s3://plant-lake-111122223333-configuration/factory=lyon/",
          "s3://plant-lake-111122223333-measurements/factory=lyon/",
          "s3://plant-lake-111122223333-configuration/connections/factory=lyon/",
          "s3://plant-lake-111122223333-clips/index/factory=lyon/",
        ]
        errors = [
          "s3://plant-lake-111122223333-measurements/errors/factory=lyon/",
          "s3://plant-lake-111122223333-configuration/errors/factory=lyon/",
        ]
        video_streams = "plant-lake_lyon_"
      }
    })
    error_message = "Whoever takes a factory out of service is told what is left of it."
  }

  assert {
    condition     = keys(terraform_data.queried_factory) == ["krakow", "lyon"]
    error_message = "No factory, in service or out of it, may vanish from the queries."
  }
}

run "a_factory_may_go_without_connections" {
  command = plan

  variables {
    factories = {
      krakow = { gateways = ["line-1", "line-2"], connections = { enabled = false } }
      lyon   = { gateways = ["press-shop"] }
    }
  }

  assert {
    condition = (
      keys(output.connections) == ["lyon"]
      && output.connections["lyon"].delivery_stream == "plant-lake-lyon-connections"
      && output.connections["lyon"].table == "connections"
      && keys(output.connections["lyon"].rules) == ["lyon-press-shop-configuration", "lyon-press-shop-measurements"]
    )
    error_message = "Connections are kept unless a factory asks for none."
  }
}

run "a_lake_in_an_account_that_has_much_already" {
  command = plan

  variables {
    storage                  = { existing_buckets = { measurements = "plant-archive" } }
    athena                   = { existing_database = "plant" }
    alarm_actions            = ["arn:aws:sns:eu-central-1:111122223333:on-call"]
    tags                     = { owner = "plant-it" }
    permissions_boundary_arn = "arn:aws:iam::111122223333:policy/bounds"
    role_path                = "/factory-lake/"
    vpc                      = { subnet_ids = ["subnet-0a"], security_group_ids = ["sg-0a"] }
    tracing                  = "Active"
  }

  assert {
    condition = (
      output.buckets["measurements"] == "plant-archive"
      && output.athena.database == "plant"
      && output.alarm_topic_arn == null
      && aws_ssm_parameter.lake.tags["owner"] == "plant-it"
    )
    error_message = "not what stands already"
  }
}

run "refuses_readers_that_are_no_accounts" {
  command = plan

  variables {
    storage = { reader_accounts = ["777788889999", "arn:aws:iam::777788889999:root"] }
  }

  expect_failures = [var.storage]
}
