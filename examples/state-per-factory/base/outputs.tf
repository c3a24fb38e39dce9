output "lake" {
  description = "What the roots of factories read from this one's state."
  value = {
    name    = local.name
    buckets = module.storage.bucket_names
    measurements_table = {
      database = module.glue_catalog.database
      name     = module.glue_catalog.tables["measurements"]
    }
    connections_table = {
      database = module.glue_catalog.database
      name     = module.glue_catalog.tables["connections"]
    }
  }
}

output "athena" {
  description = "Where to query: `workgroup`, `database` and `output_location`."
  value = {
    workgroup       = module.glue_catalog.workgroup
    database        = module.glue_catalog.database
    output_location = module.storage.athena_output_location
  }
}
