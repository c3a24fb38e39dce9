"""What was sent, sample by sample: the journals' messages, batches opened."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from factory_lake.gateway.batches import samples_of
from factory_lake.gateway.journal import Entry, read_journals


def read_samples(directory: Path) -> list[Entry]:
    """Every message in a directory's journals, by source and position; a batch as its samples.

    Raises:
        JournalError: When there is no journal, or one is damaged before its last line.
    """
    return [sample for entry in read_journals(directory) for sample in by_sample(entry)]


def by_sample(entry: Entry) -> Iterator[Entry]:
    """What the lake judges one by one of a message. Each sample shares what became of its batch's publishes."""
    samples = samples_of(entry.payload) if entry.source.lane == "measurements" else [entry.payload]
    for place, sample in enumerate(samples, start=1):
        if sample == entry.payload:
            yield entry
        else:
            sha256 = hashlib.sha256(sample).hexdigest()
            yield replace(entry, payload=sample, sha256=sha256, sample=place if len(samples) > 1 else None)
