"""The cameras' journal: a JSON object a line for each fragment that the service acknowledged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class SentFragment:
    """A fragment that the service has acknowledged.

    Attributes:
        camera: camera ID.
        stream: stream name.
        number: fragment number.
        start_ms: producer timestamp, epoch milliseconds.
        length_ms: playback duration.
        frames: identities of its frames in the order in which they are shown.
        packets: digests of its video packets in decoding order.
    """

    camera: str
    stream: str
    number: int
    start_ms: int
    length_ms: int
    frames: tuple[str, ...]
    packets: tuple[str, ...]


class Journal:
    """A journal file; several cameras may write to one, each line at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def add(self, fragments: list[SentFragment]) -> None:
        """Appends fragments."""
        lines = "".join(json.dumps(asdict(fragment)) + "\n" for fragment in fragments)
        with self._path.open("ab", buffering=0) as file:
            file.write(lines.encode())

    def read(self) -> Iterator[SentFragment]:
        """All fragments in the order in which they were written; none when there is no file yet."""
        if not self._path.exists():
            return
        with self._path.open() as file:
            for line in file:
                values = json.loads(line)
                yield SentFragment(
                    **{**values, "frames": tuple(values["frames"]), "packets": tuple(values["packets"])}
                )
