mock_provider "aws" {
  source = "../mocks"
}

variables {
  name                   = "plant-lake"
  factories              = ["lyon", "krakow"]
  athena_output_location = "s3://lake-measurements/athena-results/"
  buckets = {
    measurements  = "lake-measurements"
    configuration = "lake-configuration"
    clips         = "lake-clips"
  }
}

# One plan for all: each costs a start of the provider.
run "tables_of_the_schema_files_and_queries_over_them" {
  command = plan

  # The tables are those of the schema files.
  assert {
    condition     = aws_glue_catalog_database.lake["lake"].name == "plant_lake" && output.database == "plant_lake"
    error_message = "The database is named as SQL wants it, without quotes."
  }

  assert {
    condition = toset(keys(aws_glue_catalog_table.lake)) == toset([
      for file in fileset("../../glue_schemas", "*.json") : trimsuffix(file, ".json")
    ])
    error_message = "Each schema file is a table."
  }

  assert {
    condition = alltrue([
      for key, table in aws_glue_catalog_table.lake :
      [for column in table.storage_descriptor[0].columns : "${column.name} ${column.type} ${column.comment}"]
      == [
        for column in jsondecode(file("../../glue_schemas/${key}.json")).columns :
        "${column.name} ${column.type} ${column.comment}"
      ]
    ])
    error_message = "Columns have the names, types, comments and order of the schema file."
  }

  assert {
    condition = alltrue([
      for table in aws_glue_catalog_table.lake :
      join(
        ", ",
        [for key in table.partition_keys : "${key.name} ${key.type}"]
      ) == "factory string, year int, month int, day int"
    ])
    error_message = "All tables are partitioned by factory and day."
  }

  # Measurements are parquet and configuration is lines.
  assert {
    condition = (
      aws_glue_catalog_table.lake["measurements"].storage_descriptor[0].ser_de_info[0].serialization_library
      == "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
      && aws_glue_catalog_table.lake["measurements"].storage_descriptor[0].input_format
      == "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
      && aws_glue_catalog_table.lake["measurements"].storage_descriptor[0].output_format
      == "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
      && aws_glue_catalog_table.lake["measurements"].parameters["classification"] == "parquet"
    )
    error_message = "Measurements are read as Parquet."
  }

  assert {
    condition = (
      aws_glue_catalog_table.lake["configuration"].storage_descriptor[0].ser_de_info[0].serialization_library
      == "org.apache.hadoop.hive.serde2.RegexSerDe"
      && aws_glue_catalog_table.lake["configuration"].storage_descriptor[0].input_format
      == "org.apache.hadoop.mapred.TextInputFormat"
    )
    error_message = "Configuration is read line by line."
  }

  assert {
    condition = (
      aws_glue_catalog_table.lake["clips"].storage_descriptor[0].ser_de_info[0].serialization_library
      == "org.openx.data.jsonserde.JsonSerDe"
      && aws_glue_catalog_table.lake["clips"].storage_descriptor[0].input_format
      == "org.apache.hadoop.mapred.TextInputFormat"
      && aws_glue_catalog_table.lake["clips"].parameters["storage.location.template"]
      == "s3://lake-clips/index/factory=$${factory}/year=$${year}/month=$${month}/day=$${day}/"
      && aws_glue_catalog_table.lake["clips"].storage_descriptor[0].location == "s3://lake-clips/index/factory=/"
    )
    error_message = "Clips are rows of JSON beside the archive, never the clips themselves."
  }

  # Terraform's regex engine is not Java's, but agrees with it on what this pattern uses.
  assert {
    condition = alltrue([
      for end, groups in {
        "}"                                                        = [null, null]
        ",\"_received_at\":1767225600000}"                         = ["1767225600000", null]
        ",\"_received_at\":1767225600000,\"_gateway\":\"line-1\"}" = ["1767225600000", "line-1"]
        " not even JSON"                                           = [null, null]
      } :
      jsonencode(regex(
        aws_glue_catalog_table.lake["configuration"].storage_descriptor[0].ser_de_info[0].parameters["input.regex"],
        "{\"a\":{\"_gateway\":\"no\"}${end}"
      )) == jsonencode(concat(["{\"a\":{\"_gateway\":\"no\"}${end}"], groups))
    ])
    error_message = "A line is kept whole, and its own end gives arrival and gateway, where it has them."
  }

  # Projection finds each factory and day.
  assert {
    condition = {
      for key, value in aws_glue_catalog_table.lake["measurements"].parameters :
      key => value if startswith(key, "projection.")
      || startswith(key, "storage.")
      } == {
      "projection.enabled"        = "true"
      "projection.factory.type"   = "enum"
      "projection.factory.values" = "krakow,lyon"
      "projection.year.type"      = "integer"
      "projection.year.range"     = "2024,2035"
      "projection.year.digits"    = "4"
      "projection.month.type"     = "integer"
      "projection.month.range"    = "1,12"
      "projection.month.digits"   = "2"
      "projection.day.type"       = "integer"
      "projection.day.range"      = "1,31"
      "projection.day.digits"     = "2"
      "storage.location.template" = join("", [
        "s3://lake-measurements/factory=$${factory}/", "year=$${year}/month=$${month}/day=$${day}/",
      ])
    }
    error_message = "Every partition column is projected, onto the keys that the pipelines write."
  }

  assert {
    condition = aws_glue_catalog_table.lake["configuration"].parameters[
      "storage.location.template"
    ] == "s3://lake-configuration/factory=$${factory}/year=$${year}/month=$${month}/day=$${day}/"
    error_message = "Each table lies in its own bucket."
  }

  assert {
    condition = (
      aws_glue_catalog_table.lake["connections"].parameters["storage.location.template"]
      == "s3://lake-configuration/connections/factory=$${factory}/year=$${year}/month=$${month}/day=$${day}/"
      && aws_glue_catalog_table.lake["connections"].storage_descriptor[0].location
      == "s3://lake-configuration/connections/factory=/"
    )
    error_message = "A table may lie under a prefix of another one's bucket."
  }

  assert {
    condition = alltrue([
      for table in aws_glue_catalog_table.lake : endswith(table.storage_descriptor[0].location, "/factory=/")
    ])
    error_message = "The location itself holds nothing: no errors, no query results."
  }

  # Each table has a view without repeats, and the one of whole lines a view of what was in force.
  assert {
    condition = (
      { for key, view in aws_glue_catalog_table.view : key => view.name } == {
        measurements           = "measurements_distinct"
        configuration          = "configuration_distinct"
        connections            = "connections_distinct"
        configuration_in_force = "configuration_in_force"
        moments                = "moments"
      }
      && output.views == { for key, view in aws_glue_catalog_table.view : key => view.name }
      && output.tables == { for table in ["measurements", "configuration", "connections", "clips"] : table => table }
    )
    error_message = "Views stand beside tables whose rows repeat, and no reader of the tables' names takes one for a table."
  }

  assert {
    condition = alltrue([
      for view in aws_glue_catalog_table.view :
      view.table_type == "VIRTUAL_VIEW"
      && view.parameters == tomap({ presto_view = "true", comment = "Presto View" })
      && view.view_expanded_text == "/* Presto View */"
      && length(coalesce(view.partition_keys, [])) == 0
    ])
    error_message = "Athena takes them for its own views."
  }

  assert {
    condition = alltrue([
      for view in aws_glue_catalog_table.view :
      [for serde in view.storage_descriptor[0].ser_de_info : "${serde.name} ${serde.serialization_library}"] == ["- -"]
    ])
    error_message = "Athena refuses a view without SerDe information, though it has no files."
  }

  assert {
    condition = alltrue([
      for key, table in aws_glue_catalog_table.lake :
      [
        for column in aws_glue_catalog_table.view[key].storage_descriptor[0].columns :
        "${column.name} ${column.type} ${column.comment}"
      ]
      == concat(
        [
          for column in concat(table.storage_descriptor[0].columns, table.partition_keys) :
          "${column.name} ${column.type} ${column.comment}"
        ],
        ["date date The partition's day (UTC)"]
      )
      if contains(keys(aws_glue_catalog_table.view), key)
    ])
    error_message = "A view has the columns of its table, those of the partitions behind them, and the date last."
  }

  assert {
    condition = alltrue([
      for key, view in aws_glue_catalog_table.view :
      view.view_original_text == "/* Presto View: ${base64encode(jsonencode(local.view_documents[key]))} */"
      && tolist(local.view_documents[key].columns[*].name) == view.storage_descriptor[0].columns[*].name
    ])
    error_message = "The document that Athena reads is there as it wants it, with the same columns as Glue."
  }

  assert {
    condition = (
      local.view_documents["measurements"].schema == "plant_lake"
      && strcontains(local.view_documents["measurements"].originalSql, "min(\"received_at\") AS \"received_at\"")
      && !strcontains(local.view_documents["configuration"].originalSql, "min(")
      && strcontains(local.view_documents["configuration_in_force"].originalSql, "FROM \"configuration\"\n")
    )
    error_message = "A sample counts as of its first arrival; a line of configuration has its arrival in it."
  }

  assert {
    condition = (
      strcontains(
        local.view_documents["measurements"].originalSql,
        "\nWHERE coalesce(\"tag_name\", '') NOT LIKE '\\_canary%' ESCAPE '\\'\nGROUP BY"
      )
      && strcontains(
        local.view_documents["configuration"].originalSql,
        "\nWHERE coalesce(\"line\", '') NOT LIKE '{\"\\_canary\"%' ESCAPE '\\'\nGROUP BY"
      )
      && strcontains(
        local.view_documents["configuration_in_force"].originalSql,
        "AND line NOT LIKE '{\"\\_canary\"%' ESCAPE '\\'\n"
      )
      && !strcontains(local.view_documents["connections"].originalSql, "canary")
    )
    error_message = "What the canary left is in no view."
  }

  assert {
    condition = (
      [
        for column in aws_glue_catalog_table.view["moments"].storage_descriptor[0].columns : column.name
      ]
      == concat(
        aws_glue_catalog_table.lake["measurements"].storage_descriptor[0].columns[*].name,
        ["camera", "clip_key", "offset_ms", "offset_seconds", "gap_key", "gap_reason"],
        aws_glue_catalog_table.lake["measurements"].partition_keys[*].name,
        ["date"],
      )
      && !strcontains(local.view_documents["moments"].originalSql, "--")
    )
    error_message = "A moment is a sample with a camera's footage; comments stay in the file."
  }

  # The workgroup enforces its settings.
  assert {
    condition = (
      aws_athena_workgroup.lake.name == "plant-lake"
      && aws_athena_workgroup.lake.force_destroy == false
      && aws_athena_workgroup.lake.configuration[0].enforce_workgroup_configuration
      && aws_athena_workgroup.lake.configuration[0].bytes_scanned_cutoff_per_query == 1099511627776
      && aws_athena_workgroup.lake.configuration[0].engine_version[0].selected_engine_version
      == "Athena engine version 3"
      && aws_athena_workgroup.lake.configuration[0].result_configuration[0].output_location
      == "s3://lake-measurements/athena-results/"
      && aws_athena_workgroup.lake.configuration[0].result_configuration[0]
      .encryption_configuration[0].encryption_option == "SSE_S3"
    )
    error_message = "Engine 3, a scan limit, encrypted results in the expiring prefix, and no client overrides them."
  }

  # Named queries are the files of the module.
  assert {
    condition = (
      length(aws_athena_named_query.lake) > 0
      && toset(keys(aws_athena_named_query.lake)) == toset([
        for file in fileset("queries", "*.sql") : trimsuffix(file, ".sql")
      ])
    )
    error_message = "Each file of queries/ is a named query."
  }

  assert {
    condition = alltrue([
      for name, query in aws_athena_named_query.lake :
      query.query == file("queries/${name}.sql")
      && query.workgroup == "plant-lake"
      && query.database == "plant_lake"
      && startswith(query.query, "-- ${query.description}\n")
    ])
    error_message = "A query's first line is its description."
  }
}

run "each_option_arrives" {
  command = plan

  variables {
    years            = { first = 2019, last = 2060 }
    scan_limit_bytes = 10485760
    kms_key_arn      = "arn:aws:kms:eu-central-1:111122223333:key/0d990263-018e-4e65-a703-eff731de951e"
    force_destroy    = true
    queries_dir      = "tests/testdata/described"
  }

  assert {
    condition     = aws_glue_catalog_table.lake["configuration"].parameters["projection.year.range"] == "2019,2060"
    error_message = "The years are a choice."
  }

  assert {
    condition     = aws_athena_workgroup.lake.configuration[0].bytes_scanned_cutoff_per_query == 10485760
    error_message = "The scan limit is a choice, down to Athena's own minimum."
  }

  assert {
    condition = (
      aws_athena_workgroup.lake.configuration[0].result_configuration[0]
      .encryption_configuration[0].encryption_option == "SSE_KMS"
      && aws_athena_workgroup.lake.configuration[0].result_configuration[0].encryption_configuration[0].kms_key_arn
      == var.kms_key_arn
    )
    error_message = "A given key encrypts the results."
  }

  assert {
    condition     = aws_athena_workgroup.lake.force_destroy
    error_message = "force_destroy reaches the workgroup."
  }

  assert {
    condition = (
      join(" ", keys(aws_athena_named_query.lake)) == "samples"
      && aws_athena_named_query.lake["samples"].description == "Counts the samples of each factory."
    )
    error_message = "Another folder of queries replaces the module's own."
  }
}

run "views_follow_the_schema_files" {
  command = plan

  variables {
    schema_dir = "tests/testdata/types"
    buckets    = { samples = "lake-samples" }
  }

  assert {
    condition = [for column in local.view_documents["samples"].columns : "${column.name} ${column.type}"] == [
      "order varchar", "a_boolean boolean", "a_tinyint tinyint", "a_smallint smallint", "a_int integer",
      "a_bigint bigint", "a_float real",
      "a_double double", "a_string varchar", "a_date date", "a_timestamp timestamp(3)", "a_binary varbinary",
      "arrived bigint", "factory varchar",
    ]
    error_message = "Each type of Glue has its name in Trino; where no partition is a day, there is no date."
  }

  assert {
    condition     = keys(aws_glue_catalog_table.view) == ["samples"]
    error_message = "Only a table of whole lines has a view of what was in force."
  }

  assert {
    condition = (
      local.view_documents["samples"].originalSql == trimspace(file("tests/testdata/types/samples_distinct.sql"))
    )
    error_message = "The broker's time is the arrival, whatever its column's name; names may be reserved words."
  }
}

run "a_later_year_is_warned_of" {
  command = plan

  variables {
    years = { first = 2019, last = 2020 }
  }

  expect_failures = [check.years_reach_into_the_future]
}

run "database_and_workgroup_have_the_tags_that_are_given" {
  command = plan

  variables {
    tags = { owner = "plant-it" }
  }

  assert {
    condition = (
      aws_athena_workgroup.lake.tags["owner"] == "plant-it"
      && aws_glue_catalog_database.lake["lake"].tags["owner"] == "plant-it"
    )
    error_message = "one without the tags"
  }
}

run "a_database_that_stands_already_gets_the_tables" {
  command = plan

  variables {
    existing_database = "plant"
  }

  assert {
    condition = length(aws_glue_catalog_database.lake) == 0 && output.database == "plant" && alltrue([
      for table in concat(values(aws_glue_catalog_table.lake), values(aws_glue_catalog_table.view)) :
      table.database_name == "plant"
    ]) && alltrue([for query in aws_athena_named_query.lake : query.database == "plant"])
    error_message = "another database, or one that is made"
  }
}
