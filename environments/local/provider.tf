# The endpoint and the credentials come from the environment (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID,
# AWS_SECRET_ACCESS_KEY).
provider "aws" {
  region                      = "eu-central-1"
  s3_use_path_style           = true # bucket.localhost does not resolve everywhere
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true

  default_tags {
    tags = {
      lake = "factory-lake-local"
    }
  }
}
