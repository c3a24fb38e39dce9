locals {
  # One shard takes what a lane of most plants sends, and up to its limit costs less than an on-demand stream. Null
  # leaves the number to AWS.
  shard_counts = {
    for lane, settings in local.lanes :
    lane => settings.stream.on_demand ? null : coalesce(settings.stream.shards, 1)
  }
}

# A data stream holds messages that nothing has read yet, and they go with it. So Terraform never deletes one, nor
# replaces one for another name. Whether a resource may be destroyed has to stand in the configuration as a literal,
# hence two of them: an instance that is to go on purpose is moved from the one to the other (docs/changes.md).
resource "aws_kinesis_stream" "lane" {
  for_each = { for lane, settings in local.lanes : lane => settings if !var.force_destroy }

  name             = each.value.stream_name
  shard_count      = local.shard_counts[each.key]
  retention_period = each.value.stream.retention_hours
  encryption_type  = "KMS"
  kms_key_id       = local.stream_key
  tags             = var.tags

  stream_mode_details {
    stream_mode = each.value.stream.on_demand ? "ON_DEMAND" : "PROVISIONED"
  }

  lifecycle {
    prevent_destroy = true

    # The stream is the lane's first resource, so here all of the lane's validation errors are reported at once.
    precondition {
      condition     = length(local.validation_errors[each.key]) == 0
      error_message = join("\n", local.validation_errors[each.key])
    }
  }
}

# The same without protection (force_destroy).
resource "aws_kinesis_stream" "unprotected" {
  for_each = { for lane, settings in local.lanes : lane => settings if var.force_destroy }

  name             = each.value.stream_name
  shard_count      = local.shard_counts[each.key]
  retention_period = each.value.stream.retention_hours
  encryption_type  = "KMS"
  kms_key_id       = local.stream_key
  tags             = var.tags

  stream_mode_details {
    stream_mode = each.value.stream.on_demand ? "ON_DEMAND" : "PROVISIONED"
  }

  lifecycle {
    # The stream is the lane's first resource, so here all of the lane's validation errors are reported at once.
    precondition {
      condition     = length(local.validation_errors[each.key]) == 0
      error_message = join("\n", local.validation_errors[each.key])
    }
  }
}

moved {
  from = aws_kinesis_stream.disposable
  to   = aws_kinesis_stream.unprotected
}

locals {
  # The key that AWS manages for Kinesis needs no permissions of its own.
  stream_key = coalesce(var.kms_keys.streams, "alias/aws/kinesis")

  data_streams = merge(aws_kinesis_stream.lane, aws_kinesis_stream.unprotected)
}
