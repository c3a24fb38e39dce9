# A video stream is its footage: the provider replaces the stream for a change of its retention or its key, and what
# the archiver has not fetched yet is gone. So Terraform makes a stream and never deletes one; what it cannot change in
# place it leaves alone and names (check "retention"). Whether a resource may be destroyed has to stand in the
# configuration as a literal, hence two of them.
resource "aws_kinesis_video_stream" "camera" {
  for_each = { for camera, settings in var.cameras : camera => settings if !var.force_destroy }

  name                    = "${local.stream_prefix}${each.key}"
  data_retention_in_hours = each.value.retention_hours
  kms_key_id              = local.camera_keys[each.key]
  media_type              = each.value.media_type
  tags                    = var.tags

  lifecycle {
    prevent_destroy = true
    ignore_changes  = [data_retention_in_hours]
  }
}

# The same without protection (force_destroy).
resource "aws_kinesis_video_stream" "unprotected" {
  for_each = { for camera, settings in var.cameras : camera => settings if var.force_destroy }

  name                    = "${local.stream_prefix}${each.key}"
  data_retention_in_hours = each.value.retention_hours
  kms_key_id              = local.camera_keys[each.key]
  media_type              = each.value.media_type
  tags                    = var.tags

  lifecycle {
    # Here too: throwing the lake away is one thing, losing footage by editing a number another.
    ignore_changes = [data_retention_in_hours]
  }
}

moved {
  from = aws_kinesis_video_stream.disposable
  to   = aws_kinesis_video_stream.unprotected
}

locals {
  streams = merge(aws_kinesis_video_stream.camera, aws_kinesis_video_stream.unprotected)

  # Commands for the streams whose retention is not what it should be. A lower one deletes the footage beyond it at
  # once.
  retention_changes = {
    for camera, stream in local.streams : camera => join(" ", [
      "aws kinesisvideo update-data-retention --stream-name ${stream.name} --current-version ${stream.version}",
      join(" ", [
        "--operation",
        stream.data_retention_in_hours < var.cameras[camera].retention_hours
        ? "INCREASE_DATA_RETENTION" : "DECREASE_DATA_RETENTION",
      ]),
      "--data-retention-change-in-hours ${abs(var.cameras[camera].retention_hours - stream.data_retention_in_hours)}",
    ]) if stream.data_retention_in_hours != var.cameras[camera].retention_hours
  }
}

check "retention" {
  assert {
    condition = length(local.retention_changes) == 0
    error_message = join("\n", [
      for camera, command in local.retention_changes :
      join(" ", [
        "${local.path.cameras}[\"${camera}\"].retention_hours must be what the stream has,",
        "${local.streams[camera].data_retention_in_hours}, got ${var.cameras[camera].retention_hours}. Terraform",
        "would have to replace the stream and lose its footage; this changes it: ${command}",
      ])
    ])
  }
}
