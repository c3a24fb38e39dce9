module "glue_catalog" {
  source = "../glue_catalog"

  name       = var.name
  schema_dir = var.schema_dir
  buckets = {
    measurements  = module.storage.bucket_names["measurements"]
    configuration = module.storage.bucket_names["configuration"]
    clips         = module.storage.bucket_names["clips"]
  }
  # A factory that leaves takes its streams along, not its data.
  factories              = local.queried_factories
  athena_output_location = module.storage.athena_output_location
  years                  = var.athena.years
  scan_limit_bytes       = var.athena.scan_limit_bytes
  existing_database      = var.athena.existing_database
  kms_key_arn            = var.kms_keys.buckets
  tags                   = var.tags
  force_destroy          = var.force_destroy
}
