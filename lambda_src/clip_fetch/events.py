"""What Lambda hands to the function, and what the function returns."""

from __future__ import annotations

from typing import TypedDict


class ScheduleEvent(TypedDict, total=False):
    """The event of an invocation; other keys are ignored.

    Attributes:
        shard: Which share of the cameras, counted from 0.
    """

    shard: int
    shards: int


class Summary(TypedDict):
    """What a run returns and logs.

    Attributes:
        cameras: How many the run looked at.
        clips: Stored.
        fragments: In them.
        flagged: Clips that are not as they should be, and losses.
        gap_records: Put.
        expired_seconds: Footage that may be lost, at most.
        errors: The code of what stopped a camera, by its name.
        unfinished: Names of the cameras that wait for the next run.
        seconds_to_loss: Of the camera nearest to it; None when no camera could be looked at.
    """

    factory: str
    cameras: int
    clips: int
    fragments: int
    bytes: int
    flagged: int
    gap_records: int
    expired_seconds: float
    calls: int
    errors: dict[str, str]
    unfinished: list[str]
    seconds_to_loss: float | None
