locals {
  # What Glue or Athena would refuse, or misread, in a schema file. Source: Glue API reference, "Table API" and
  # "Column".
  schema_errors = {
    for table, schema in local.schemas : table => distinct([
      for check in concat(
        [
          {
            invalid = schema.table != table
            path    = "table"
            rule    = "the file's name, \"${table}\""
            value   = schema.table
          },
          {
            invalid = !can(regex("^[a-z][a-z0-9_]{0,245}$", schema.table))
            path    = "table"
            rule = join(" ", [
              "a lower-case letter, then lower-case letters, digits and _, at most 246 characters (the view's name",
              "has 9 more)",
            ])
            value = schema.table
          },
          {
            invalid = contains(
              flatten([
                "moments", [for other in local.schemas : ["${other.table}_distinct", "${other.table}_in_force"]],
              ]),
              schema.table
            )
            path  = "table"
            rule  = "another name than that of a view, <table>_distinct, <table>_in_force or moments"
            value = schema.table
          },
          {
            invalid = !contains(keys(local.formats), schema.format)
            path    = "format"
            rule    = "one of ${join(", ", keys(local.formats))}"
            value   = schema.format
          },
          {
            # Neither another table's data, nor what could not be delivered, nor query results.
            invalid = !can(regex("^([a-z][a-z0-9-]*/)?$", local.prefix_of[table])) || contains(
              ["errors/", "athena-results/"], local.prefix_of[table]
            )
            path  = "prefix"
            rule  = "lower-case letters, digits and -, then /, other than errors/ and athena-results/"
            value = local.prefix_of[table]
          },
          {
            invalid = !can(tobool(try(schema.unique, false)))
            path    = "unique"
            rule    = "true or false"
            value   = try(schema.unique, false)
          },
        ],
        [
          for key in schema.partition_keys :
          {
            invalid = !contains(keys(local.projections), key.name)
            path    = "partition_keys"
            rule    = "one of ${join(", ", keys(local.projections))}, which have a projection"
            value   = key.name
          }
        ],
        flatten([
          for column in concat(schema.columns, schema.partition_keys) : [
            {
              invalid = !can(regex("^[a-z][a-z0-9_]{0,254}$", column.name))
              path    = "columns"
              rule    = "named by a lower-case letter, then lower-case letters, digits and _, at most 255 characters"
              value   = column.name
            },
            {
              invalid = !contains(keys(local.trino_types), column.type)
              path    = "columns[\"${column.name}\"].type"
              rule    = "one of ${join(", ", keys(local.trino_types))}"
              value   = column.type
            },
            {
              invalid = length(column.comment) > 255
              path    = "columns[\"${column.name}\"].comment"
              rule    = "at most 255 characters"
              value   = "${length(column.comment)} characters"
            },
            {
              invalid = length([
                for other in concat(schema.columns, schema.partition_keys) : other if other.name == column.name
              ]) > 1
              path  = "columns"
              rule  = "named once each, partition keys included"
              value = column.name
            },
          ]
        ])
      ) : "${local.schema_dir}/${table}.json: ${check.path} must be ${check.rule}, got \"${check.value}\"."
      if check.invalid
    ])
  }
}
