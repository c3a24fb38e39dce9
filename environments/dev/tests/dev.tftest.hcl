mock_provider "aws" {
  source = "../../modules/mocks"
}

variables {
  packages_dir = "../../modules/lake/tests/testdata/packages"
  csr_dir      = "tests/testdata/csr"
}

run "sends_alarms_to_a_topic_if_somebody_is_named" {
  command = plan

  variables {
    alarm_emails = ["on-call@example.com"]
  }

  assert {
    condition = (
      keys(output.lake.alarms) == keys(local.factories)
      && alltrue([for alarms in output.lake.alarms : length(alarms.messages) > 0])
    )
    error_message = "Each factory is watched."
  }
}

run "refuses_an_account_of_another_form" {
  command = plan

  variables {
    account_id = "my-account"
  }

  expect_failures = [var.account_id]
}

run "plans_without_credentials" {
  command = plan

  assert {
    condition     = output.lake.alarm_topic_arn == null
    error_message = "Nobody is named, so there is no topic."
  }

  assert {
    condition = (
      output.lake.athena.workgroup == "factory-lake-dev"
      && output.lake.buckets["clips"] == "factory-lake-dev-111122223333-clips"
    )
    error_message = "Everything bears the environment's name."
  }
}
