# Terraform never deletes a bucket, nor replaces one for another name. Whether a resource may be destroyed has to stand in the
# configuration as a literal, hence two of them: a bucket that is to go on purpose is moved from the one to the other (docs/changes.md).
resource "aws_s3_bucket" "lake" {
  for_each = { for bucket, name in local.bucket_names : bucket => name if !var.force_destroy }

  bucket        = each.value
  force_destroy = false

  lifecycle {
    prevent_destroy = true
  }
}

# The same for a lake that is thrown away.
resource "aws_s3_bucket" "disposable" {
  for_each = { for bucket, name in local.bucket_names : bucket => name if var.force_destroy }

  bucket        = each.value
  force_destroy = true
}

locals {
  made_buckets = merge(aws_s3_bucket.lake, aws_s3_bucket.disposable)
}

resource "aws_s3_bucket_public_access_block" "lake" {
  for_each = local.bucket_names

  bucket                  = local.made_buckets[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "lake" {
  for_each = local.bucket_names

  bucket = local.made_buckets[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "lake" {
  for_each = local.bucket_names

  bucket = local.made_buckets[each.key].id

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

  bucket = local.made_buckets[each.key].id

  versioning_configuration {
    # A bucket that ever had versions can only suspend them; one that never had may be suspended as well.
    status = local.buckets[each.key].versioning ? "Enabled" : "Suspended"
  }
}

resource "aws_s3_bucket_policy" "tls_only" {
  for_each = local.bucket_names

  bucket = local.made_buckets[each.key].id
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
