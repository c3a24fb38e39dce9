resource "aws_glue_catalog_database" "lake" {
  for_each = { for key, name in { lake = local.database } : key => name if var.existing_database == null }

  name        = each.value
  description = "Measurements, configuration and clips of all factories of ${var.name}."
  tags        = var.tags
}

moved {
  from = aws_glue_catalog_database.lake
  to   = aws_glue_catalog_database.lake["lake"]
}

locals {
  # Known once the database exists.
  database_name = coalesce(var.existing_database, one([for made in aws_glue_catalog_database.lake : made.name]))
}
