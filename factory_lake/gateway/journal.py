r"""What one connection sent, written down before it is sent.

A journal is a file of JSON lines, `<directory>/<client ID>.jsonl`, that is only ever appended to:

    {"source":{"factory":"krakow","gateway":"line-1","lane":"measurements"},"topic":"...","client_id":"..."}
    {"n":1,"attempt":1,"at_ms":1772600000000,"sha256":"9f...","payload_b64":"eyJ..."}
    {"n":1,"acked_ms":1772600000012}
    {"n":2,"attempt":1,...}
    {"n":2,"attempt":2,"at_ms":1772600003000}
    {"n":2,"refused":"Not authorized"}

A line is given to the operating system before the publish that it speaks of, so it survives the death of the
process (not a power cut). A truncated last line was therefore never followed by its publish: a reader passes
over it, and the next writer cuts it off. `attempt` counts publishes of the same message, which is how many
copies QoS 1 can explain. A message without `acked_ms` or `refused` is unacknowledged: whoever opens the
journal next sends it first. A batch is one message here, since it is published and acknowledged as one.
"""

import base64
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from factory_lake.gateway.errors import ConfigurationError, JournalError
from factory_lake.gateway.identities import Source, parse_lane


@dataclass(frozen=True)
class Entry:
    """One message and what became of its publishes."""

    source: Source
    n: int  # its position in the journal, from 1
    payload: bytes
    sha256: str
    first_ms: int  # when it was first published, epoch ms by the gateway's clock
    last_ms: int
    attempts: int = 1
    acked_ms: int | None = None  # when the broker acknowledged it; None while it has not
    refused: str | None = None  # why the broker refused it; None when it did not
    sample: int | None = None  # of which sample of a batch this speaks, from 1; None for the message as a whole
    is_nested: bool = False  # whether that sample lies in a batch within the batch

    @property
    def is_unacknowledged(self) -> bool:
        """Whether it still has to be delivered."""
        return self.acked_ms is None and self.refused is None


@dataclass
class Journal:
    """A connection's journal, open for appending. One process at a time; used by one thread."""

    path: Path
    source: Source
    _descriptor: int
    _last: int
    _attempts: dict[int, int] = field(default_factory=dict)

    @classmethod
    def open(cls, directory: Path, source: Source) -> "Journal":
        """Open the source's journal in a directory, making both when missing.

        Raises:
            JournalError: When the file is damaged, in use, or another source's.
        """
        directory.mkdir(parents=True, exist_ok=True)
        path = journal_path(directory, source)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            _lock(descriptor, path)
            _cut_truncated_line(descriptor)
            whose, entries = _read(path)
            _check_source(path, whose, source)
        except BaseException:
            os.close(descriptor)
            raise
        attempts = {entry.n: entry.attempts for entry in entries if entry.is_unacknowledged}
        journal = cls(path, source, descriptor, entries[-1].n if entries else 0, attempts)
        if whose is None:
            where = {"factory": source.factory, "gateway": source.gateway, "lane": source.lane}
            journal._append({"source": where, "topic": source.topic, "client_id": source.client_id})
        return journal

    def unacknowledged(self) -> list[Entry]:
        """The messages that an earlier process left unacknowledged, oldest first."""
        return [entry for entry in read_journal(self.path) if entry.is_unacknowledged]

    def add(self, payload: bytes, at_ms: int) -> int:
        """Write a new message down, before its first publish.

        Returns:
            Its position.
        """
        self._last += 1
        self._attempts[self._last] = 1
        self._append(
            {
                "n": self._last,
                "attempt": 1,
                "at_ms": at_ms,
                "sha256": hashlib.sha256(payload).hexdigest(),
                "payload_b64": base64.b64encode(payload).decode("ascii"),
            }
        )
        return self._last

    def record_retransmission(self, n: int, at_ms: int) -> None:
        """Write down, before it happens, that a message is published once more."""
        self._attempts[n] += 1
        self._append({"n": n, "attempt": self._attempts[n], "at_ms": at_ms})

    def acked(self, n: int, at_ms: int) -> None:
        """Write down that the broker took a message."""
        del self._attempts[n]
        self._append({"n": n, "acked_ms": at_ms})

    def refused(self, n: int, reason: str) -> None:
        """Write down that the broker refused a message for good."""
        del self._attempts[n]
        self._append({"n": n, "refused": reason})

    def close(self) -> None:
        """Make everything durable on the disk and close the file."""
        if self._descriptor >= 0:
            os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _append(self, record: dict[str, Any]) -> None:
        line = json.dumps(record, separators=(",", ":")).encode("ascii") + b"\n"
        written = os.write(self._descriptor, line)
        if written != len(line):
            raise JournalError(self.path, f"only {written} of {len(line)} bytes could be written; is the disk full?")


def journal_path(directory: Path, source: Source) -> Path:
    """Where a source's journal is."""
    return directory / f"{source.client_id}.jsonl"


def read_journals(directory: Path) -> list[Entry]:
    """Every message in a directory's journals, by source and position.

    Raises:
        JournalError: When there is no journal, or one is damaged before its last line.
    """
    paths = sorted(directory.glob("*.jsonl"))
    if not paths:
        raise JournalError(directory, "has no journal (*.jsonl)")
    return [entry for path in paths for entry in read_journal(path)]


def read_journal(path: Path) -> list[Entry]:
    """Every message in a journal, by position. A truncated last line is skipped.

    Raises:
        JournalError: When another line is damaged.
    """
    return _read(path)[1]


def _read(path: Path) -> tuple[Source | None, list[Entry]]:
    """Whose a journal is, None when it broke off before saying so, and its messages."""
    entries: dict[int, Entry] = {}
    source: Source | None = None
    for number, line in _whole_lines(path):
        try:
            record = json.loads(line)
            if number == 1:
                source = _source(record)
            elif source is not None:
                _apply(entries, source, record)
        except (ValueError, KeyError, TypeError, ConfigurationError) as error:
            raise JournalError(f"{path}:{number}", "not a journal's line") from error
    return source, list(entries.values())


def _source(record: dict[str, Any]) -> Source:
    where = record["source"]
    return Source(where["factory"], where["gateway"], parse_lane(where["lane"]))


def _apply(entries: dict[int, Entry], source: Source, record: dict[str, Any]) -> None:
    n: int = record["n"]
    if "payload_b64" in record:
        at_ms: int = record["at_ms"]
        payload = base64.b64decode(record["payload_b64"], validate=True)
        entries[n] = Entry(source, n, payload, record["sha256"], first_ms=at_ms, last_ms=at_ms)
    elif "attempt" in record:
        entries[n] = replace(entries[n], attempts=record["attempt"], last_ms=record["at_ms"])
    elif "acked_ms" in record:
        entries[n] = replace(entries[n], acked_ms=record["acked_ms"])
    else:
        entries[n] = replace(entries[n], refused=record["refused"])


def _whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.endswith(b"\n"):
                yield number, line


def _check_source(path: Path, whose: Source | None, source: Source) -> None:
    if whose not in (source, None):
        raise JournalError(path, f"is the journal of {whose}, not of {source}")


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise JournalError(path, "is in use: another process sends as this gateway") from error


def _cut_truncated_line(descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    content = os.pread(descriptor, size, 0)
    if content and not content.endswith(b"\n"):
        os.ftruncate(descriptor, content.rfind(b"\n") + 1)
