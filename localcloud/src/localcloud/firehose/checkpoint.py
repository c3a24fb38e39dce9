"""Checkpoints on disk: a delivery stream resumes where it was, whatever moment the process was killed at."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class ShardCheckpoint:
    """Everything up to `position` has been delivered; a closed shard with `finished` has no more to read."""

    position: str | None
    finished: bool = False


@dataclass(frozen=True)
class Checkpoint:
    """Progress of one delivery stream.

    Attributes:
        identity: Which delivery stream this is: one that was deleted and made again under its name is another.
    """

    identity: str
    shards: Mapping[str, ShardCheckpoint] = field(default_factory=dict)


class CheckpointFile:
    """The checkpoint of one delivery stream in one JSON file, replaced atomically and flushed to the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self, identity: str) -> Checkpoint:
        """The stored checkpoint, or an empty one where none of this identity is stored.

        Raises:
            ValueError: The file is not a checkpoint. It is never overwritten: what it stood for would be lost.
        """
        try:
            stored = json.loads(self.path.read_text())
            shards = {shard: ShardCheckpoint(**entry) for shard, entry in stored["shards"].items()}
            same = stored["identity"] == identity
        except FileNotFoundError:
            return Checkpoint(identity)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{self.path} is not a checkpoint; remove it to read the stream from its start"
            ) from error
        return Checkpoint(identity, shards if same else {})

    def store(self, checkpoint: Checkpoint) -> None:
        """Replace the file; when this returns the checkpoint survives a crash."""
        text = json.dumps(asdict(checkpoint), indent=1)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        with fresh.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)

    def remove(self) -> None:
        """Forget the delivery stream."""
        self.path.unlink(missing_ok=True)
