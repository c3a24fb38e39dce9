"""Tables of the lake's schema files in Trino's own words, over files of a folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TRINO = {"string": "varchar", "int": "integer", "float": "real", "timestamp": "timestamp(3)"}
_COMPLEX = {"array<string>": "array(varchar)", "struct<id:string>": "ROW(id varchar)"}
_PROJECTIONS = {
    "factory": "partition_projection_type = 'enum', partition_projection_values = ARRAY['krakow', 'lyon']",
    "year": "partition_projection_type = 'integer', partition_projection_range = ARRAY['2025', '2027'], "
    "partition_projection_digits = 4",
    "month": "partition_projection_type = 'integer', partition_projection_range = ARRAY['1', '12'], "
    "partition_projection_digits = 2",
    "day": "partition_projection_type = 'integer', partition_projection_range = ARRAY['1', '31'], "
    "partition_projection_digits = 2",
}
_PATTERN = r'(?s)^(.*?(?:"_received_at":([0-9]+)(?:,"_gateway":"([^"]*)")?\})?)$'
_FORMATS = {
    "line": f"format = 'REGEX', regex = '{_PATTERN}'",
    "json": "format = 'OPENX_JSON'",
    "parquet": "format = 'PARQUET'",
}


def create_table(name: str, place: str, document: Mapping[str, Any]) -> str:
    """A statement that makes a table over the files below a place, with partition projection as in the lake."""
    columns = [f'"{column["name"]}" {trino_type(column["type"])}' for column in document["columns"]]
    for key in document["partition_keys"]:
        projection = _PROJECTIONS.get(key["name"], _PROJECTIONS["month"])
        if key["name"] == "site":
            projection = _PROJECTIONS["factory"]
        columns.append(f'"{key["name"]}" {trino_type(key["type"])} WITH ({projection})')
    keys = ", ".join(f"'{key['name']}'" for key in document["partition_keys"])
    form = _FORMATS[document["format"]]
    return (
        f"CREATE TABLE {name} ({', '.join(columns)}) WITH ({form}, external_location = 'local:///{place}', "
        f"partitioned_by = ARRAY[{keys}], partition_projection_enabled = true)"
    )


def trino_type(glue_type: str) -> str:
    """Trino's name of a type of Glue."""
    return _COMPLEX.get(glue_type, _TRINO.get(glue_type, glue_type))
