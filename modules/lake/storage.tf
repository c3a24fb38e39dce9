module "storage" {
  source = "../storage"

  name                                = var.name
  suffix                              = coalesce(var.suffix, data.aws_caller_identity.current.account_id)
  buckets                             = var.storage.buckets
  existing_buckets                    = var.storage.existing_buckets
  athena_results_expire_after_days    = var.storage.athena_results_expire_after_days
  connections_expire_after_days       = var.storage.connections_expire_after_days
  abort_incomplete_uploads_after_days = var.storage.abort_incomplete_uploads_after_days
  reader_accounts                     = var.storage.reader_accounts
  kms_key_arn                         = var.kms_keys.buckets
  tags                                = var.tags
  force_destroy                       = var.force_destroy
}
