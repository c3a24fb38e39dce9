# One factory with one gateway, in an account and region that hold no other lake.
provider "aws" {
  region = var.region
}

module "lake" {
  source = "../../modules/lake"

  name         = "factory-lake"
  csr_dir      = "${path.root}/csr"
  packages_dir = "${path.root}/../../build/packages"

  factories = {
    krakow = {
      gateways = ["line-1"]
    }
  }
}
