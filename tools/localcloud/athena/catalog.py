"""What a query needs of its surroundings: Glue's tables and S3's objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tools.localcloud.athena.errors import QueryError
from tools.localcloud.athena.types import Type, from_glue


@dataclass(frozen=True)
class StoredObject:
    """An object that a listing found.

    Attributes:
        key: its key.
        size: its bytes.
    """

    key: str
    size: int


class ObjectStore(Protocol):
    """S3 as a query reads it, with its caller's permissions."""

    def list(self, bucket: str, prefix: str) -> Iterable[StoredObject]:
        """All objects whose key begins with ``prefix``, in any order.

        Raises:
            QueryError: there is no such bucket.
        """

    def authorize_list(self, bucket: str, prefix: str) -> None:
        """Checks that the caller may list ``prefix``.

        Raises:
            AccessDeniedError: it may not.
        """

    def get(self, bucket: str, key: str) -> bytes:
        """The bytes of an object.

        Raises:
            AccessDeniedError: the caller may not read it.
        """


class Catalog(Protocol):
    """Glue's Data Catalog as a query reads it, with its caller's permissions."""

    def table(self, database: str, name: str) -> Mapping[str, Any] | None:
        """A table in the shape of Glue's GetTable, or ``None``.

        Raises:
            AccessDeniedError: the caller may not read it.
        """

    def partitions(self, database: str, name: str) -> Sequence[Mapping[str, Any]]:
        """The partitions that are registered for a table, in the shape of Glue's GetPartitions."""


@dataclass(frozen=True)
class Table:
    """A Glue table, read for queries.

    Attributes:
        database: its database.
        name: its name.
        columns: its columns and their types, in order, without those of its partitions.
        partition_columns: the same for its partitions.
        location: S3 URL of its objects.
        serde: class that reads them.
        serde_parameters: that class's settings.
        parameters: the table's properties.
    """

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
        """Reads a table in the shape of Glue's GetTable.

        Raises:
            QueryError: it is a view, or has a column of a type that cannot be read.
        """
        name = str(table["Name"])
        place = f"table {database}.{name}"
        if table.get("TableType") == "VIRTUAL_VIEW":
            raise QueryError("NOT_SUPPORTED_LOCALLY", f"{place} is a view: the local engine reads tables")
        storage = table.get("StorageDescriptor") or {}
        serde = storage.get("SerdeInfo") or {}

        def typed(columns: Iterable[Mapping[str, str]]) -> dict[str, Type]:
            return {
                column["Name"].lower(): from_glue(
                    column.get("Type", "string"), f"{place}, column {column['Name']}"
                )
                for column in columns
            }

        return cls(
            database=database,
            name=name,
            columns=typed(storage.get("Columns") or ()),
            partition_columns=typed(table.get("PartitionKeys") or ()),
            location=str(storage.get("Location") or ""),
            serde=str(serde.get("SerializationLibrary") or ""),
            serde_parameters=dict(serde.get("Parameters") or {}),
            parameters=dict(table.get("Parameters") or {}),
        )


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
