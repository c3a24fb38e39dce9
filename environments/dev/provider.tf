provider "aws" {
  region = var.region

  default_tags {
    tags = {
      lake = "factory-lake-dev"
    }
  }
}
