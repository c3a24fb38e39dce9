locals {
  # Athena's SQL would want quotes around a database name with a hyphen.
  database = replace(var.name, "-", "_")

  # One schema file, three readers: this module, the transform function, and the documentation of the tables.
  schemas = {
    for file in fileset(var.schema_dir, "*.json") :
    trimsuffix(file, ".json") => jsondecode(file("${var.schema_dir}/${file}"))
  }
}
