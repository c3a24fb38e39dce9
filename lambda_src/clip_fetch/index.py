"""The rows of one camera in the table ``clips``: each is put right after the object that it describes.

A camera's archive is committed object by object, and no run commits the next one before the row of the one that it
stands on is there: that of its own object it has put, that of another's it puts when it reads how far the archive
reaches. So whatever run dies, only the newest object can lack its row, and the next run puts it.
"""

from __future__ import annotations

import base64
import io
import struct
import zlib
from typing import Any, Dict, Mapping

from . import rows
from .errors import ClipFetchError, is_transient
from .retry import RetryPolicy

#: ETags of the objects whose rows this process has put, by key: of a camera's the last two, as many as a run reads.
WrittenRows = Dict[str, str]
_KEPT = 2


class Index:
    """Puts the rows of one camera's objects.

    Attributes:
        calls: How many calls to AWS were made.
        refusal: Why S3 takes no row, where waiting does not help. Footage expires and a row can be made at any time,
            so the archive goes on without.
    """

    def __init__(self, client: Any, bucket: str, retry: RetryPolicy, written: WrittenRows) -> None:
        self._client = client
        self._bucket = bucket
        self._retry = retry
        self._written = written
        self.calls = 0
        self.refusal: Exception | None = None

    def ensure(self, key: str, etag: str, metadata: Mapping[str, str], size: int) -> None:
        """Put the row of an object that is there already, unless this process did before; raises as :meth:`put`."""
        if self._written.get(key) != etag:
            self.put(key, etag, metadata, size)

    def put(self, key: str, etag: str, metadata: Mapping[str, str], size: int) -> None:
        """Put the row of an object of the archive.

        The put has no condition: the row of an object that took a deleted one's place replaces that one's, whose
        content, and so its ETag, may have been the same.

        Raises:
            Exception: That of the last attempt, when a later run may succeed; the row waits for it.
        """
        row_key, row = rows.row_key(key), rows.row(key, metadata, size)
        if row_key is None or row is None:
            return
        body, checksum = row, base64.b64encode(struct.pack(">I", zlib.crc32(row))).decode()

        def attempt() -> None:
            self.calls += 1
            self._client.put_object(
                Bucket=self._bucket,
                Key=row_key,
                Body=io.BytesIO(body),
                ContentType=rows.CONTENT_TYPE,
                ChecksumCRC32=checksum,
            )

        try:
            self._retry.call(attempt)
        except Exception as error:
            if isinstance(error, ClipFetchError) or is_transient(error):
                raise
            self.refusal = error
            return
        self._written.pop(key, None)
        self._written[key] = etag
        for old in list(self._written)[:-_KEPT]:
            del self._written[old]
