# What an account asks of whatever is made in it.
mock_provider "aws" {
  source = "../mocks"
}

variables {
  name         = "plant-lake"
  factory      = "krakow"
  cameras      = { gate = {} }
  package      = { file = "versions.tf" } # any file: it is only read for its hash
  clips_bucket = "lake-clips"
}

run "the_package_may_be_an_object" {
  command = plan

  variables {
    package = {
      s3 = {
        bucket           = "releases"
        key              = "1.0.0/clip_fetch.zip"
        object_version   = "v1"
        source_code_hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
      }
    }
  }

  assert {
    condition = alltrue([
      for function in [aws_lambda_function.clip_fetch] :
      function.s3_bucket == "releases"
      && function.s3_key == "1.0.0/clip_fetch.zip"
      && function.s3_object_version == "v1"
      && function.source_code_hash == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
      && function.filename == null
    ])
    error_message = "not the object, or not only that"
  }
}

run "what_the_account_asks_of_resources_and_roles" {
  command = plan

  variables {
    tags                     = { owner = "plant-it" }
    permissions_boundary_arn = "arn:aws:iam::111122223333:policy/bounds"
    role_path                = "/factory-lake/"
  }

  assert {
    condition = alltrue([
      for resource in concat(
        [for each in aws_cloudwatch_metric_alarm.video : { tags = each.tags }],
        [for each in [aws_cloudwatch_log_group.clip_fetch] : { tags = each.tags }],
        [for each in [aws_iam_role.clip_fetch] : { tags = each.tags }],
        [for each in [aws_lambda_function.clip_fetch] : { tags = each.tags }],
        [for each in aws_cloudwatch_event_rule.clip_fetch : { tags = each.tags }],
        [for each in aws_kinesis_video_stream.camera : { tags = each.tags }]
      ) : resource.tags["owner"] == "plant-it"
    ])
    error_message = "a resource without the tags"
  }

  assert {
    condition = alltrue([
      for role in [aws_iam_role.clip_fetch] :
      role.permissions_boundary == "arn:aws:iam::111122223333:policy/bounds" && role.path == "/factory-lake/"
    ])
    error_message = "a role without boundary or path"
  }
}

run "without_an_account_s_wishes" {
  command = plan

  assert {
    condition     = alltrue([for role in [aws_iam_role.clip_fetch] : role.permissions_boundary == null && role.path == "/"])
    error_message = "a boundary or a path that nobody asked for"
  }

  assert {
    condition = length(aws_iam_role_policy.clip_fetch_surroundings) == 0 && alltrue([
      for function in [aws_lambda_function.clip_fetch] : length(function.vpc_config) == 0
    ])
    error_message = "a network or traces that nobody asked for"
  }
}

run "functions_in_a_vpc_and_traced" {
  command = plan

  variables {
    vpc     = { subnet_ids = ["subnet-0a", "subnet-0b"], security_group_ids = ["sg-0a"] }
    tracing = "Active"
  }

  assert {
    condition = alltrue([
      for function in [aws_lambda_function.clip_fetch] :
      function.vpc_config[0].subnet_ids == toset(["subnet-0a", "subnet-0b"])
      && function.vpc_config[0].security_group_ids == toset(["sg-0a"])
      && function.tracing_config[0].mode == "Active"
    ])
    error_message = "not in the VPC, or not traced"
  }

  assert {
    condition = alltrue([
      for policy in aws_iam_role_policy.clip_fetch_surroundings :
      [for statement in jsondecode(policy.policy).Statement : "${statement.Effect} ${join(" ", statement.Action)}"] == [
        join(" ", concat(["Allow"], local.interface_actions)),
        join(" ", concat(["Deny"], local.interface_actions)),
        "Allow xray:PutTelemetryRecords xray:PutTraceSegments",
      ]
      && startswith(
        jsondecode(policy.policy).Statement[1].Condition.ArnEquals["lambda:SourceFunctionArn"],
        "arn:aws:lambda:eu-central-1:111122223333:function:plant-lake-krakow-"
      )
    ]) && length(aws_iam_role_policy.clip_fetch_surroundings) == 1
    error_message = "not what Lambda needs, or more"
  }
}

run "a_traced_function_needs_no_network" {
  command = plan

  variables {
    tracing = "PassThrough"
  }

  assert {
    condition = alltrue([
      for policy in aws_iam_role_policy.clip_fetch_surroundings :
      [for statement in jsondecode(policy.policy).Statement : statement.Sid] == ["SendTraces"]
    ]) && alltrue([for function in [aws_lambda_function.clip_fetch] : length(function.vpc_config) == 0])
    error_message = "more than traces"
  }
}
