locals {
  # Athena's SQL would want quotes around a database name with a hyphen.
  database = replace(var.name, "-", "_")

  # One schema file, three readers: this module, the transform function, and the documentation of the tables.
  schema_dir = coalesce(var.schema_dir, "${path.module}/schemas")
  schemas = {
    for file in fileset(local.schema_dir, "*.json") :
    trimsuffix(file, ".json") => jsondecode(file("${local.schema_dir}/${file}"))
  }

  # A table has a bucket of its own name, and all of it, unless its schema file says otherwise.
  bucket_of = { for table, schema in local.schemas : table => try(schema.bucket, table) }
  prefix_of = { for table, schema in local.schemas : table => try(schema.prefix, "") }
}
