resource "aws_glue_catalog_database" "lake" {
  name        = local.database
  description = "Measurements and configuration of all factories of ${var.name}."
  tags        = var.tags
}
