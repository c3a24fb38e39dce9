output "database" {
  description = "Name of the database."
  value       = local.database_name
}

output "tables" {
  description = "Names of the tables, by schema file. Known once the tables exist."
  value       = { for key, table in aws_glue_catalog_table.lake : key => table.name }
}

output "views" {
  description = <<-EOT
    Names of the views, which have no data of their own: by schema file the one without repeated messages (none where rows
    are unique), as `<schema file>_in_force` the one that says which message was in force when, and `moments`, which joins
    samples with clips.
  EOT
  value       = { for key, view in aws_glue_catalog_table.view : key => view.name }
}

output "workgroup" {
  description = "Name of the Athena workgroup."
  value       = aws_athena_workgroup.lake.name
}

output "named_queries" {
  description = "IDs of the named queries, by name."
  value       = { for name, query in aws_athena_named_query.lake : name => query.id }
}
