"""What the injector of outages writes down."""

import json
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from factory_lake.coverage.model import State, Subject


@dataclass(frozen=True)
class Outage:
    """One outage, and what is to be said of it.

    Attributes:
        kind: What was done.
        subjects: Of which something is missing for it; nothing is of any other.
        begin_ms: When the first sample, or footage, that is missing would have been taken.
        end_ms: When the first that is there again was taken.
        state: The state that is expected from begin to end.
        reasons: The reason that is expected, one of them.
        slack_ms: By how much the state may begin and end earlier or later: what one sample, or fragment, stands for.
    """

    kind: str
    subjects: tuple[Subject, ...]
    begin_ms: int
    end_ms: int
    state: State
    reasons: tuple[str, ...]
    slack_ms: int


class OutageLog:
    """The outages of a run, in a file as well; threads may write to it.

    Args:
        path: A file, a JSON object a line.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._outages: list[Outage] = []
        path.parent.mkdir(parents=True, exist_ok=True)

    def add(self, outage: Outage) -> None:
        """Write an outage down."""
        with self._lock:
            self._outages.append(outage)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(outage)) + "\n")

    def outages(self, but: Iterable[str] = ()) -> list[Outage]:
        """All of them so far, but those of some kinds."""
        left_out = set(but)
        with self._lock:
            return [outage for outage in self._outages if outage.kind not in left_out]
