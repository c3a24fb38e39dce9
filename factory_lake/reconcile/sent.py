"""What was sent, sample by sample: the journals' messages, batches opened."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from factory_lake.gateway.batches import samples_of, split
from factory_lake.gateway.journal import Entry, read_journals


def read_samples(directory: Path) -> list[Entry]:
    """Every message in a directory's journals, by source and position; a batch as its samples.

    Raises:
        JournalError: When there is no journal, or one is damaged before its last line.
    """
    return [sample for entry in read_journals(directory) for sample in by_sample(entry)]


def by_sample(entry: Entry) -> Iterator[Entry]:
    """What the lake judges one by one of a message. Each sample shares what became of its batch's publishes."""
    elements = split(entry.payload) if entry.source.lane == "measurements" else None
    if not elements:
        yield entry
    elif len(elements) == 1:
        yield _with(entry, elements[0])
    else:
        found = [(element, sample) for element in elements for sample in samples_of(element)]
        for place, (element, sample) in enumerate(found, start=1):
            yield replace(_with(entry, sample), sample=place, is_nested=sample != element)


def _with(entry: Entry, sample: bytes) -> Entry:
    return replace(entry, payload=sample, sha256=hashlib.sha256(sample).hexdigest())
