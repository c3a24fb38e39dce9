"""What the demonstration measured, as one JSON document."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_IMPORTED = time.time()


def seconds_since_start() -> float:
    """Seconds since the user's command began: set-up by make counts, and it began before this process."""
    return time.time() - float(os.environ.get("FACTORY_LAKE_STARTED") or _IMPORTED)


@dataclass(frozen=True)
class QueryRun:
    """One named query's run: its name, how many rows it gave, and seconds from start to result."""

    name: str
    rows: int
    seconds: float


@dataclass
class Summary:
    """Collects the parts of `summary.json`.

    Attributes:
        messages: `{total: {...}, by_lane: {"<factory>/<lane>": {...}}}`, numbers of messages.
        batches: How many were sent, with how many samples; how many samples were put back, delivered, rejected, lost
            and duplicated; and samples a second on the connection that caught up.
        cost: `{usd_per_million_samples: {single, basic_ingest, batch14, best}}`, see `harness.demo.cost`.
        queries: Every named query's run.
        configuration: `{tried, right}`: random instants, and at how many the configuration in force was right.
        moments: `{tried, right, worst_frames_off}`, see `harness.demo.moments`.
        video: The figures of the video, see `harness.camera.reconciliation`.
        coverage: What a coverage got right of the outages that were caused, see `harness.outages.judge`.
        seconds: What each part took: set_up, apply, deliver, video, query, total.
    """

    messages: Mapping[str, Any] = field(default_factory=dict)
    batches: Mapping[str, Any] = field(default_factory=dict)
    cost: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    queries: list[QueryRun] = field(default_factory=list)
    configuration: Mapping[str, int] = field(default_factory=dict)
    video: Mapping[str, Any] = field(default_factory=dict)
    moments: Mapping[str, int] = field(default_factory=dict)
    coverage: Mapping[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write it; a reader never sees half of it."""
        document = {
            "messages": self.messages,
            "batches": self.batches,
            "cost": self.cost,
            "queries": [{**asdict(run), "seconds": round(run.seconds, 3)} for run in self.queries],
            "configuration": self.configuration,
            "video": self.video,
            "moments": self.moments,
            "coverage": self.coverage,
            "seconds": {name: round(value, 1) for name, value in self.seconds.items()},
        }
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        partial.replace(path)
