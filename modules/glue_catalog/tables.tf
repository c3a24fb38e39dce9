locals {
  formats = {
    parquet = {
      classification = "parquet"
      input_format   = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
      output_format  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
      serde          = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
      parameters     = { "serialization.format" = "1" }
    }
    # The whole line, and the two keys that the transform adds at its end. A JSON SerDe would fail on messages whose
    # keys differ only by case, and would lose keys that the table does not know. (?s): else Java's dot would stop at
    # U+0085, U+2028 and U+2029, which a string in JSON may hold, and the row would be NULL.
    line = {
      classification = "json"
      input_format   = "org.apache.hadoop.mapred.TextInputFormat"
      output_format  = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
      serde          = "org.apache.hadoop.hive.serde2.RegexSerDe"
      parameters = {
        "input.regex" = "(?s)^(.*?(?:\"_received_at\":([0-9]+)(?:,\"_gateway\":\"([^\"]*)\")?\\})?)$"
      }
    }
    # Rows that the lake itself writes, so that their keys are those of the columns.
    json = {
      classification = "json"
      input_format   = "org.apache.hadoop.mapred.TextInputFormat"
      output_format  = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
      serde          = "org.openx.data.jsonserde.JsonSerDe"
      parameters     = { "serialization.format" = "1" }
    }
  }

  # Where each table lies.
  locations = {
    for table in keys(local.schemas) :
    table => "s3://${lookup(var.buckets, local.bucket_of[table], "")}/${local.prefix_of[table]}"
  }

  # How Athena computes the partitions that exist, so that nobody has to register them. Directories are zero-padded,
  # hence the digits; the columns are integers, hence `month = 3` in SQL.
  projections = {
    factory = { type = "enum", values = join(",", sort(var.factories)) }
    year    = { type = "integer", range = "${var.years.first},${var.years.last}", digits = "4" }
    month   = { type = "integer", range = "1,12", digits = "2" }
    day     = { type = "integer", range = "1,31", digits = "2" }
  }
}

resource "aws_glue_catalog_table" "lake" {
  for_each = local.schemas

  database_name = local.database_name
  name          = each.value.table
  description   = each.value.description
  table_type    = "EXTERNAL_TABLE"

  parameters = merge(
    {
      EXTERNAL             = "TRUE"
      classification       = try(local.formats[each.value.format].classification, null)
      "projection.enabled" = "true"
      "storage.location.template" = join("", [
        local.locations[each.key],
        join("", [for key in each.value.partition_keys : "${key.name}=$${${key.name}}/"]),
      ])
    },
    [
      for key in each.value.partition_keys : {
        for setting, value in lookup(local.projections, key.name, {}) : "projection.${key.name}.${setting}" => value
      }
    ]...
  )

  dynamic "partition_keys" {
    for_each = each.value.partition_keys

    content {
      name    = partition_keys.value.name
      type    = partition_keys.value.type
      comment = partition_keys.value.comment
    }
  }

  storage_descriptor {
    # Athena goes by storage.location.template. The location itself is a prefix that never holds an object: an engine
    # that ignores projection finds an empty table there, instead of reading errors/ and query results as data.
    location      = "${local.locations[each.key]}factory=/"
    input_format  = try(local.formats[each.value.format].input_format, null)
    output_format = try(local.formats[each.value.format].output_format, null)

    ser_de_info {
      name                  = each.value.format
      serialization_library = try(local.formats[each.value.format].serde, null)
      parameters            = try(local.formats[each.value.format].parameters, null)
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

  lifecycle {
    precondition {
      condition = contains(keys(var.buckets), local.bucket_of[each.key])
      error_message = join(" ", [
        "buckets must have an entry \"${local.bucket_of[each.key]}\" for the table \"${each.key}\" of",
        "${local.schema_dir}/${each.key}.json, got",
        "${join(", ", keys(var.buckets))}.",
      ])
    }

    precondition {
      condition     = length(local.schema_errors[each.key]) == 0
      error_message = join("\n", local.schema_errors[each.key])
    }
  }
}

# Athena answers "no rows", not "unknown year", when the projection has run out.
check "years_reach_into_the_future" {
  assert {
    condition = var.years.last > tonumber(formatdate("YYYY", plantimestamp()))
    error_message = join(" ", [
      "years.last must be later than this year, or queries will soon miss new data without a word, got",
      "${var.years.last}.",
    ])
  }
}
