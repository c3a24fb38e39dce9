"""The Glue table that says how records are converted, read with the role that is named for it.

Source: Amazon Data Firehose API reference, SchemaConfiguration; the role needs glue:GetTable,
glue:GetTableVersion and glue:GetTableVersions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from localcloud.firehose import parquet
from localcloud.firehose.clients import error_code
from localcloud.firehose.errors import RoleRefusedError, SchemaError
from localcloud.firehose.openx import Column, Deserializer
from localcloud.firehose.settings import Conversion

CACHE_SECONDS = 60.0

_REFUSALS = {
    "AccessDeniedException": "DataFormatConversion.AccessDenied",
    "EntityNotFoundException": "DataFormatConversion.EntityNotFound",
    "InvalidInputException": "DataFormatConversion.InvalidInput",
}


@dataclass
class TableSchema:
    """The deserializer for one table, read anew when it is older than CACHE_SECONDS."""

    client: Callable[[], Any]
    conversion: Conversion
    clock: Callable[[], float]
    _deserializer: Deserializer | None = field(default=None, init=False)
    _read: float = field(default=float("-inf"), init=False)

    def deserializer(self) -> Deserializer:
        """What turns records into rows of the table.

        Raises:
            SchemaError: The table cannot be read, or has a column of a type that is not supported. A fault of
                the service (throttling, an error of its own) is raised as it came: it passes.
        """
        if self._deserializer is None or self.clock() - self._read >= CACHE_SECONDS:
            self._deserializer = Deserializer(self._columns(), self.conversion.key_mappings)
            self._read = self.clock()
        return self._deserializer

    def _columns(self) -> list[Column]:
        try:
            table = self._table()
        except RoleRefusedError as error:
            raise SchemaError("DataFormatConversion.AccessDenied", str(error)) from error
        except ClientError as error:
            code = _REFUSALS.get(error_code(error))
            if code is None:
                raise
            raise SchemaError(code, str(error)) from error
        columns = table.get("StorageDescriptor", {}).get("Columns", [])
        if not columns:
            raise SchemaError("DataFormatConversion.InvalidSchema", "the table has no columns")
        for one in columns:
            if one["Type"] not in parquet.ARROW_TYPES:
                rule = f"column type {one['Type']!r} is not supported"
                raise SchemaError("DataFormatConversion.InvalidSchema", rule)
        return [Column(one["Name"].lower(), one["Type"]) for one in columns]

    def _table(self) -> dict[str, Any]:
        conversion = self.conversion
        catalog = {"CatalogId": conversion.catalog_id} if conversion.catalog_id else {}
        where = {**catalog, "DatabaseName": conversion.database, "TableName": conversion.table}
        if conversion.version != "LATEST":
            answer = self.client().get_table_version(**where, VersionId=conversion.version)
            return dict(answer["TableVersion"]["Table"])
        versions = self.client().get_table_versions(**where, MaxResults=1)["TableVersions"]
        return dict(versions[0]["Table"])
