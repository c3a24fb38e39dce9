# Terraform never deletes a bucket, nor replaces one for another name. Whether a resource may be destroyed has to stand
# in the configuration as a literal, hence two of them: a bucket that is to go on purpose is moved from the one to the
# other (docs/changes.md).
resource "aws_s3_bucket" "lake" {
  # checkov:skip=CKV2_AWS_62: nobody waits for events: tables find their objects by partition projection. A user adds a notification to the bucket by its name.
  # checkov:skip=CKV_AWS_144: a copy in a second region doubles the price of storage, so it is the user's choice: a replication configuration for bucket_names, which keep versions already.
  # checkov:skip=CKV_AWS_145: every object is encrypted, by keys of S3 unless kms_key_arn names a key of the user's.
  # checkov:skip=CKV_AWS_18: access logs need a bucket outside of this one, most often the account's; CloudTrail's data events tell the same and more, for all buckets at once.
  # checkov:skip=CKV2_AWS_6: closed to the public below; checkov does not follow local.made_buckets.
  # checkov:skip=CKV2_AWS_61: its lifecycle stands in lifecycle.tf; checkov does not follow local.made_buckets.
  # checkov:skip=CKV_AWS_21: versioned below; checkov does not follow local.made_buckets.

  for_each = { for bucket, name in local.own_buckets : bucket => name if !var.force_destroy }

  bucket        = each.value
  force_destroy = false
  tags          = var.tags

  lifecycle {
    prevent_destroy = true
  }
}

# The same without protection (force_destroy).
resource "aws_s3_bucket" "unprotected" {
  for_each = { for bucket, name in local.own_buckets : bucket => name if var.force_destroy }

  bucket        = each.value
  force_destroy = true
  tags          = var.tags
}

moved {
  from = aws_s3_bucket.disposable
  to   = aws_s3_bucket.unprotected
}

locals {
  made_buckets = merge(aws_s3_bucket.lake, aws_s3_bucket.unprotected)
}

resource "aws_s3_bucket_public_access_block" "lake" {
  for_each = local.own_buckets

  bucket                  = local.made_buckets[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "lake" {
  for_each = local.own_buckets

  bucket = local.made_buckets[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "lake" {
  for_each = local.own_buckets

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
  for_each = local.own_buckets

  bucket = local.made_buckets[each.key].id

  versioning_configuration {
    # A bucket that ever had versions can only suspend them; one that never had may be suspended as well.
    status = local.buckets[each.key].versioning ? "Enabled" : "Suspended"
  }
}

# What no identity's policy can lift. Sources: Amazon S3 User Guide, "Security best practices" and "Using server-side
# encryption with AWS KMS keys"; IAM User Guide, "The confused deputy problem".
locals {
  denials = {
    for bucket, arn in local.bucket_arns : bucket => concat(
      [
        for sid, condition in {
          RefusePlainHttp = { Bool = { "aws:SecureTransport" = "false" } }
          # A service that acts for a resource in another account. Negated operators hold for a key that is not there,
          # hence Null.
          RefuseServicesOfOtherAccounts = {
            Bool            = { "aws:PrincipalIsAWSService" = "true" }
            Null            = { "aws:SourceAccount" = "false" }
            StringNotEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
          }
        } :
        {
          Sid       = sid
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:*"
          Resource  = [arn, "${arn}/*"]
          Condition = condition
        }
      ],
      # A put that names no encryption takes the bucket's. One that names another would leave the objects out of the
      # key's reach.
      [
        for sid, header in {
          RefuseOtherEncryption = { name = "s3:x-amz-server-side-encryption", value = "aws:kms" }
          RefuseOtherKeys       = { name = "s3:x-amz-server-side-encryption-aws-kms-key-id", value = var.kms_key_arn }
        } :
        {
          Sid       = sid
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:PutObject"
          Resource  = ["${arn}/*"]
          Condition = {
            Null            = { (header.name) = "false" }
            StringNotEquals = { (header.name) = header.value }
          }
        } if var.kms_key_arn != null
      ]
    )
  }
}

# Who reads from another account needs its leave as well: these let in whom that account lets out. Source: Amazon S3
# User Guide, "Bucket owner granting cross-account bucket permissions".
locals {
  readers = [for account in var.reader_accounts : "arn:${data.aws_partition.current.partition}:iam::${account}:root"]
  read_prefixes = {
    for bucket in keys(local.bucket_arns) :
    bucket => concat(["factory=*"], bucket == "clips" ? ["${local.clip_rows_prefix}factory=*"] : [])
  }
  readings = {
    for bucket, arn in local.bucket_arns : bucket => [
      for sid, what in {
        ReadData = {
          Action    = ["s3:GetObject"]
          Resource  = [for prefix in local.read_prefixes[bucket] : "${arn}/${prefix}"]
          Condition = {}
        }
        ListData = {
          Action    = ["s3:ListBucket"]
          Resource  = [arn]
          Condition = { StringLike = { "s3:prefix" = local.read_prefixes[bucket] } }
        }
        FindBucket = { Action = ["s3:GetBucketLocation"], Resource = [arn], Condition = {} }
      } :
      {
        Sid       = sid
        Effect    = "Allow"
        Principal = { AWS = local.readers }
        Action    = what.Action
        Resource  = what.Resource
        Condition = what.Condition
      } if length(local.readers) > 0
    ]
  }
}

resource "aws_s3_bucket_policy" "lake" {
  for_each = local.own_buckets

  bucket = local.made_buckets[each.key].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.denials[each.key], local.readings[each.key])
  })

  # S3 answers OperationAborted when a policy and the access block of one bucket are written at the same time.
  depends_on = [aws_s3_bucket_public_access_block.lake]
}
