# What becomes of footage when its retention is changed in the configuration.
mock_provider "aws" {
  source = "../mocks"

  mock_resource "aws_kinesis_video_stream" {
    defaults = { version = "abc123" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/clip-fetch" }
  }
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-central-1:111122223333:function:clip-fetch" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-central-1:111122223333:rule/clip-fetch" }
  }
}

variables {
  name          = "plant-lake"
  factory       = "krakow"
  cameras       = { press-1 = { retention_hours = 24 }, oven = { retention_hours = 24 } }
  clips_bucket  = "plant-lake-clips"
  package       = { file = "versions.tf" } # any file: it is only read for its hash
  force_destroy = true                     # or the test could not clean up behind itself
}

run "a_new_stream_has_the_retention_that_is_asked_for" {
  assert {
    condition = (
      aws_kinesis_video_stream.unprotected["press-1"].data_retention_in_hours == 24
      && length(output.retention_changes) == 0
    )
    error_message = "A stream is created with its retention."
  }
}

run "a_change_leaves_the_stream_alone_and_says_how_it_is_made" {
  variables {
    cameras = { press-1 = { retention_hours = 48 }, oven = { retention_hours = 6 } }
  }

  expect_failures = [check.retention]

  assert {
    condition = alltrue([
      for stream in aws_kinesis_video_stream.unprotected : stream.data_retention_in_hours == 24
    ])
    error_message = "The streams keep their retention, and so their footage."
  }

  assert {
    condition = output.retention_changes == {
      press-1 = join(" ", [
        "aws kinesisvideo update-data-retention --stream-name plant-lake_krakow_press-1 --current-version abc123",
        "--operation INCREASE_DATA_RETENTION --data-retention-change-in-hours 24",
      ])
      oven = join(" ", [
        "aws kinesisvideo update-data-retention --stream-name plant-lake_krakow_oven --current-version abc123",
        "--operation DECREASE_DATA_RETENTION --data-retention-change-in-hours 18",
      ])
    }
    error_message = "The command says which stream, from which version, by how much."
  }
}
