resource "aws_kinesis_stream" "lane" {
  for_each = local.lanes

  name             = each.value.stream_name
  shard_count      = each.value.stream.shards
  retention_period = each.value.stream.retention_hours
  encryption_type  = "KMS"
  # The key that AWS manages for Kinesis needs no permissions of its own.
  kms_key_id = coalesce(var.kms_keys.streams, "alias/aws/kinesis")

  stream_mode_details {
    stream_mode = each.value.stream.shards == null ? "ON_DEMAND" : "PROVISIONED"
  }

  lifecycle {
    # The stream is the lane's first resource, so here all of the lane's refusals are told at once.
    precondition {
      condition     = length(local.refusals[each.key]) == 0
      error_message = join("\n", local.refusals[each.key])
    }
  }
}
