"""Catalogs and object stores for tests: tables given as Glue has them, objects in a dictionary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.athena.catalog import StoredObject
from localcloud.athena.errors import QueryError


@dataclass
class MemoryStorage:
    """A catalog and an object store in memory, which notes the bucket and prefix or key of what was read."""

    tables: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    listed: list[tuple[str, str]] = field(default_factory=list)
    authorized: list[tuple[str, str]] = field(default_factory=list)
    read: list[tuple[str, str]] = field(default_factory=list)

    def table(self, database: str, name: str) -> Mapping[str, Any] | None:
        """See ``Catalog``."""
        return self.tables.get((database, name))

    def list(self, bucket: str, prefix: str) -> Iterator[StoredObject]:
        """See ``ObjectStore``."""
        if not any(known == bucket for known, _ in self.objects):
            raise QueryError("HIVE_INVALID_BUCKET", f"bucket {bucket} does not exist")
        self.listed.append((bucket, prefix))
        for (known, key), body in self.objects.items():
            if known == bucket and key.startswith(prefix):
                yield StoredObject(key, len(body))

    def authorize_list(self, bucket: str, prefix: str) -> None:
        """See ``ObjectStore``."""
        self.authorized.append((bucket, prefix))

    def get(self, bucket: str, key: str) -> bytes:
        """See ``ObjectStore``."""
        self.read.append((bucket, key))
        return self.objects[bucket, key]
