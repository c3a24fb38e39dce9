# What no apply may do to messages that are under way, unless the lake is thrown away anyway, and what Kinesis refuses
# of a stream that is there. How it is done on purpose: docs/changes.md.

locals {
  # From the ARNs, which are unknown while a stream is only planned: nobody looks for a stream that is not there yet.
  # Of one that `terraform import` is about to take in, the ARN is null.
  current_streams = {
    for lane, stream in aws_kinesis_stream.lane : lane => try(split("/", stream.arn)[1], local.lanes[lane].stream_name)
  }
}

# The current streams, to compare with what is requested. Terraform puts off what refers to a stream that is
# about to change, and what has conditions of its own, until after the change: so the names come by way of a local, and
# the conditions stand further down. `terraform import` knows no stream at all, hence the keys from the lanes.
data "aws_kinesis_stream" "current" {
  for_each = toset([for lane in keys(local.lanes) : lane if !var.force_destroy])

  name = local.current_streams[each.key]
}

locals {
  open_shards = { for lane, stream in data.aws_kinesis_stream.current : lane => length(stream.open_shards) }
}

# Goes wherever a delivery stream goes, and may not. A block of its own, since prevent_destroy has to be a literal and
# the delivery stream would else have to be written twice, like the data stream.
resource "terraform_data" "kept_delivery_stream" {
  for_each = toset([for lane in keys(local.lanes) : lane if !var.force_destroy])

  input = local.delivery_streams[each.key].arn

  lifecycle {
    prevent_destroy      = true
    replace_triggered_by = [aws_kinesis_firehose_delivery_stream.lane[each.key].arn]

    # Kinesis drops what is older than the retention, read or not.
    precondition {
      condition = (
        local.current_stream_details[each.key].retention_period <= local.lanes[each.key].stream.retention_hours
      )
      error_message = join(" ", [
        join(" ", [
          "${local.path.lanes}[\"${each.key}\"].stream.retention_hours must be at least what the",
          "stream has, ${local.current_stream_details[each.key].retention_period}, got",
          "${local.lanes[each.key].stream.retention_hours}:",
        ]),
        "messages that have waited for longer would be lost. When none have, lower it with",
        join(" ", [
          "aws kinesis decrease-stream-retention-period --stream-name ${local.lanes[each.key].stream_name}",
          "--retention-period-hours ${local.lanes[each.key].stream.retention_hours}",
        ]),
      ])
    }

    # Kinesis refuses a larger step (API reference, UpdateShardCount). A change of mode keeps the shards, so the apply
    # would end behind it, half-way.
    precondition {
      condition = local.shard_counts[each.key] == null ? true : (
        local.shard_counts[each.key] * 2 >= local.open_shards[each.key]
        && local.shard_counts[each.key] <= 2 * local.open_shards[each.key]
      )
      error_message = join(" ", [
        "${local.path.lanes}[\"${each.key}\"].stream.shards must be",
        "${ceil(local.open_shards[each.key] / 2)}..${2 * local.open_shards[each.key]}, half to twice the",
        "${local.open_shards[each.key]} that the stream has, got",
        "${local.shard_counts[each.key] == null ? "none" : local.shard_counts[each.key]}: Kinesis changes no more at",
        "a time. Apply a number between first; on_demand = true leaves an on-demand stream as it is.",
      ])
    }

    # Whoever reads needs the key that a message was written with. The key that AWS manages needs no permission, so
    # only one of the customer's ties waiting messages to the role.
    precondition {
      condition = (
        !startswith(coalesce(local.current_stream_details[each.key].kms_key_id, "none"), "arn:")
        || local.current_stream_details[each.key].kms_key_id == local.stream_key
      )
      error_message = join(" ", [
        join(" ", [
          "kms_keys.streams must be what ${local.lanes[each.key].stream_name} has,",
          "${coalesce(local.current_stream_details[each.key].kms_key_id, "none")}, got ${local.stream_key}:",
        ]),
        "the delivery could not read messages that wait under the former key. When none wait, change it with",
        join(" ", [
          "aws kinesis start-stream-encryption --stream-name ${local.lanes[each.key].stream_name} --encryption-type",
          "KMS --key-id ${local.stream_key}",
        ]),
      ])
    }
  }
}
