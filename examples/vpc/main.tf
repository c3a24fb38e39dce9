# A lake whose functions run in a VPC that stands already, with roles below a path and a permissions boundary.
provider "aws" {
  region = var.region
}

# Nothing calls the functions by network, so nothing comes in. They call AWS, and nothing else.
resource "aws_security_group" "functions" {
  name        = "factory-lake-functions"
  description = "Functions of the lake: calls to AWS."
  vpc_id      = var.vpc.id
}

resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.functions.id
  description       = "AWS, through endpoints or a NAT"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

module "lake" {
  source = "../../modules/lake"

  name         = "factory-lake"
  csr_dir      = "${path.root}/csr"
  packages_dir = "${path.root}/../../build/packages"

  factories = {
    krakow = {
      gateways = ["line-1"]
      cameras  = { gate = {} }
    }
  }

  vpc = {
    subnet_ids         = var.vpc.subnet_ids
    security_group_ids = [aws_security_group.functions.id]
  }
  tracing                  = "Active"
  role_path                = "/factory-lake/"
  permissions_boundary_arn = var.permissions_boundary_arn
  tags                     = { cost-center = "plant-data" }
}
