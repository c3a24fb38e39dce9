"""Where downloads wait for their upload: files of the function's ephemeral storage, counted.

S3 must know a body's length and, over plain HTTP, its digest before it is sent, so a download cannot be
handed through; and eight clips of 100 MB do not fit into memory. Threads take their share of the storage
before they begin to download.
"""

from __future__ import annotations

import tempfile
import threading
import zlib
from contextlib import ExitStack, contextmanager
from typing import Any, BinaryIO, Callable, Iterable, Iterator

from .deadline import Deadline

#: How much of a download is read at once.
CHUNK = 256 * 1024

#: A clip as MP4 is smaller than its fragments as Matroska; this covers what the container adds.
_OVERHEAD = 1.05
_SLACK = 1024 * 1024


class Spool:
    """A folder with so many bytes to give out."""

    def __init__(self, folder: str, capacity: int) -> None:
        self._folder = folder
        self._free = capacity
        self._capacity = capacity
        self._changed = threading.Condition()

    @contextmanager
    def files(self, count: int, size: int, deadline: Deadline) -> Iterator[list[SpooledFile]]:
        """Return empty files for downloads of about ``size`` bytes each; they are gone when the block ends.

        Waits for other threads to give storage back. Downloads larger than the whole storage get all of it:
        the sizes are estimates, and a full disk is an error that the camera survives.

        Raises:
            DeadlineExceededError: There was not enough before the deadline.
        """
        share = min(count * (int(size * _OVERHEAD) + _SLACK), self._capacity)
        with self._changed:
            while self._free < share:
                deadline.check()
                self._changed.wait(1.0)
            self._free -= share
        try:
            with ExitStack() as stack:
                # Nameless files: whatever ends the process, nothing stays behind.
                yield [
                    SpooledFile(stack.enter_context(tempfile.TemporaryFile(dir=self._folder))) for _ in range(count)
                ]
        finally:
            with self._changed:
                self._free += share
                self._changed.notify_all()


class SpooledFile:
    """One download on disk.

    Attributes:
        crc32: Of all of them, as they came.
    """

    def __init__(self, handle: BinaryIO) -> None:
        self._handle = handle
        self.size = 0
        self.crc32 = 0

    def fill(self, body: Any, deadline: Deadline, look: Callable[[bytes], None] | None = None) -> None:
        """Write a streaming body, replacing what was there; ``look`` sees every chunk.

        Raises:
            DeadlineExceededError: The deadline came first.
        """
        try:
            self.write(iter(lambda: body.read(CHUNK), b""), deadline, look)
        finally:
            body.close()

    def write(self, chunks: Iterable[bytes], deadline: Deadline, look: Callable[[bytes], None] | None = None) -> None:
        """Write these bytes, replacing what was there; the deadline ends that as well."""
        self.size = self.crc32 = 0
        self._handle.seek(0)
        self._handle.truncate()
        for chunk in chunks:
            deadline.check()
            self._handle.write(chunk)
            self.size += len(chunk)
            self.crc32 = zlib.crc32(chunk, self.crc32)
            if look is not None:
                look(chunk)

    def rewound(self) -> BinaryIO:
        """Return the bytes, from the beginning; there is one reading position."""
        self._handle.seek(0)
        return self._handle
