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
