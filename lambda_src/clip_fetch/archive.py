"""The clips bucket: how far one camera's archive reaches, and the put that is its commit."""

from __future__ import annotations

import base64
import struct
from typing import Any, BinaryIO, Callable, Dict, Iterator, Mapping, NamedTuple, Tuple

from .deadline import Deadline
from .errors import code_of, status_of
from .index import Index, WrittenRows
from .keys import ArchivedKey, begin_token, iso, parse, position_after, time_stem
from .model import Position, Stream
from .retry import RetryPolicy

_HOUR_MS = 3600 * 1000
_DAY_MS = 24 * _HOUR_MS

#: How far back the newest object is looked for, one listing each, until one is found. The list ends with the
#: beginning of the archive, so the number of listings does not depend on how many objects there are.
_LOOKBACKS_MS = (_HOUR_MS // 4, 2 * _HOUR_MS, 16 * _HOUR_MS, 6 * _DAY_MS, 45 * _DAY_MS, 360 * _DAY_MS)

#: A time before any footage.
_GROUND_MS = 0


class Stored(NamedTuple):
    """An object as S3 describes it."""

    etag: str
    metadata: Mapping[str, str]
    size: int


class Cache(NamedTuple):
    """What a process knows of archives, by camera prefix.

    Attributes:
        newest: The newest objects. One with the same key and ETag has the same content, so the same position:
            remembering it saves a call and cannot mislead.
        rows: Whose rows are there.
    """

    newest: Dict[str, Tuple[ArchivedKey, Stored]]
    rows: Dict[str, WrittenRows]

    @classmethod
    def empty(cls) -> Cache:
        """Know nothing yet."""
        return cls({}, {})


class Archive:
    """One camera's objects.

    Attributes:
        calls: How many calls to AWS were made.
        index: The objects' rows in the table ``clips``.
    """

    def __init__(
        self, client: Any, bucket: str, prefix: str, run: str, deadline: Deadline, retry: RetryPolicy, cache: Cache
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._run = run
        self._deadline = deadline
        self._retry = retry
        self._newest = cache.newest
        self.calls = 0
        self.index = Index(client, bucket, retry, cache.rows.setdefault(prefix, {}))

    def position(self, stream: Stream) -> Position | None:
        """Tell how far the archive reaches, as its newest object says; None when it has not begun.

        Objects that others put below the prefix are skipped: keys of another form, metadata that is not
        this function's, clips of another stream. Clips of an earlier stream of the same name do not count.

        The run that put the newest object may have died before it put the row, so that is made sure of here.
        """
        for key, etag in self._newest_first():
            stored = self._stored(key, etag)
            position = position_after(key.stem, stored.metadata)
            if position is not None and stored.metadata.get("stream") == stream.name:
                self._newest[self._prefix] = (key, stored)
                self.index.ensure(key.key, stored.etag, stored.metadata, stored.size)
                if stored.metadata.get("stream-created") == iso(stream.created_ms):
                    return position
                break
        return self._begin(stream)

    def put(
        self,
        token: str,
        body: Callable[[], BinaryIO],
        size: int,
        crc32: int,
        content_type: str,
        metadata: dict[str, str],
        check: Callable[[], None],
    ) -> bool:
        """Commit an object under a key (given without the camera's prefix) that must not exist yet, and put its row.

        ``body`` gives the content of ``size`` bytes from its beginning, once an attempt. S3 compares its
        ``crc32`` with what arrives, so a clip is stored as it was downloaded or not at all; and the content need
        not be read once more to work out a digest. ``check`` is called before each attempt, and raises when the
        put must not be made any more. The metadata's ``run`` tells whose the object is.

        Returns:
            False when another run's object is there already. An object of this run's own is this very put:
            its answer was lost and the attempt repeated.
        """
        key = self._prefix + token
        checksum = base64.b64encode(struct.pack(">I", crc32)).decode()

        def attempt() -> Any:
            check()
            self.calls += 1
            return self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body(),
                ContentType=content_type,
                ChecksumCRC32=checksum,
                Metadata=metadata,
                IfNoneMatch="*",
            )

        try:
            answer = self._retry.call(attempt)
        except Exception as error:
            if code_of(error) != "PreconditionFailed" and status_of(error) != 412:
                raise
            stored = self._head(key)
            if stored.metadata.get("run") != self._run:
                return False
        else:
            stored = Stored(str(answer.get("ETag")), metadata, size)
        parsed = parse(key, self._prefix)
        if parsed is not None:
            self._newest[self._prefix] = (parsed, stored)
        self.index.put(key, stored.etag, stored.metadata, stored.size)
        return True

    def _begin(self, stream: Stream) -> Position | None:
        # Asked by listing: a role whose listing is limited to a prefix gets 403 from HEAD for what does not exist.
        key = self._prefix + begin_token(stream)
        if not self._list(Prefix=key).get("Contents"):
            return None
        stored = self._head(key)
        position = position_after("", stored.metadata)
        if position is not None:
            self.index.ensure(key, stored.etag, stored.metadata, stored.size)
        return position

    def _stored(self, key: ArchivedKey, etag: str) -> Stored:
        known = self._newest.get(self._prefix)
        if known is not None and known[0].key == key.key and known[1].etag == etag:
            return known[1]
        return self._head(key.key)._replace(etag=etag)

    def _head(self, key: str) -> Stored:
        """Return an object as it is described; without metadata when it does not exist."""

        def attempt() -> Any:
            self.calls += 1
            return self._client.head_object(Bucket=self._bucket, Key=key)

        try:
            answer = self._retry.call(attempt)
        except Exception as error:
            if status_of(error) == 404:
                return Stored("", {}, 0)
            raise
        return Stored(str(answer.get("ETag")), answer["Metadata"], answer["ContentLength"])

    def _newest_first(self) -> Iterator[tuple[ArchivedKey, str]]:
        """Return the archive's keys from the newest on; list only when the next keys are needed."""
        now_ms = self._deadline.now_ms()
        known = self._newest.get(self._prefix)
        starts = [now_ms - lookback for lookback in _LOOKBACKS_MS] + [_GROUND_MS]
        if known is not None:
            starts.insert(0, known[0].start_ms)
        beyond: str | None = None
        for start_ms in starts:
            while True:
                tail = self._tail(max(start_ms, _GROUND_MS), now_ms + _DAY_MS, beyond)
                if not tail:
                    break
                yield from reversed(tail)
                beyond = min(key.key for key, _ in tail)

    def _tail(self, start_ms: int, end_ms: int, beyond: str | None) -> list[tuple[ArchivedKey, str]]:
        """Return the last page of keys from ``start_ms`` on and before ``beyond``.

        S3 lists forwards only, a thousand keys a page, so the end of a long archive is found by halving: of what comes
        after some moment there is nothing, then the end lies before; or a full page, then it lies behind.
        """
        page = self._page(time_stem(start_ms), beyond)
        low_ms, high_ms = start_ms, end_ms
        while page.goes_on:
            if page.found:
                low_ms = max(low_ms, page.found[-1][0].start_ms)
            middle_ms = (low_ms + high_ms) // 2
            if middle_ms <= low_ms:  # a thousand keys of one moment, or beyond the end: page by page
                following = self._page(page.last, beyond)
                page = following.behind(page) if following.found or following.goes_on else page.ended()
                continue
            later = self._page(time_stem(middle_ms), beyond)
            if later.found or later.goes_on:
                page = later
                low_ms = middle_ms
            else:
                high_ms = middle_ms
        return page.found

    def _page(self, after: str, beyond: str | None) -> _Page:
        answer = self._list(Prefix=self._prefix + "year=", StartAfter=self._prefix + after)
        contents = answer.get("Contents", [])
        found = [(parse(item["Key"], self._prefix), str(item.get("ETag"))) for item in contents]
        kept = [(key, etag) for key, etag in found if key and (beyond is None or key.key < beyond)]
        kept.sort(key=lambda pair: pair[0].order)
        reached_beyond = any(key and beyond is not None and key.key >= beyond for key, _ in found)
        last = contents[-1]["Key"][len(self._prefix) :] if contents else after
        return _Page(kept, last, bool(answer.get("IsTruncated")) and not reached_beyond)

    def _list(self, **request: str) -> Any:
        def attempt() -> Any:
            self.calls += 1
            return self._client.list_objects_v2(Bucket=self._bucket, **request)

        return self._retry.call(attempt)


class _Page:
    def __init__(self, found: list[tuple[ArchivedKey, str]], last: str, goes_on: bool) -> None:
        self.found = found
        self.last = last
        self.goes_on = goes_on

    def behind(self, before: _Page) -> _Page:
        """Return this page, with the keys that the one before has of its first stem: they may rank higher."""
        stems = {key.stem for key, _ in self.found[:1]}
        found = [pair for pair in before.found if pair[0].stem in stems] + self.found
        return _Page(sorted(found, key=lambda pair: pair[0].order), self.last, self.goes_on)

    def ended(self) -> _Page:
        return _Page(self.found, self.last, False)
