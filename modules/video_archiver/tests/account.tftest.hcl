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
}
