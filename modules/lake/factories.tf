module "factory_pipeline" {
  source   = "../factory_pipeline"
  for_each = var.factories

  name     = var.name
  factory  = each.key
  gateways = each.value.gateways
  lanes    = merge({ measurements = {}, configuration = {} }, each.value.lanes)
  csr_dir  = var.csr_dir
  buckets  = module.storage.bucket_names
  measurements_table = {
    database = module.glue_catalog.database
    name     = module.glue_catalog.tables["measurements"]
  }
  connections_table = local.has_connections && each.value.connections.enabled ? {
    database = module.glue_catalog.database
    name     = module.glue_catalog.tables["connections"]
  } : null
  schema_dir               = var.schema_dir
  force_destroy            = var.force_destroy
  package                  = local.packages.transform
  lambda                   = var.lambda
  metrics_namespace        = var.metrics_namespace
  log_retention_days       = var.log_retention_days
  kms_keys                 = var.kms_keys
  alarms                   = each.value.alarms.messages
  alarm_actions            = local.alarm_actions
  runbook_base_url         = var.runbook_base_url
  vpc                      = var.vpc
  tracing                  = var.tracing
  tags                     = var.tags
  permissions_boundary_arn = var.permissions_boundary_arn
  role_path                = var.role_path
  input_paths = merge(local.package_paths["transform"], {
    factory  = "factories[\"${each.key}\"]"
    gateways = "factories[\"${each.key}\"].gateways"
    lanes    = "factories[\"${each.key}\"].lanes"
    alarms   = "factories[\"${each.key}\"].alarms.messages"
  })
}

# A request in a folder that no gateway has is most often a misspelt client ID, or left over from a gateway that is
# gone.
check "requests_belong_to_gateways" {
  assert {
    condition     = length(local.stray_requests) == 0
    error_message = "${var.csr_dir} holds requests of no gateway of this lake: ${join(", ", local.stray_requests)}."
  }
}

locals {
  # By the file: `terraform import` knows of no table, and has to know whether there are connections.
  has_connections = var.schema_dir == null ? true : fileexists("${var.schema_dir}/connections.json")

  client_ids = flatten([
    for factory, settings in var.factories : [
      for gateway in settings.gateways :
      [for lane in ["measurements", "configuration"] : "${factory}-${gateway}-${lane}"]
    ]
  ])
  stray_requests = [for path in fileset(var.csr_dir, "**/*.pem") : path if !contains(local.client_ids, dirname(path))]
}
