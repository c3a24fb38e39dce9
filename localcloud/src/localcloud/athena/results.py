"""Answers in the shapes of Athena's API and of its result files.

Sources: GetQueryResults and ColumnInfo in the Athena API reference; "Work with query results" in the user
guide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from localcloud.athena.engine import Answer, Column
from localcloud.athena.types import as_decimal

_PRECISIONS = {
    "boolean": 0,
    "tinyint": 3,
    "smallint": 5,
    "integer": 10,
    "bigint": 19,
    "real": 17,
    "double": 17,
    "varchar": 2147483647,
    "timestamp": 3,
    "timestamp with time zone": 3,
}
_MOST_ROWS = 1000


def to_csv(answer: Answer) -> bytes:
    """The result file: every value in double quotes, NULL as nothing at all."""
    lines = [_csv_line([column.name for column in answer.columns]), *map(_csv_line, answer.rows)]
    return "".join(lines).encode()


def _csv_line(values: Sequence[str | None]) -> str:
    quoted = ("" if value is None else '"{}"'.format(value.replace('"', '""')) for value in values)
    return ",".join(quoted) + "\n"


def page(answer: Answer, token: str | None, limit: int | None) -> dict[str, Any]:
    """One page of a result in the shape of GetQueryResults; the column names are the first page's first row.

    The token is ``NextToken`` of the page before; the limit counts the names too.

    Raises:
        ValueError: the token or the limit is none that this API gave or takes.
    """
    most = _MOST_ROWS if limit is None else limit
    if not 1 <= most <= _MOST_ROWS:
        raise ValueError(f"MaxResults must be 1..{_MOST_ROWS}, got {limit}")
    start = 0 if token is None else int(token)
    rows: Sequence[Sequence[str | None]] = [[column.name for column in answer.columns], *answer.rows]
    if not 0 <= start < len(rows):
        raise ValueError(f"NextToken {token!r} is out of range")
    body: dict[str, Any] = {
        "UpdateCount": 0,
        "ResultSet": {
            "Rows": [{"Data": [_datum(value) for value in row]} for row in rows[start : start + most]],
            "ResultSetMetadata": {"ColumnInfo": [_column_info(column) for column in answer.columns]},
        },
    }
    if start + most < len(rows):
        body["NextToken"] = str(start + most)
    return body


def _datum(value: str | None) -> dict[str, str]:
    return {} if value is None else {"VarCharValue": value}


def _column_info(column: Column) -> dict[str, Any]:
    kind = column.type
    precision, scale = as_decimal(kind) if kind.name == "decimal" else (_PRECISIONS.get(kind.name, 0), 0)
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": column.name,
        "Label": column.name,
        "Type": "float" if kind.name == "real" else kind.name,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": kind.name == "varchar",
    }
