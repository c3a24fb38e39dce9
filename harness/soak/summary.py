"""What a soak found, as one JSON document."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.camera.reconciliation import VideoReport
from harness.outages.judge import Verdict
from harness.soak.reconciliation import Messages


@dataclass
class Summary:
    """`build/soak/summary.json`; docs/soak.md says what its members count."""

    seed: int
    minutes: float = 0.0
    messages: int = 0
    batches: int = 0
    samples_in_batches: int = 0
    put_back: int = 0
    put_back_calls_hit: int = 0
    lost: int = 0
    duplicated: int = 0
    misplaced: int = 0
    delivered: int = 0
    rejected: int = 0
    rejected_in_outages: int = 0
    rejected_not_split: int = 0
    redriven: int = 0
    error_action: int = 0
    refused_puts: int = 0
    error_objects: int = 0
    redelivered: int = 0
    repeated_by_mqtt: int = 0
    repeated_by_delivery: int = 0
    repeated_by_put_back: int = 0
    repeated_samples: int = 0
    repeats_found_by_query: int = 0
    query_disagreements: int = 0
    distinct_rows: int = 0
    rows_of_view: int = 0
    fragments: int = 0
    fragments_lost: int = 0
    fragments_duplicated: int = 0
    frames: int = 0
    frames_lost: int = 0
    frames_duplicated: int = 0
    clips: int = 0
    clips_flagged: int = 0
    faults: Mapping[str, int] = field(default_factory=Counter)
    faults_without_effect: Mapping[str, int] = field(default_factory=Counter)
    messages_per_second: float = 0.0
    reconnects: int = 0
    resent: int = 0
    peak_rss_mb: float = 0.0
    rss_mb: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    coverage: Verdict | None = None

    def take_rejected(self, messages: Messages) -> None:
        """Take over the figures of what was rejected with an excuse."""
        self.rejected_in_outages = len(messages.rejected_in_outages)
        self.rejected_not_split = len(messages.rejected_not_split)

    def take_messages(self, messages: Messages) -> None:
        """Take over the figures of the messages."""
        total = messages.report.total
        self.messages, self.lost = total.sent, total.lost
        self.delivered, self.rejected, self.error_action = total.delivered, total.rejected, total.error_action
        self.batches, self.samples_in_batches = messages.batches, messages.report.in_batches.sent
        self.duplicated = len(messages.unexplained)
        counted_apart = ("lost", "altered", "duplicated")
        self.misplaced = sum(one.kind not in counted_apart for one in messages.faulty)
        self.error_objects, self.redelivered = messages.error_objects, total.redelivered
        self.repeated_by_mqtt = messages.repeated_by_mqtt
        self.repeated_by_delivery = messages.repeated_by_delivery
        self.repeated_by_put_back = messages.repeated_by_put_back
        self.repeated_samples = len(messages.expected_repeats)
        self.repeats_found_by_query = len(messages.found_repeats)
        self.query_disagreements = len(messages.disagreements)
        self.distinct_rows, self.rows_of_view = messages.distinct_rows, messages.rows_of_view

    def take_video(self, video: VideoReport) -> None:
        """Take over the figures of the video."""
        self.fragments, self.frames, self.clips = video.fragments, video.frames, video.clips
        self.fragments_lost, self.frames_lost = video.fragments_lost, video.frames_lost
        self.fragments_duplicated = video.fragments_duplicated
        self.frames_duplicated, self.clips_flagged = video.frames_duplicated, video.flagged

    @property
    def failures(self) -> list[str]:
        """Each figure that fails the soak."""
        wrong = {
            "lost": self.lost,
            "duplicated": self.duplicated,
            "misplaced": self.misplaced,
            "query_disagreements": self.query_disagreements,
            "fragments_lost": self.fragments_lost,
            "fragments_duplicated": self.fragments_duplicated,
            "frames_lost": self.frames_lost,
            "frames_duplicated": self.frames_duplicated,
        }
        found = [f"{name}: {number}" for name, number in wrong.items() if number]
        if self.rows_of_view != self.distinct_rows:
            found.append(f"rows_of_view: {self.rows_of_view} for {self.distinct_rows} distinct_rows")
        if self.error_objects != self.refused_puts:
            found.append(f"error_objects: {self.error_objects} for {self.refused_puts} refused_puts")
        if self.coverage is not None and not self.coverage.is_right:
            found.append(f"coverage: {json.dumps(self.coverage.to_json())}")
        return found

    def to_json(self) -> dict[str, Any]:
        """As plain data, times and memory rounded."""
        return {
            **asdict(self),
            "faults": dict(sorted(self.faults.items())),
            "faults_without_effect": dict(sorted(self.faults_without_effect.items())),
            "minutes": round(self.minutes, 2),
            "messages_per_second": round(self.messages_per_second, 1),
            "peak_rss_mb": round(self.peak_rss_mb),
            "rss_mb": {
                when: {role: round(mb) for role, mb in sorted(roles.items())} for when, roles in self.rss_mb.items()
            },
            "seconds": {name: round(value, 1) for name, value in self.seconds.items()},
            "coverage": None if self.coverage is None else self.coverage.to_json(),
        }

    def write(self, path: Path) -> None:
        """Write it; a reader never sees half of it."""
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(self.to_json(), indent=2) + "\n", encoding="utf-8")
        partial.replace(path)
