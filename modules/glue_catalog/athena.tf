resource "aws_athena_workgroup" "lake" {
  name = var.name
  description = join(" ", [
    "Queries over all factories of ${var.name}: results expire, one query",
    "scans a limited number of bytes.",
  ])
  force_destroy = var.force_destroy
  tags          = var.tags

  configuration {
    # Settings of a client cannot send results elsewhere or lift the limit.
    enforce_workgroup_configuration    = true
    bytes_scanned_cutoff_per_query     = var.scan_limit_bytes
    publish_cloudwatch_metrics_enabled = true

    engine_version {
      selected_engine_version = "Athena engine version 3"
    }

    result_configuration {
      output_location = var.athena_output_location

      encryption_configuration {
        encryption_option = var.kms_key_arn == null ? "SSE_S3" : "SSE_KMS"
        kms_key_arn       = var.kms_key_arn
      }
    }
  }
}

locals {
  queries_dir = coalesce(var.queries_dir, "${path.module}/queries")
  queries = {
    for file in fileset(local.queries_dir, "*.sql") : trimsuffix(file, ".sql") => {
      text        = file("${local.queries_dir}/${file}")
      description = trimprefix(split("\n", file("${local.queries_dir}/${file}"))[0], "-- ")
    }
  }
}

resource "aws_athena_named_query" "lake" {
  for_each = local.queries

  name        = each.key
  description = each.value.description
  workgroup   = aws_athena_workgroup.lake.name
  database    = local.database_name
  query       = each.value.text

  lifecycle {
    precondition {
      condition = (
        startswith(each.value.text, "-- ")
        && trimspace(each.value.description) != ""
        && length(each.value.description) <= 1024
      )
      error_message = join(" ", [
        "${local.queries_dir}/${each.key}.sql must begin with a line \"-- <description>\" of at most 1024",
        "characters, got \"${substr(split("\n", each.value.text)[0], 0, 80)}\".",
      ])
    }

    precondition {
      condition = length(each.key) <= 128
      error_message = join(" ", [
        "${local.queries_dir}/${each.key}.sql must have a name of at most 128",
        "characters, got ${length(each.key)}.",
      ])
    }

    precondition {
      condition = length(each.value.text) <= 262144
      error_message = join(" ", [
        "${local.queries_dir}/${each.key}.sql must be at most 262144",
        "characters, got ${length(each.value.text)}.",
      ])
    }
  }
}
