provider "aws" {
  region = var.region
  # A plan with the credentials of another account ends before it begins.
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = {
      lake = "factory-lake-dev"
    }
  }
}
