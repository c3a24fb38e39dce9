mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

# The words of each refusal are held by tests/terraform/test_validations.py.
variables {
  name   = "plant-lake"
  suffix = "111122223333"
}

run "refuses_a_name_with_other_characters_a_fourth_bucket_an_alias_and_days_below_one" {
  command = plan

  variables {
    name                                = "Plant_Lake"
    buckets                             = { videos = {} }
    kms_key_arn                         = "arn:aws:kms:eu-central-1:111122223333:alias/lake"
    athena_results_expire_after_days    = 0
    abort_incomplete_uploads_after_days = 0
  }

  expect_failures = [
    var.name, var.buckets, var.kms_key_arn, var.athena_results_expire_after_days,
    var.abort_incomplete_uploads_after_days,
  ]
}

run "refuses_a_suffix_with_other_characters_and_days_that_are_not_whole" {
  command = plan

  variables {
    suffix                              = "eu.central"
    athena_results_expire_after_days    = 1.5
    abort_incomplete_uploads_after_days = 1.5
  }

  expect_failures = [var.suffix, var.athena_results_expire_after_days, var.abort_incomplete_uploads_after_days]
}

run "refuses_bucket_names_over_63_characters" {
  command = plan

  variables {
    suffix = "a2345678901234567890123456789012345678901"
  }

  expect_failures = [var.suffix]
}

run "refuses_storage_classes_that_are_unknown_unreadable_or_too_early" {
  command = plan

  variables {
    buckets = {
      measurements  = { transitions = [{ days = 90, storage_class = "GLACIER" }] }
      configuration = { transitions = [{ days = 29, storage_class = "STANDARD_IA" }] }
      clips         = { transitions = [{ days = 30, storage_class = "COLD" }] }
    }
  }

  expect_failures = [
    aws_s3_bucket_lifecycle_configuration.lake["measurements"],
    aws_s3_bucket_lifecycle_configuration.lake["configuration"], aws_s3_bucket_lifecycle_configuration.lake["clips"],
  ]
}

run "refuses_transitions_out_of_order" {
  command = plan

  variables {
    buckets = {
      measurements = { transitions = [{ days = 30.5, storage_class = "GLACIER_IR" }] }
      configuration = {
        transitions = [{ days = 30, storage_class = "STANDARD_IA" }, { days = 59, storage_class = "GLACIER_IR" }]
      }
      clips = {
        transitions = [{ days = 30, storage_class = "GLACIER" }, { days = 90, storage_class = "STANDARD_IA" }]
      }
    }
  }

  expect_failures = [
    aws_s3_bucket_lifecycle_configuration.lake["measurements"],
    aws_s3_bucket_lifecycle_configuration.lake["configuration"], aws_s3_bucket_lifecycle_configuration.lake["clips"],
  ]
}

run "refuses_expiry_below_one_day" {
  command = plan

  variables {
    buckets = {
      measurements  = { expire_data_after_days = 0 }
      configuration = { expire_errors_after_days = 0 }
      clips         = { expire_noncurrent_after_days = 0.5 }
    }
  }

  expect_failures = [
    aws_s3_bucket_lifecycle_configuration.lake["measurements"],
    aws_s3_bucket_lifecycle_configuration.lake["configuration"], aws_s3_bucket_lifecycle_configuration.lake["clips"],
  ]
}

run "refuses_expiry_before_a_transition" {
  command = plan

  variables {
    buckets = { clips = { transitions = [{ days = 90, storage_class = "GLACIER" }], expire_data_after_days = 90 } }
  }

  expect_failures = [aws_s3_bucket_lifecycle_configuration.lake["clips"]]
}

run "refuses_a_step_down_that_s3_does_not_make" {
  command = plan

  variables {
    buckets = {
      clips = {
        transitions = [{ days = 30, storage_class = "ONEZONE_IA" }, { days = 90, storage_class = "GLACIER_IR" }]
      }
    }
  }

  expect_failures = [aws_s3_bucket_lifecycle_configuration.lake["clips"]]
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

run "refuses_a_name_that_s3_keeps_for_itself" {
  command = plan

  variables {
    name = "sthree"
  }

  expect_failures = [var.name]
}
