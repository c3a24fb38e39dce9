"""What a query reads: Glue's tables and views, and S3's objects."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from localcloud.athena.errors import QueryError
from localcloud.athena.types import Type, from_glue, from_trino


@dataclass(frozen=True)
class StoredObject:
    """An object that a listing found; its size in bytes."""

    key: str
    size: int


class ObjectStore(Protocol):
    """S3 as a query reads it; what its caller may not do is an AccessDeniedError."""

    def list(self, bucket: str, prefix: str) -> Iterable[StoredObject]:
        """All objects whose key begins with ``prefix``, in any order; a QueryError if there is no such bucket."""

    def authorize_list(self, bucket: str, prefix: str) -> None:
        """Check that the caller may list ``prefix``."""

    def get(self, bucket: str, key: str) -> bytes:
        """The bytes of an object."""


class Catalog(Protocol):
    """Glue's Data Catalog as a query reads it; what its caller may not do is an AccessDeniedError."""

    def table(self, database: str, name: str) -> Mapping[str, Any] | None:
        """A table in the shape of Glue's GetTable, or ``None``."""


@dataclass(frozen=True)
class Table:
    """A Glue table, read for queries: its columns in order, those of its partitions apart."""

    database: str
    name: str
    columns: Mapping[str, Type]
    partition_columns: Mapping[str, Type]
    location: str
    serde: str
    serde_parameters: Mapping[str, str]
    parameters: Mapping[str, str]

    @property
    def full_name(self) -> str:
        """Its name with that of its database, for messages."""
        return f"{self.database}.{self.name}"

    @classmethod
    def from_glue(cls, database: str, table: Mapping[str, Any]) -> Table:
        """Read a table in the shape of Glue's GetTable.

        Raises:
            QueryError: it has no SerDe information, or a column of a type that cannot be read.
        """
        name = str(table["Name"])
        place = f"table {database}.{name}"
        storage, serde = _storage(table, place)
        return cls(
            database=database,
            name=name,
            columns=_typed(storage.get("Columns") or (), place),
            partition_columns=_typed(table.get("PartitionKeys") or (), place),
            location=str(storage.get("Location") or ""),
            serde=str(serde["SerializationLibrary"]),
            serde_parameters=dict(serde.get("Parameters") or {}),
            parameters=dict(table.get("Parameters") or {}),
        )


@dataclass(frozen=True)
class View:
    """A Glue table that is a view of Athena's own kind.

    Attributes:
        schema: the database of table names in its query that bring none.
        columns: its columns and their types, in order, as they were when it was made.
    """

    database: str
    name: str
    sql: str
    schema: str
    columns: Mapping[str, Type]

    @property
    def full_name(self) -> str:
        """Its name as Athena's messages have it."""
        return f"awsdatacatalog.{self.database}.{self.name}"

    @classmethod
    def from_glue(cls, database: str, table: Mapping[str, Any]) -> View:
        """Read a view in the shape of Glue's GetTable.

        Athena keeps what Trino's Hive connector keeps (``ViewReaderUtil`` there): a document in JSON and
        base64 between ``/* Presto View: `` and `` */``, with the query and the columns in Trino's types.

        Raises:
            QueryError: it is a view of another kind, has no SerDe information, cannot be decoded, or says two
                things of its columns.
        """
        name = str(table["Name"])
        place = f"view {database}.{name}"
        parameters = table.get("Parameters") or {}
        if (
            table.get("ViewDefinition")
            or str(parameters.get("presto_view", "")).lower() != "true"
            or parameters.get("comment") == "Presto Materialized View"
        ):
            raise QueryError(
                "NOT_SUPPORTED_LOCALLY",
                f"{place}: the local engine reads views of Athena's own kind (presto_view), no Hive views, "
                "no materialized ones and none in several dialects",
            )
        storage, _ = _storage(table, place)
        document = _view_document(str(table.get("ViewOriginalText") or ""), place)
        columns = {
            str(column["name"]).lower(): from_trino(str(column["type"]), f"{place}, column {column['name']}")
            for column in document["columns"]
        }
        in_glue = _typed(storage.get("Columns") or (), place)
        if list(columns.items()) != list(in_glue.items()):
            raise QueryError(
                "NOT_SUPPORTED_LOCALLY",
                f"{place}: Glue's columns ({_shown(in_glue)}) are not those of the view's document "
                f"({_shown(columns)}): write both alike",
            )
        return cls(database, name, document["originalSql"], str(document["schema"]).lower(), columns)


_VIEW_BEGIN, _VIEW_END = "/* Presto View: ", " */"


def _view_document(text: str, place: str) -> dict[str, Any]:
    def unusable(why: str) -> QueryError:
        return QueryError("HIVE_INVALID_VIEW_DATA", f"{place}: {why}")

    if not text.startswith(_VIEW_BEGIN) or not text.endswith(_VIEW_END):
        raise unusable(f"its original text is no Presto view: {text[:40]!r}")
    try:
        document = json.loads(base64.b64decode(text[len(_VIEW_BEGIN) : -len(_VIEW_END)], validate=True))
    except (binascii.Error, ValueError) as error:
        raise unusable("its document is not JSON in base64") from error
    for key, kind in (("originalSql", str), ("catalog", str), ("schema", str), ("columns", list)):
        if not isinstance(document, dict) or not isinstance(document.get(key), kind):
            raise unusable(f"its document has no {key}")
    if not all(isinstance(column, dict) and {"name", "type"} <= column.keys() for column in document["columns"]):
        raise unusable("its document has a column without name or type")
    if document["catalog"].lower() != "awsdatacatalog":
        raise QueryError("CATALOG_NOT_FOUND", f"{place}: Catalog '{document['catalog']}' does not exist")
    return dict(document)


def _storage(table: Mapping[str, Any], place: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The storage descriptor and its SerDe information, which Athena wants of tables and views alike.

    The messages are those of public reports (hashicorp/terraform-provider-aws#28517, apache/iceberg#4549;
    dacort/metabase-athena-driver#62). What a view's SerDe is called does not matter.

    Raises:
        QueryError: something of it is missing.
    """
    storage = table.get("StorageDescriptor") or {}
    serde = storage.get("SerdeInfo")
    if not serde:
        why = "Table storage descriptor is missing SerDe info"
    elif not serde.get("SerializationLibrary"):
        why = "Required Table SerDe information is not populated"
    else:
        return storage, serde
    raise QueryError("HIVE_METASTORE_ERROR", f"{why} ({place})")


def _typed(columns: Iterable[Mapping[str, str]], place: str) -> dict[str, Type]:
    return {
        column["Name"].lower(): from_glue(column.get("Type", "string"), f"{place}, column {column['Name']}")
        for column in columns
    }


def _shown(columns: Mapping[str, Type]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())


def split_url(url: str, place: str) -> tuple[str, str]:
    """Bucket and key of an ``s3://`` URL.

    Raises:
        QueryError: it is none.
    """
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme not in ("s3", "s3a", "s3n") or not bucket:
        raise QueryError("HIVE_INVALID_METADATA", f"{place}: {url!r} is no s3:// URL")
    return bucket, key
