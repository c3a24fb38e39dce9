"""Amazon Athena: queries in Athena's SQL, typed by Trino's rules and run on DuckDB."""
