"""Keep the tables in docs/data.md: columns as the schema files have them, rules as the transform has them.

The document marks the place of a table's columns with ``<!-- columns of measurements -->`` and ``<!-- end
-->``, and that of the rules with ``<!-- rules of messages -->``; `make docs` writes what is between.
"""

from __future__ import annotations

import re
from pathlib import Path

from scripts.package import ROOT
from transform import errors, schema
from transform.schema import Column, Schema

SCHEMAS = ROOT / "glue_schemas"
DOCUMENT = ROOT / "docs" / "data.md"

_PLACE = re.compile(r"(<!-- columns of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_RULES = re.compile(r"(<!-- rules of messages -->\n).*?(<!-- end -->)", re.DOTALL)
#: A code of ``transform.errors`` with the comment above it: which messages, and of which lanes.
_RULE = re.compile(r'((?:^#: .*\n)+)^([A-Z0-9_]+) = "\2"$', re.MULTILINE)


def load(table: str, schemas: Path) -> Schema:
    """Read a schema file with the transform's own reader, which refuses a bad one."""
    return schema.load(table, str(schemas))


def columns(schema: Schema) -> str:
    """Write a table's columns as a table in Markdown."""
    by_key = schema.format == "parquet"
    header = ["column", "type", *(["JSON key", "required"] if by_key else []), "what it holds"]
    rows = [header, ["---"] * len(header)]
    rows += [_row(column, by_key, partition=False) for column in schema.columns]
    rows += [_row(column, by_key, partition=True) for column in schema.partition_keys]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def rules() -> str:
    """Write the rules that a message can break as a table in Markdown."""
    source = Path(errors.__file__).read_text(encoding="utf-8")
    rows = "".join(
        f"| `{code}` | {' '.join(line[3:] for line in comment.splitlines())} |\n"
        for comment, code in _RULE.findall(source)
    )
    return f"| rule in the log | which messages | lanes |\n| --- | --- | --- |\n{rows}"


def _row(column: Column, by_key: bool, *, partition: bool) -> list[str]:
    key = f"`{column.source}`" if column.source else ""
    origin = [key, "yes" if column.required else ""] if by_key else []
    comment = f"{column.comment} (partition)" if partition else column.comment
    return [f"`{column.name}`", column.type, *origin, comment.replace("|", "\\|")]


def render(text: str, schemas: Path) -> str:
    """Return a document with its tables up to date.

    Raises:
        ValueError: The document has no place for a schema file's columns.
        SchemaError: A schema file is missing or bad.
    """
    places = {match.group(2) for match in _PLACE.finditer(text)}
    for file in sorted(schemas.glob("*.json")):
        if file.stem not in places:
            raise ValueError(f"{file.name}: the document has no '<!-- columns of {file.stem} -->' with an end")
    text = _RULES.sub(lambda match: match[1] + rules() + match[2], text)
    return _PLACE.sub(lambda match: match[1] + columns(load(match[2], schemas)) + match[3], text)
