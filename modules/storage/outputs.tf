output "bucket_names" {
  description = <<-EOT
    Names of the buckets: `measurements`, `configuration` and `clips`. Known once the buckets have their policies.
  EOT
  value       = merge(local.bucket_names, { for bucket, made in local.made_buckets : bucket => made.bucket })

  # Whoever takes a name from here writes to a bucket that is closed to the public and encrypted already.
  depends_on = [
    aws_s3_bucket_ownership_controls.lake,
    aws_s3_bucket_policy.lake,
    aws_s3_bucket_server_side_encryption_configuration.lake,
    aws_s3_bucket_versioning.lake,
  ]
}

output "deletion_policy" {
  description = <<-EOT
    What the buckets that are made here delete by themselves, by bucket, in words: a plan that makes them delete more
    shows it here.
  EOT
  value       = local.deletion_policy
}

output "athena_output_location" {
  description = "Where Athena puts results: a prefix of the measurements bucket that expires."
  value       = "s3://${local.bucket_names["measurements"]}/${local.athena_results_prefix}"
}

output "kms_key_arn" {
  description = "ARN of the key that encrypts the buckets; null with SSE-S3."
  value       = var.kms_key_arn
}
