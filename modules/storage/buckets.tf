resource "aws_s3_bucket" "lake" {
  # checkov:skip=CKV2_AWS_62: nobody waits for events: tables find their objects by partition projection. A user adds a notification to the bucket by its name.
  # checkov:skip=CKV_AWS_144: a copy in a second region doubles the price of storage, so it is the user's choice: a replication configuration for bucket_names, which keep versions already.
  # checkov:skip=CKV_AWS_145: every object is encrypted, by keys of S3 unless kms_key_arn names a key of the user's.
  # checkov:skip=CKV_AWS_18: access logs need a bucket outside of this one, most often the account's; CloudTrail's data events tell the same and more, for all buckets at once.

  for_each = local.bucket_names

  bucket        = each.value
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_public_access_block" "lake" {
  for_each = local.bucket_names

  bucket                  = aws_s3_bucket.lake[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "lake" {
  for_each = local.bucket_names

  bucket = aws_s3_bucket.lake[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "lake" {
  for_each = local.bucket_names

  bucket = aws_s3_bucket.lake[each.key].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
    # One data key per bucket instead of one per object: KMS is asked, and paid, far less often.
    bucket_key_enabled = var.kms_key_arn != null
  }
}

resource "aws_s3_bucket_versioning" "lake" {
  for_each = local.bucket_names

  bucket = aws_s3_bucket.lake[each.key].id

  versioning_configuration {
    # A bucket that ever had versions can only suspend them; one that never had may be suspended as well.
    status = local.buckets[each.key].versioning ? "Enabled" : "Suspended"
  }
}

resource "aws_s3_bucket_policy" "tls_only" {
  for_each = local.bucket_names

  bucket = aws_s3_bucket.lake[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "RefusePlainHttp"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [local.bucket_arns[each.key], "${local.bucket_arns[each.key]}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  # S3 answers OperationAborted when a policy and the access block of one bucket are written at the same time.
  depends_on = [aws_s3_bucket_public_access_block.lake]
}
