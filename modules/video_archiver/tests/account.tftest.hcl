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
