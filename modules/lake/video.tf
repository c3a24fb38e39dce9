module "video_archiver" {
  source = "../video_archiver"
  # A factory may have cameras whose streams are not made here: settings of its video are enough.
  for_each = {
    for factory, settings in var.factories :
    factory => settings if length(settings.cameras) > 0 || settings.video != null
  }

  name                     = var.name
  factory                  = each.key
  cameras                  = each.value.cameras
  video                    = each.value.video == null ? {} : each.value.video
  clips_bucket             = module.storage.bucket_names["clips"]
  clips_expire_after_days  = try(var.storage.buckets["clips"].expire_data_after_days, null)
  package                  = local.packages.clip_fetch
  lambda                   = var.lambda
  metrics_namespace        = var.metrics_namespace
  log_retention_days       = var.log_retention_days
  kms_keys                 = var.kms_keys
  alarms                   = each.value.alarms.video
  alarm_actions            = local.alarm_actions
  runbook_base_url         = var.runbook_base_url
  force_destroy            = var.force_destroy
  vpc                      = var.vpc
  tracing                  = var.tracing
  tags                     = var.tags
  permissions_boundary_arn = var.permissions_boundary_arn
  role_path                = var.role_path
  input_paths = merge(local.package_paths["clip_fetch"], {
    factory                 = "factories[\"${each.key}\"]"
    cameras                 = "factories[\"${each.key}\"].cameras"
    video                   = "factories[\"${each.key}\"].video"
    alarms                  = "factories[\"${each.key}\"].alarms.video"
    clips_expire_after_days = "storage.buckets[\"clips\"].expire_data_after_days"
  })
}
