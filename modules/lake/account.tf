# One lake an account and region. Client IDs, things, policies, topics and the dimensions of metrics name the factory
# and not the lake. So two lakes with a factory of one ID would both store each of its messages, add up in the same
# metrics, and the apply of the second would end half-way, at the first policy. Each lake leaves its name here, and a
# plan that finds another one's is refused before anything is made.
locals {
  lakes_path = "/factory-lake/lakes/"
  other_lakes = [
    for path in data.aws_ssm_parameters_by_path.lakes.names :
    trimprefix(path, local.lakes_path) if path != "${local.lakes_path}${var.name}"
  ]
}

data "aws_ssm_parameters_by_path" "lakes" {
  path            = trimsuffix(local.lakes_path, "/")
  with_decryption = false
}

resource "aws_ssm_parameter" "lake" {
  # checkov:skip=CKV2_AWS_34: the lake's name is no secret: every resource has it in its own.

  name        = "${local.lakes_path}${var.name}"
  description = "Keeps a second lake out of this account and region."
  type        = "String"
  value       = var.name
  tags        = var.tags

  lifecycle {
    precondition {
      condition = length(local.other_lakes) == 0
      error_message = join(" ", concat(
        [
          join(" ", [
            "name must be that of the one lake of account ${data.aws_caller_identity.current.account_id} in",
            "${local.region}, which is",
          ]),
          join(" ", [
            "${join(", ", local.other_lakes)}, got \"${var.name}\": topics and client IDs of a factory would be",
            "those of both.",
          ]),
          "Give this lake another account or region. A lake that is gone without its destroy is forgotten with",
        ],
        [
          for lake in local.other_lakes :
          "aws ssm delete-parameter --region ${local.region} --name ${local.lakes_path}${lake}"
        ]
      ))
    }
  }
}
