locals {
  # Athena keeps a view as a Glue table without data: its columns in Glue's types, and a document of Trino's with the
  # SQL and the columns in Trino's types. Athena refuses a view whose document and SQL disagree, so both follow from
  # the schema file.
  trino_types = {
    boolean   = "boolean"
    tinyint   = "tinyint"
    smallint  = "smallint"
    int       = "integer"
    bigint    = "bigint"
    float     = "real"
    double    = "double"
    string    = "varchar"
    date      = "date"
    timestamp = "timestamp(3)"
    binary    = "varbinary"
  }

  # Every column of a table but the broker's time of arrival tells messages apart. Configuration has no such column:
  # its arrival stands in the line itself, so only what Firehose repeats is a repeat there.
  views = {
    for table, schema in local.schemas : table => {
      name    = "${schema.table}_distinct"
      columns = concat(schema.columns, schema.partition_keys)
      text = templatefile("${path.module}/views/distinct.sql", {
        table = "\"${schema.table}\""
        columns = join(",\n    ", [
          for column in concat(schema.columns, schema.partition_keys) :
          try(column.source, "")
          == "_received_at" ? "min(\"${column.name}\") AS \"${column.name}\"" : "\"${column.name}\""
        ])
        identity = join(",\n    ", [
          for column in concat(schema.columns, schema.partition_keys) :
          "\"${column.name}\"" if try(column.source, "") != "_received_at"
        ])
      })
    } if !try(tobool(schema.unique), false)
  }
  view_documents = {
    for table, view in local.views : table => {
      originalSql = join("\n", [for line in split("\n", trimspace(view.text)) : line if !startswith(line, "--")])
      catalog     = "awsdatacatalog"
      schema      = local.database_name
      columns = [
        for column in view.columns : { name = column.name, type = lookup(local.trino_types, column.type, column.type) }
      ]
    }
  }
}

# One a table, beside it, where rows may come twice: measurements_distinct, configuration_distinct.
resource "aws_glue_catalog_table" "distinct" {
  for_each = local.views

  database_name = local.database_name
  name          = each.value.name
  description   = "The rows of ${each.key} without repeats: each message once, as it first arrived"
  table_type    = "VIRTUAL_VIEW"

  parameters = {
    presto_view = "true"
    comment     = "Presto View"
  }

  view_expanded_text = "/* Presto View */"
  view_original_text = "/* Presto View: ${base64encode(jsonencode(local.view_documents[each.key]))} */"

  storage_descriptor {
    # A view reads no files. Yet Athena refuses one without SerDe information (HIVE_METASTORE_ERROR: Table storage
    # descriptor is missing SerDe info), and takes these names for none.
    ser_de_info {
      name                  = "-"
      serialization_library = "-"
    }

    dynamic "columns" {
      for_each = each.value.columns

      content {
        name    = columns.value.name
        type    = columns.value.type
        comment = columns.value.comment
      }
    }
  }

  # A view of a table that is not there would be in the list, and fail.
  depends_on = [aws_glue_catalog_table.lake]
}
