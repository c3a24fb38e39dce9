# A transition passes over objects under 128 KB: S3 and the provider have it so by default, since small objects would
# cost more to move than they save. Expiry takes them all.
#
# Rules act on prefixes, never on a whole bucket: `factory=` is data, `errors/` is what could not be delivered, and
# Athena's results are copies. What is given for one of them cannot reach another.
resource "aws_s3_bucket_lifecycle_configuration" "lake" {
  for_each = local.bucket_names

  bucket = local.made_buckets[each.key].id

  rule {
    id     = "abort-incomplete-uploads"
    status = "Enabled"

    filter {
      prefix = ""
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = var.abort_incomplete_uploads_after_days
    }
  }

  dynamic "rule" {
    for_each = (
      length(local.buckets[each.key].transitions) > 0 || local.buckets[each.key].expire_data_after_days != null
      ? [local.buckets[each.key]]
      : []
    )

    content {
      id     = "data"
      status = "Enabled"

      filter {
        prefix = "factory="
      }

      dynamic "transition" {
        for_each = rule.value.transitions

        content {
          days          = transition.value.days
          storage_class = transition.value.storage_class
        }
      }

      dynamic "expiration" {
        for_each = rule.value.expire_data_after_days == null ? [] : [rule.value.expire_data_after_days]

        content {
          days = expiration.value
        }
      }
    }
  }

  dynamic "rule" {
    for_each = (
      local.buckets[each.key].expire_errors_after_days == null
      ? []
      : [local.buckets[each.key].expire_errors_after_days]
    )

    content {
      id     = "errors"
      status = "Enabled"

      filter {
        prefix = "errors/"
      }

      expiration {
        days = rule.value
      }
    }
  }

  dynamic "rule" {
    for_each = (
      local.buckets[each.key].expire_noncurrent_after_days == null
      ? []
      : [local.buckets[each.key].expire_noncurrent_after_days]
    )

    content {
      id     = "noncurrent-versions"
      status = "Enabled"

      filter {
        prefix = ""
      }

      noncurrent_version_expiration {
        noncurrent_days = rule.value
      }
    }
  }

  dynamic "rule" {
    for_each = each.key == "measurements" ? [var.athena_results_expire_after_days] : []

    content {
      id     = "athena-results"
      status = "Enabled"

      filter {
        prefix = local.athena_results_prefix
      }

      expiration {
        days = rule.value
      }

      # With versions kept, an expired result would live on as an older version.
      noncurrent_version_expiration {
        noncurrent_days = 1
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
  # Whether what a rule deletes can still be had back.
  finality = {
    for bucket, settings in local.buckets : bucket => (
      !settings.versioning ? "for good" : settings.expire_noncurrent_after_days == null
      ? "a version stays" : "for good ${settings.expire_noncurrent_after_days} days later"
    )
  }
  deletion_policy = {
    for bucket, settings in local.buckets : bucket => concat(
      settings.expire_data_after_days == null ? [] : [
        "data older than ${settings.expire_data_after_days} days, ${local.finality[bucket]}"
      ],
      settings.expire_errors_after_days == null ? [] : [
        "errors older than ${settings.expire_errors_after_days} days, ${local.finality[bucket]}"
      ],
      settings.expire_noncurrent_after_days == null ? [] : [
        "versions replaced or deleted ${settings.expire_noncurrent_after_days} days ago, for good"
      ],
      bucket == "measurements" ? [
        "results of queries older than ${var.athena_results_expire_after_days} days, for good"
      ] : [],
    )
  }
}
