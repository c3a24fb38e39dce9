mock_provider "aws" {
  source = "../mocks"
}

variables {
  name   = "plant-lake"
  suffix = "111122223333"
}

# One plan for all: each costs a start of the provider.
run "three_closed_buckets_that_lose_nothing" {
  command = plan

  # Makes exactly three closed buckets.
  assert {
    condition = { for key, bucket in aws_s3_bucket.lake : key => bucket.bucket } == {
      measurements  = "plant-lake-111122223333-measurements"
      configuration = "plant-lake-111122223333-configuration"
      clips         = "plant-lake-111122223333-clips"
    }
    error_message = "The module makes these three buckets and no other."
  }

  assert {
    condition = (
      alltrue([for bucket in aws_s3_bucket.lake : bucket.force_destroy == false])
      && length(aws_s3_bucket.unprotected) == 0
    )
    error_message = "The buckets are the ones that may not be destroyed."
  }

  assert {
    condition = jsonencode(output.deletion_policy) == jsonencode({
      measurements  = ["results of queries older than 7 days, for good"]
      configuration = []
      clips         = []
    })
    error_message = "Nothing is deleted but results, which are copies."
  }

  assert {
    condition = length(aws_s3_bucket_public_access_block.lake) == 3 && alltrue([
      for block in aws_s3_bucket_public_access_block.lake :
      block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets
    ])
    error_message = "Each bucket blocks public access in all four ways."
  }

  assert {
    condition = length(aws_s3_bucket_ownership_controls.lake) == 3 && alltrue([
      for controls in aws_s3_bucket_ownership_controls.lake :
      controls.rule[0].object_ownership == "BucketOwnerEnforced"
    ])
    error_message = "The bucket owner owns every object, ACLs are off."
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.lake["clips"].policy) == {
      Version = "2012-10-17"
      Statement = [
        for sid, condition in {
          RefusePlainHttp = { Bool = { "aws:SecureTransport" = "false" } }
          RefuseServicesOfOtherAccounts = {
            Bool            = { "aws:PrincipalIsAWSService" = "true" }
            Null            = { "aws:SourceAccount" = "false" }
            StringNotEquals = { "aws:SourceAccount" = "111122223333" }
          }
          } : {
          Sid       = sid
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:*"
          Resource  = ["arn:aws:s3:::plant-lake-111122223333-clips", "arn:aws:s3:::plant-lake-111122223333-clips/*"]
          Condition = condition
        }
      ]
    }
    error_message = "Plain HTTP and services that act for other accounts are refused, to bucket and objects."
  }

  assert {
    condition     = length(aws_s3_bucket_policy.lake) == 3
    error_message = "Each bucket has its policy."
  }

  assert {
    condition = length(aws_s3_bucket_server_side_encryption_configuration.lake) == 3 && alltrue([
      for encryption in aws_s3_bucket_server_side_encryption_configuration.lake :
      one(encryption.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
      && one(encryption.rule).bucket_key_enabled == false
    ])
    error_message = "Without a key, S3 encrypts with its own."
  }

  assert {
    condition = length(aws_s3_bucket_versioning.lake) == 3 && alltrue([
      for versioning in aws_s3_bucket_versioning.lake : versioning.versioning_configuration[0].status == "Enabled"
    ])
    error_message = "Versions are kept by default."
  }

  # Deletes nothing but copies and leftovers.
  assert {
    condition = {
      for key, lifecycle in aws_s3_bucket_lifecycle_configuration.lake : key => join(" ", lifecycle.rule[*].id)
      } == {
      measurements  = "abort-incomplete-uploads athena-results"
      configuration = "abort-incomplete-uploads"
      clips         = "abort-incomplete-uploads"
    }
    error_message = "By default no rule touches data or errors."
  }

  assert {
    condition = alltrue([
      for lifecycle in aws_s3_bucket_lifecycle_configuration.lake :
      lifecycle.rule[0].abort_incomplete_multipart_upload[0].days_after_initiation == 7
      && length(lifecycle.rule[0].expiration) == 0
    ])
    error_message = "Parts of uploads that were never completed go after a week."
  }

  assert {
    condition = (
      aws_s3_bucket_lifecycle_configuration.lake["measurements"].rule[1].filter[0].prefix == "athena-results/"
      && aws_s3_bucket_lifecycle_configuration.lake["measurements"].rule[1].expiration[0].days == 7
      && aws_s3_bucket_lifecycle_configuration.lake["measurements"].rule[1]
      .noncurrent_version_expiration[0].noncurrent_days == 1
      && output.athena_output_location == "s3://plant-lake-111122223333-measurements/athena-results/"
    )
    error_message = "Athena's results expire, at the very prefix that Athena is told to write to."
  }
}

run "each_option_reaches_its_own_prefix" {
  command = plan

  variables {
    kms_key_arn                         = "arn:aws:kms:eu-central-1:111122223333:key/0d990263"
    force_destroy                       = true
    athena_results_expire_after_days    = 3
    connections_expire_after_days       = 90
    abort_incomplete_uploads_after_days = 2
    buckets = {
      measurements = {
        transitions = [
          { days = 30, storage_class = "STANDARD_IA" },
          { days = 60, storage_class = "GLACIER_IR" },
        ]
        expire_data_after_days       = 3650
        expire_errors_after_days     = 90
        expire_noncurrent_after_days = 14
      }
      clips = {
        versioning  = false
        transitions = [{ days = 0, storage_class = "GLACIER" }, { days = 365, storage_class = "DEEP_ARCHIVE" }]
      }
    }
  }

  assert {
    condition = alltrue([
      for encryption in aws_s3_bucket_server_side_encryption_configuration.lake :
      one(encryption.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms"
      && one(encryption.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == var.kms_key_arn
      && one(encryption.rule).bucket_key_enabled
    ])
    error_message = "A given key encrypts every bucket, with bucket keys."
  }

  assert {
    condition = alltrue([
      for policy in aws_s3_bucket_policy.lake : {
        for statement in jsondecode(policy.policy).Statement :
        statement.Sid => [statement.Effect, statement.Action, statement.Condition]
        if strcontains(statement.Sid, "Other") && statement.Action == "s3:PutObject"
        } == {
        RefuseOtherEncryption = ["Deny", "s3:PutObject", {
          Null            = { "s3:x-amz-server-side-encryption" = "false" }
          StringNotEquals = { "s3:x-amz-server-side-encryption" = "aws:kms" }
        }]
        RefuseOtherKeys = ["Deny", "s3:PutObject", {
          Null            = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = "false" }
          StringNotEquals = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = var.kms_key_arn }
        }]
      }
    ])
    error_message = "With a key, an object can be put with no other key."
  }

  assert {
    condition = (
      toset(keys(aws_s3_bucket.unprotected)) == toset(["measurements", "configuration", "clips"])
      && alltrue([for bucket in aws_s3_bucket.unprotected : bucket.force_destroy]) && length(aws_s3_bucket.lake) == 0
    )
    error_message = "The buckets of a lake that is thrown away may go, with the objects in them."
  }

  assert {
    condition = jsonencode(output.deletion_policy) == jsonencode({
      measurements = [
        "data older than 3650 days, for good 14 days later", "errors older than 90 days, for good 14 days later",
        "versions replaced or deleted 14 days ago, for good", "results of queries older than 3 days, for good",
      ]
      configuration = ["connections older than 90 days, a version stays"]
      clips         = []
    })
    error_message = "What is deleted is said in words, for the plan to show."
  }

  assert {
    condition = {
      for rule in aws_s3_bucket_lifecycle_configuration.lake["configuration"].rule :
      rule.id => [rule.filter[0].prefix, one(rule.expiration).days] if rule.id == "connections"
    } == { connections = ["connections/", 90] }
    error_message = "Connections expire by an input of their own."
  }

  assert {
    condition = toset(values(output.bucket_names)) == toset([
      for bucket in aws_s3_bucket.unprotected : bucket.bucket
    ])
    error_message = "Disposable or not, the buckets have the same names."
  }

  assert {
    condition = {
      for key, versioning in aws_s3_bucket_versioning.lake : key => versioning.versioning_configuration[0].status
      } == {
      measurements  = "Enabled"
      configuration = "Enabled"
      clips         = "Suspended"
    }
    error_message = "Versioning is chosen per bucket, and stays on for a bucket without an entry."
  }

  assert {
    condition = {
      for rule in aws_s3_bucket_lifecycle_configuration.lake["measurements"].rule : rule.id => rule.filter[0].prefix
      } == {
      abort-incomplete-uploads = ""
      data                     = "factory="
      errors                   = "errors/"
      noncurrent-versions      = ""
      athena-results           = "athena-results/"
    }
    error_message = "Data, errors and results each have their own rule and prefix."
  }

  assert {
    condition = {
      for rule in aws_s3_bucket_lifecycle_configuration.lake["measurements"].rule :
      rule.filter[0].prefix => rule.expiration[0].days if length(rule.expiration) > 0
    } == { "factory=" = 3650, "errors/" = 90, "athena-results/" = 3 }
    error_message = "Each expiry deletes under its own prefix only."
  }

  assert {
    condition = {
      for transition in [
        for rule in aws_s3_bucket_lifecycle_configuration.lake["measurements"].rule : rule if rule.id == "data"
      ][0].transition :
      transition.storage_class => transition.days
    } == { STANDARD_IA = 30, GLACIER_IR = 60 }
    error_message = "Transitions move data, in the order given."
  }

  assert {
    condition = [
      for rule in aws_s3_bucket_lifecycle_configuration.lake["measurements"].rule :
      rule.noncurrent_version_expiration[0].noncurrent_days if rule.id == "noncurrent-versions"
    ][0] == 14
    error_message = "Older versions go when asked to."
  }

  assert {
    condition = (
      aws_s3_bucket_lifecycle_configuration.lake["clips"].rule[0]
      .abort_incomplete_multipart_upload[0].days_after_initiation == 2
    )
    error_message = "The age of abandoned uploads is an input."
  }

  assert {
    condition = aws_s3_bucket_lifecycle_configuration.lake["configuration"].rule[*].id == tolist([
      "abort-incomplete-uploads", "connections",
    ])
    error_message = "Options of one bucket leave the others alone."
  }
}

run "what_is_deleted_at_once_and_what_leaves_a_version_is_told_apart" {
  command = plan

  variables {
    buckets = {
      configuration = { expire_data_after_days = 30 }
      clips         = { expire_data_after_days = 30, expire_errors_after_days = 7, versioning = false }
    }
  }

  assert {
    condition = (
      jsonencode(output.deletion_policy.configuration) == jsonencode(["data older than 30 days, a version stays"])
      && jsonencode(output.deletion_policy.clips) == jsonencode([
        "data older than 30 days, for good",
        "errors older than 7 days, for good",
      ])
    )
    error_message = "Without versions a deletion is for good, with them it is not until they expire."
  }

  assert {
    condition = {
      for rule in aws_s3_bucket_lifecycle_configuration.lake["clips"].rule :
      rule.filter[0].prefix => rule.expiration[0].days if length(rule.expiration) > 0
      } == { "factory=" = 30, "index/" = 30, "errors/" = 7 } && length([
        for rule in aws_s3_bucket_lifecycle_configuration.lake["configuration"].rule : rule
        if rule.filter[0].prefix == "index/"
    ]) == 0
    error_message = "Rows of the table clips expire as the clips do that they name."
  }
}

run "another_partition_has_its_own_arns" {
  command = plan

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-cn" }
  }

  assert {
    condition = jsondecode(
      aws_s3_bucket_policy.lake["clips"].policy
    ).Statement[0].Resource[0] == "arn:aws-cn:s3:::plant-lake-111122223333-clips"
    error_message = "ARNs follow the partition of the provider."
  }
}

run "takes_the_other_steps_down_from_one_zone" {
  command = plan

  variables {
    buckets = {
      clips = { transitions = [{ days = 30, storage_class = "ONEZONE_IA" }, { days = 90, storage_class = "GLACIER" }] }
    }
  }

  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.lake["clips"].rule) > 0
    error_message = "S3 makes this one."
  }
}

run "buckets_have_the_tags_that_are_given" {
  command = plan

  variables {
    tags = { owner = "plant-it" }
  }

  assert {
    condition     = alltrue([for bucket in aws_s3_bucket.lake : bucket.tags["owner"] == "plant-it"])
    error_message = "a bucket without the tags"
  }
}

run "a_bucket_that_stands_already_is_used_and_left_alone" {
  command = plan

  variables {
    existing_buckets = { measurements = "plant-archive" }
    buckets          = { clips = { expire_data_after_days = 30 } }
  }

  assert {
    condition = alltrue([
      for resources in [
        aws_s3_bucket.lake, aws_s3_bucket_lifecycle_configuration.lake, aws_s3_bucket_ownership_controls.lake,
        aws_s3_bucket_policy.lake, aws_s3_bucket_public_access_block.lake,
        aws_s3_bucket_server_side_encryption_configuration.lake, aws_s3_bucket_versioning.lake,
      ] : toset(keys(resources)) == toset(["clips", "configuration"])
    ])
    error_message = "something of the bucket is managed"
  }

  assert {
    condition = (
      output.bucket_names["measurements"] == "plant-archive"
      && output.bucket_names["clips"] == "plant-lake-111122223333-clips"
      && output.athena_output_location == "s3://plant-archive/athena-results/"
      && toset(keys(output.deletion_policy)) == toset(["clips", "configuration"])
    )
    error_message = "the bucket is not used"
  }
}

run "lets_other_accounts_read_the_factories_data_and_nothing_else" {
  command = plan

  variables {
    reader_accounts = ["777788889999"]
  }

  assert {
    condition = {
      for statement in jsondecode(aws_s3_bucket_policy.lake["measurements"].policy).Statement :
      statement.Sid => jsonencode([statement.Principal, statement.Action, statement.Resource, statement.Condition])
      if statement.Effect == "Allow"
      } == {
      ReadData = jsonencode([
        { AWS = ["arn:aws:iam::777788889999:root"] }, ["s3:GetObject"],
        ["arn:aws:s3:::plant-lake-111122223333-measurements/factory=*"], {},
      ])
      ListData = jsonencode([
        { AWS = ["arn:aws:iam::777788889999:root"] }, ["s3:ListBucket"],
        ["arn:aws:s3:::plant-lake-111122223333-measurements"], { StringLike = { "s3:prefix" = ["factory=*"] } },
      ])
      FindBucket = jsonencode([
        { AWS = ["arn:aws:iam::777788889999:root"] }, ["s3:GetBucketLocation"],
        ["arn:aws:s3:::plant-lake-111122223333-measurements"], {},
      ])
    }
    error_message = "A reader reads data, lists it, and finds the bucket."
  }

  assert {
    condition = length([
      for statement in jsondecode(aws_s3_bucket_policy.lake["measurements"].policy).Statement :
      statement if statement.Effect == "Deny"
    ]) == 2
    error_message = "What is refused to all is refused to readers."
  }
}

run "refuses_readers_that_are_no_accounts" {
  command = plan

  variables {
    reader_accounts = ["arn:aws:iam::777788889999:root"]
  }

  expect_failures = [var.reader_accounts]
}
