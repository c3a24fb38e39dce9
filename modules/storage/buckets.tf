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

# What no identity's policy can lift. Sources: Amazon S3 User Guide, "Security best practices" and "Using server-side encryption with AWS
# KMS keys"; IAM User Guide, "The confused deputy problem".
locals {
  denials = {
    for bucket, arn in local.bucket_arns : bucket => concat(
      [
        {
          Sid       = "RefusePlainHttp"
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:*"
          Resource  = [arn, "${arn}/*"]
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        },
        {
          # A service that acts for a resource in another account. Negated operators hold for a key that is not there, hence Null.
          Sid       = "RefuseServicesOfOtherAccounts"
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:*"
          Resource  = [arn, "${arn}/*"]
          Condition = {
            Bool            = { "aws:PrincipalIsAWSService" = "true" }
            Null            = { "aws:SourceAccount" = "false" }
            StringNotEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
          }
        },
      ],
      # A put that names no encryption takes the bucket's. One that names another would leave the objects out of the key's reach.
      [
        for statement in [
          {
            Sid       = "RefuseOtherEncryption"
            Effect    = "Deny"
            Principal = "*"
            Action    = "s3:PutObject"
            Resource  = ["${arn}/*"]
            Condition = {
              Null            = { "s3:x-amz-server-side-encryption" = "false" }
              StringNotEquals = { "s3:x-amz-server-side-encryption" = "aws:kms" }
            }
          },
          {
            Sid       = "RefuseOtherKeys"
            Effect    = "Deny"
            Principal = "*"
            Action    = "s3:PutObject"
            Resource  = ["${arn}/*"]
            Condition = {
              Null            = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = "false" }
              StringNotEquals = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = var.kms_key_arn }
            }
          },
        ] : statement if var.kms_key_arn != null
      ]
    )
  }
}

resource "aws_s3_bucket_policy" "lake" {
  for_each = local.bucket_names

  bucket = aws_s3_bucket.lake[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.denials[each.key] })

  # S3 answers OperationAborted when a policy and the access block of one bucket are written at the same time.
  depends_on = [aws_s3_bucket_public_access_block.lake]
}

moved {
  from = aws_s3_bucket_policy.tls_only
  to   = aws_s3_bucket_policy.lake
}
