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

  # What tells the rows that `factory-lake canary` left: the tag's name, or the line's only key of the message.
  canary_marks = {
    for table, schema in local.schemas : table => concat(
      [for column in schema.columns : [column.name, "\\_canary%"] if try(column.source, "") == "tagName"],
      [for column in schema.columns : [column.name, "{\"\\_canary\"%"] if "${schema.format}.${column.name}" == "line.line"]
    )
  }
  unless_canary = {
    for table, marks in local.canary_marks : table => join("\n  AND ", [
      for mark in marks : "coalesce(\"${mark[0]}\", '') NOT LIKE '${mark[1]}' ESCAPE '\\'"
    ])
  }

  # Every column of a table but the broker's time of arrival tells messages apart. Configuration has no such column:
  # its arrival stands in the line itself, so only what Firehose repeats is a repeat there.
  distinct_views = {
    for table, schema in local.schemas : table => {
      name        = "${schema.table}_distinct"
      description = "The rows of ${table} without repeats: each message once, as it first arrived"
      columns = concat(
        schema.columns,
        schema.partition_keys,
        contains(local.dated_tables, table) ? [local.date_column] : []
      )
      text = templatefile("${path.module}/views/distinct.sql", {
        table         = "\"${schema.table}\""
        unless_canary = local.unless_canary[table] == "" ? "" : "\nWHERE ${local.unless_canary[table]}"
        columns = join(",\n    ", concat(
          [
            for column in concat(schema.columns, schema.partition_keys) :
            try(column.source, "")
            == "_received_at" ? "min(\"${column.name}\") AS \"${column.name}\"" : "\"${column.name}\""
          ],
          contains(local.dated_tables, table) ? ["${local.date_expression} AS \"date\""] : []
        ))
        identity = join(",\n    ", [
          for column in concat(schema.columns, schema.partition_keys) :
          "\"${column.name}\"" if try(column.source, "") != "_received_at"
        ])
      })
    } if !try(tobool(schema.unique), false)
  }

  # The day of a row's partition as a date, for the time pickers of BI tools, which know no year, month and day. An
  # expression of partition keys alone: Athena evaluates a condition on it for each partition before it reads one.
  date_column = { name = "date", type = "date", comment = "The partition's day (UTC)" }
  date_expression = join("", [
    "CAST(date_add('day', day - 1, date_add('month', 12 * (year - 1970) + month - 1, DATE '1970-01-01')) AS date)",
  ])
  dated_tables = [
    for table, schema in local.schemas : table
    if(
      alltrue([
        for name in ["year", "month", "day"] :
        contains([for key in schema.partition_keys : key.name if key.type == "int"], name)
      ])
      && !contains([for column in concat(schema.columns, schema.partition_keys) : column.name], "date")
    )
  ]

  # Tables of whole lines are settings that hold until the next message.
  in_force_views = {
    for table, schema in local.schemas : "${table}_in_force" => {
      name        = "${schema.table}_in_force"
      description = "Which message of ${table} was in force when, by gateway"
      text        = templatefile("${path.module}/views/in_force.sql", { table = "\"${schema.table}\"" })
      columns = [
        { name = "factory", type = "string", comment = "Factory ID" },
        { name = "gateway", type = "string", comment = "The gateway that sent the message" },
        { name = "valid_from", type = "timestamp", comment = "When the broker received the message (UTC)" },
        { name = "valid_until", type = "timestamp", comment = "When the next one arrived (UTC); null while in force" },
        { name = "line", type = "string", comment = "The whole message, one JSON object" },
        { name = "changed", type = "boolean", comment = "Whether it differs from one before; false for the first" },
      ]
    }
    if schema.format == "line" && alltrue([
      for name in ["line", "received_at_ms", "gateway", "factory"] :
      contains([for column in concat(schema.columns, schema.partition_keys) : column.name], name)
    ])
  }

  # Samples and clips are tables that this module knows by name; schema files of one's own may lack either, or a column.
  moment_columns = [
    { name = "camera", type = "string", comment = "Camera ID; null where the factory has none" },
    { name = "clip_key", type = "string", comment = "The clip that has ts; null where none has" },
    { name = "offset_ms", type = "bigint", comment = "Where in the clip ts is, in milliseconds" },
    { name = "offset_seconds", type = "double", comment = "The same in seconds" },
    { name = "gap_key", type = "string", comment = "Without a clip: the record of lost footage that has ts" },
    { name = "gap_reason", type = "string", comment = "Why that footage was lost" },
  ]
  joined_by = ["factory", "year", "month", "day"]
  columns_of_moments = {
    measurements = concat(["ts"], local.joined_by)
    clips = concat(
      ["camera", "kind", "started_at", "ended_at", "producer_started_at", "duration_ms", "flags", "lost_ms", "key"],
      local.joined_by,
    )
  }
  moment_views = {
    for key in ["moments"] : key => {
      name        = key
      description = "The samples of measurements with what each camera saw: the clip and the place in it, or the gap there"
      columns = concat(
        local.schemas["measurements"].columns,
        local.moment_columns,
        local.schemas["measurements"].partition_keys,
        [local.date_column],
      )
      text = templatefile("${path.module}/views/moments.sql", {
        samples = "\"measurements_distinct\""
        clips   = "\"clips\""
        date    = local.date_expression
        columns = join(",\n    ", [for column in local.schemas["measurements"].columns : "\"${column.name}\""])
        keys = join(",\n    ", [
          for column in concat(local.schemas["measurements"].partition_keys, [local.date_column]) : "\"${column.name}\""
        ])
      })
    }
    if alltrue([
      for table, names in local.columns_of_moments :
      contains(local.dated_tables, table) && alltrue([for name in names : contains(lookup(local.column_names, table, []), name)])
    ])
    && contains(keys(local.distinct_views), "measurements")
    && length(setintersection(lookup(local.column_names, "measurements", []), local.moment_columns[*].name)) == 0
  }
  column_names = {
    for table, schema in local.schemas : table => concat(schema.columns, schema.partition_keys)[*].name
  }

  views = merge(local.distinct_views, local.in_force_views, local.moment_views)
  view_documents = {
    for key, view in local.views : key => {
      originalSql = join("\n", [for line in split("\n", trimspace(view.text)) : line if !startswith(trimspace(line), "--")])
      catalog     = "awsdatacatalog"
      schema      = local.database_name
      columns = [
        for column in view.columns : { name = column.name, type = lookup(local.trino_types, column.type, column.type) }
      ]
    }
  }
}

# Beside the tables: measurements_distinct and others where rows may come twice, configuration_in_force and moments.
resource "aws_glue_catalog_table" "view" {
  for_each = local.views

  database_name = local.database_name
  name          = each.value.name
  description   = each.value.description
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

moved {
  from = aws_glue_catalog_table.distinct
  to   = aws_glue_catalog_table.view
}
