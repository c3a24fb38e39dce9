# A transition passes over objects under 128 KB: S3 and the provider have it so by default, since small objects would
# cost more to move than they save. Expiry takes them all.
#
# Rules act on prefixes, never on a whole bucket: `factory=` is data, `index/` has the rows of the table `clips`,
# `connections/` tells of the gateways, `errors/` is what could not be delivered, and Athena's results are copies. What
# is given for one of them cannot reach another; but rows expire as their clips do, so that none names a clip that is gone.
resource "aws_s3_bucket_lifecycle_configuration" "lake" {
  for_each = local.own_buckets

  bucket = local.made_buckets[each.key].id

  dynamic "rule" {
    for_each = local.lifecycle_rules[each.key]

    content {
      id     = rule.value.id
      status = "Enabled"

      filter {
        prefix = rule.value.prefix
      }

      dynamic "abort_incomplete_multipart_upload" {
        for_each = try([rule.value.abort_uploads], [])

        content {
          days_after_initiation = abort_incomplete_multipart_upload.value
        }
      }

      dynamic "transition" {
        for_each = try(rule.value.transitions, [])

        content {
          days          = transition.value.days
          storage_class = transition.value.storage_class
        }
      }

      dynamic "expiration" {
        for_each = try([tonumber(coalesce(rule.value.expire))], [])

        content {
          days = expiration.value
        }
      }

      dynamic "noncurrent_version_expiration" {
        for_each = try([rule.value.expire_noncurrent], [])

        content {
          noncurrent_days = noncurrent_version_expiration.value
        }
      }
    }
  }

  lifecycle {
    precondition {
      condition     = length(local.lifecycle_errors[each.key]) == 0
      error_message = join("\n", local.lifecycle_errors[each.key])
    }
  }

  # Rules about versions are only accepted once versioning is set.
  depends_on = [aws_s3_bucket_versioning.lake]
}

locals {
  lifecycle_rules = {
    for bucket, settings in local.buckets : bucket => concat(
      [{ id = "abort-incomplete-uploads", prefix = "", abort_uploads = var.abort_incomplete_uploads_after_days }],
      length(settings.transitions) == 0 && settings.expire_data_after_days == null ? [] : [{
        id = "data", prefix = "factory=", transitions = settings.transitions, expire = settings.expire_data_after_days
      }],
      bucket != "clips" || settings.expire_data_after_days == null ? [] : [{
        id = "rows-of-clips", prefix = local.clip_rows_prefix, expire = settings.expire_data_after_days
      }],
      settings.expire_errors_after_days == null ? [] : [{
        id = "errors", prefix = "errors/", expire = settings.expire_errors_after_days
      }],
      bucket != "configuration" || var.connections_expire_after_days == null ? [] : [{
        id = "connections", prefix = "connections/", expire = var.connections_expire_after_days
      }],
      settings.expire_noncurrent_after_days == null ? [] : [{
        id = "noncurrent-versions", prefix = "", expire_noncurrent = settings.expire_noncurrent_after_days
      }],
      # With versions kept, an expired result would live on as an older version.
      bucket != "measurements" ? [] : [{
        id                = "athena-results"
        prefix            = local.athena_results_prefix
        expire            = var.athena_results_expire_after_days
        expire_noncurrent = 1
      }],
    )
  }

  # Whether what a rule deletes can still be had back.
  finality = {
    for bucket, settings in local.buckets : bucket => (
      !settings.versioning ? "for good" : settings.expire_noncurrent_after_days == null
      ? "a version stays" : "for good ${settings.expire_noncurrent_after_days} days later"
    )
  }
  deletion_policy = {
    for bucket, settings in { for bucket in keys(local.own_buckets) : bucket => local.buckets[bucket] } :
    bucket => concat(
      settings.expire_data_after_days == null ? [] : [
        "data older than ${settings.expire_data_after_days} days, ${local.finality[bucket]}"
      ],
      settings.expire_errors_after_days == null ? [] : [
        "errors older than ${settings.expire_errors_after_days} days, ${local.finality[bucket]}"
      ],
      settings.expire_noncurrent_after_days == null ? [] : [
        "versions replaced or deleted ${settings.expire_noncurrent_after_days} days ago, for good"
      ],
      bucket == "configuration" && var.connections_expire_after_days != null ? [
        "connections older than ${var.connections_expire_after_days} days, ${local.finality[bucket]}"
      ] : [],
      bucket == "measurements" ? [
        "results of queries older than ${var.athena_results_expire_after_days} days, for good"
      ] : [],
    )
  }
}
