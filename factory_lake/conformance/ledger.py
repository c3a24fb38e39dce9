"""What a run has made or was about to make, on disk before it is made, so that a kill leaves nothing unknown."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from factory_lake.errors import FactoryLakeError

_FOLDER = "ledgers"


class Entry(NamedTuple):
    """A resource that may be there."""

    kind: str  # of `resources.KINDS`
    identifier: str


@dataclass(frozen=True)
class Place:
    """Where a run makes its resources."""

    region: str
    account: str
    endpoint: str  # of a local cloud; empty on AWS


class Ledger:
    """One run's entries, a JSON line each, in `<folder>/ledgers/<run>.jsonl`; the first line names run and place."""

    def __init__(self, file: Path, run: str, place: Place) -> None:
        self.file = file
        self.run = run
        self.place = place
        self._lock = threading.Lock()

    @classmethod
    def begin(cls, folder: Path, run: str, place: Place) -> Self:
        """Begin the ledger of a new run."""
        file = folder / _FOLDER / f"{run}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        # It is there with its first line, or not at all: a search beside it takes an empty one for a killed run's.
        partial = cls(file.with_suffix(".partial"), run, place)
        partial._append({"run": run, **vars(place)})
        partial.file.replace(file)
        return cls(file, run, place)

    @classmethod
    def all_in(cls, folder: Path) -> Iterator[Self]:
        """The ledgers of runs that have left something, or were killed.

        Raises:
            FactoryLakeError: When a ledger's first line is not one.
        """
        for file in sorted((folder / _FOLDER).glob("*.jsonl")):
            lines = _lines(file)
            if not lines:  # killed before the first line was whole: nothing was made
                file.unlink()
                continue
            try:
                head = dict(lines[0])
                yield cls(file, head.pop("run"), Place(**head))
            except (KeyError, TypeError) as error:
                raise FactoryLakeError(file, "must begin with the line that names run and place") from error

    def add(self, entry: Entry) -> None:
        """Note what is about to be made."""
        self._append({"made": entry})

    def deleted(self, entry: Entry) -> None:
        """Note that it is gone."""
        self._append({"deleted": entry})

    def outstanding(self) -> list[Entry]:
        """What may still be there, in the order in which it was made."""
        found: dict[Entry, None] = {}
        for line in _lines(self.file):
            if "made" in line:
                found.setdefault(Entry(*line["made"]))
            elif "deleted" in line:
                found.pop(Entry(*line["deleted"]), None)
        return list(found)

    def close(self) -> None:
        """Remove the ledger of a run that has left nothing."""
        self.file.unlink(missing_ok=True)

    def _append(self, document: object) -> None:
        with self._lock, self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(document) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _lines(file: Path) -> list[dict[str, Any]]:
    """The whole lines of a ledger: a kill may have cut the last one, of which nothing was made yet."""
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            document = json.loads(line)
        except ValueError:
            continue
        if isinstance(document, dict):
            found.append(document)
    return found
