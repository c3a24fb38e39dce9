mock_provider "aws" {
  source = "../../modules/mocks"
}

variables {
  packages_dir = "../../modules/lake/tests/testdata/packages"
  csr_dir      = "tests/testdata/csr"
}

run "sends_alarms_to_its_topic" {
  command = plan

  variables {
    alarm_emails  = ["on-call@example.com"]
    alarm_actions = ["arn:aws:sns:eu-central-1:111122223333:pager"]
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
    account_id = "1111-2222-3333"
  }

  expect_failures = [var.account_id]
}

run "plans_without_credentials" {
  command = plan

  assert {
    condition = (
      output.lake.athena.workgroup == "factory-lake-prod"
      && output.lake.buckets["clips"] == "factory-lake-prod-111122223333-clips"
    )
    error_message = "Everything bears the environment's name."
  }
}
