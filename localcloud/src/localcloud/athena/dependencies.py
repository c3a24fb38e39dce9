"""MiniStack's Glue and S3 as a query's caller may use them.

Athena reads with the permissions of the caller who starts a query: glue:GetTable on catalog, database and
table, s3:ListBucket and s3:GetObject on what it reads, s3:GetBucketLocation and s3:PutObject where the result
goes ("Allow access to prefixes", "Fine-grained access to databases and tables" in the Athena user guide).
Each is evaluated here with MiniStack's own policy evaluator for the key that signed StartQueryExecution.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import glue, s3

from localcloud import keys
from localcloud.athena.catalog import StoredObject
from localcloud.athena.errors import AccessDeniedError, QueryError
from localcloud.patches import encryption

_WRITE_SECONDS = 60.0


@dataclass(frozen=True)
class Caller:
    """Who asked: the key that signed the request, and the account and region that it is for."""

    access_key: str
    account: str
    region: str

    def check(self, action: str, resource: str, context: Mapping[str, str] | None = None) -> None:
        """Evaluate the caller's policies.

        Raises:
            AccessDeniedError: they do not allow ``action`` on ``resource``.
        """
        denied = iam_evaluator.enforce(
            self.access_key,
            action,
            action.partition(":")[0],
            self.region,
            resource_arn=resource,
            service_context=dict(context or {}),
        )
        if denied is not None:
            raise AccessDeniedError(action, resource, getattr(denied, "principal_arn", ""))

    def check_key(self, bucket: str, key: str, kms_key: str | None, actions: tuple[str, ...]) -> None:
        """Have KMS asked whether the caller may use an object's key, if it has one.

        Raises:
            AccessDeniedError: KMS refuses.
        """
        if kms_key and keys.refusal(self.access_key, encryption.s3_use(bucket, key, kms_key, actions)):
            raise AccessDeniedError(" ".join(actions), kms_key, "")


@dataclass(frozen=True)
class GlueCatalog:
    """Glue's tables, for a caller."""

    caller: Caller

    def table(self, database: str, name: str) -> Mapping[str, Any] | None:
        """See ``Catalog``."""
        catalog = f"arn:aws:glue:{self.caller.region}:{self.caller.account}"
        for resource in ("catalog", f"database/{database}", f"table/{database}/{name}"):
            self.caller.check("glue:GetTable", f"{catalog}:{resource}")
        table: Mapping[str, Any] | None = glue._tables.get(f"{database}/{name}")
        return table


@dataclass(frozen=True)
class S3Store:
    """S3's objects, for a caller; the loop is the one that MiniStack runs on."""

    caller: Caller
    loop: asyncio.AbstractEventLoop

    def list(self, bucket: str, prefix: str) -> Iterator[StoredObject]:
        """See ``ObjectStore``."""
        found = s3._buckets.get(bucket)
        if found is None:
            raise QueryError("HIVE_METASTORE_ERROR", f"The specified bucket does not exist: {bucket}")
        # A copy in one step: the event loop's thread goes on writing.
        for key, item in list(found["objects"].items()):
            if key.startswith(prefix):
                yield StoredObject(key, int(item["size"]))

    def authorize_list(self, bucket: str, prefix: str) -> None:
        """See ``ObjectStore``."""
        self.caller.check("s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": prefix})

    def get(self, bucket: str, key: str) -> bytes:
        """See ``ObjectStore``."""
        self.caller.check("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
        self.caller.check_key(bucket, key, encryption.key_of_object(bucket, key), encryption.DECRYPT)
        body: bytes | None = s3._get_object_data(bucket, key)
        if body is None:
            raise QueryError("HIVE_CANNOT_OPEN_SPLIT", f"s3://{bucket}/{key} is gone")
        return body

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Store a query's result.

        Raises:
            QueryError: the caller may not, or there is no such bucket.
        """
        url = f"s3://{bucket}/{key}"
        try:
            self.caller.check("s3:GetBucketLocation", f"arn:aws:s3:::{bucket}")
            self.caller.check("s3:PutObject", f"arn:aws:s3:::{bucket}/{key}")
            self.caller.check_key(bucket, key, encryption.key_for_writing(bucket), encryption.ENCRYPT)
        except AccessDeniedError as error:
            raise QueryError(
                "PERMISSION_DENIED",
                f"Access denied when writing output to url: {url}. Please ensure you are allowed to access "
                f"the S3 bucket ({error.detail})",
            ) from error
        status, _, _ = self._on_the_loop(s3._put_object, bucket, key, body, {"content-length": str(len(body))})
        if status >= 300:
            raise QueryError("GENERIC_USER_ERROR", f"writing output to {url} failed with status {status}")

    def _on_the_loop(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call one of MiniStack's functions where it expects to run: writes are not made for threads."""
        done: Future[Any] = Future()

        def call() -> None:
            try:
                done.set_result(function(*arguments))
            except Exception as error:
                done.set_exception(error)

        # The copied context says which account and region the request is for.
        self.loop.call_soon_threadsafe(call, context=contextvars.copy_context())
        return done.result(_WRITE_SECONDS)


def bucket_exists(bucket: str) -> bool:
    """Whether there is such a bucket."""
    return s3._buckets.get(bucket) is not None
