"""What a lake knows of a range of time: facts that readers find and `states` judges.

All of it is plain data, so the reckoning needs neither a lake nor a clock. Times are epoch milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from factory_lake.gateway.identities import Lane


@dataclass(frozen=True, order=True)
class Tag:
    """A tag of a gateway: a name within a device."""

    gateway: str
    device: str
    name: str

    def __str__(self) -> str:
        return f"{self.gateway}/{self.device}/{self.name}"


@dataclass(frozen=True)
class Pauses:
    """How a tag's intervals are spread, over the range and the days before it.

    Attributes:
        samples: How many samples that stands on.
        tenth_ms: A tenth of the intervals are at most so long; the others likewise.
        rare_ms: Of a hundred intervals one is longer.
        longest_before_ms: The longest one of the days before the range; 0 when there was none.
    """

    samples: int
    tenth_ms: int = 0
    median_ms: int = 0
    ninetieth_ms: int = 0
    rare_ms: int = 0
    longest_before_ms: int = 0


@dataclass(frozen=True)
class Run:
    """Samples that follow each other without a longer pause.

    Attributes:
        end_ms: When its last sample was taken.
        late: Whether they arrived on a later day than they were taken.
    """

    start_ms: int
    end_ms: int
    count: int
    late: bool = False


@dataclass(frozen=True)
class TagHistory:
    """What arrived of a tag: its runs in order, from the one that reaches to the range on.

    Attributes:
        seen_before: Whether it had samples in the days before the range.
    """

    tag: Tag
    runs: tuple[Run, ...]
    pauses: Pauses
    seen_before: bool = False


@dataclass(frozen=True)
class Failure:
    """Messages, or samples, that did not get into their table.

    Attributes:
        state: Whether the transform refused them, or the topic rule could not hand them on.
        at_ms: When they were taken where they say so believably, else when they arrived.
        gateway: None where nothing tells.
        tag: Device and name; None where the message does not tell.
        reason: The rule that is broken, or the action that failed.
        place: The object and line that it lies in.
    """

    state: Literal["refused", "error_action"]
    lane: Lane
    at_ms: int
    gateway: str | None
    tag: tuple[str, str] | None
    reason: str
    place: str
    count: int = 1


@dataclass(frozen=True)
class Offline:
    """A gateway's lane had no connection.

    Attributes:
        noticed_ms: When AWS noticed: a gateway that lost its power was gone before.
        end_ms: When it connected again; None when it has not.
        reason: AWS IoT's.
        known_to_ms: Until when it would be known that it connected again; None where that does not bound it.
    """

    start_ms: int
    noticed_ms: int
    end_ms: int | None
    reason: str
    client_id: str
    known_to_ms: int | None = None


@dataclass(frozen=True)
class Waiting:
    """What arrived in this time may not be in its table yet; why, and the metric that says so."""

    start_ms: int
    end_ms: int
    cause: str
    evidence: str


@dataclass(frozen=True)
class Clock:
    """A gateway's clock was off, though by no more than the lake takes.

    Attributes:
        start_ms: When the first of its samples arrived that show it, to the minute.
        end_ms: When the last one did.
        behind_ms: By how much it is behind, the way of the samples included; less than 0 when it is ahead.
        samples: How many there were.
    """

    start_ms: int
    end_ms: int
    behind_ms: int
    samples: int


@dataclass(frozen=True)
class LaneEvidence:
    """What is known of one lane of one gateway, beside the tables.

    Attributes:
        offline: In order.
        known_from_ms: From when on its connections are known; None when nothing is known of them.
        messages: When its messages arrived, in order; of the lane configuration alone.
        takeovers: When another connection with the same client ID took its connection over, in order; each lasts
            until that one ended.
        clocks: When the gateway's clock was off, in order; of the lane measurements alone.
    """

    offline: tuple[Offline, ...] = ()
    known_from_ms: int | None = None
    messages: tuple[tuple[int, int], ...] = ()
    takeovers: tuple[Offline, ...] = ()
    clocks: tuple[Clock, ...] = ()


@dataclass(frozen=True)
class Footage:
    """A clip of the archive, or fragments that are not archived yet."""

    start_ms: int
    end_ms: int
    fragments: int
    place: str
    flags: str = ""


@dataclass(frozen=True)
class Loss:
    """A gap record: footage of at most this long, before the archive goes on, was lost or may have been."""

    start_ms: int
    end_ms: int
    flags: str
    place: str


@dataclass(frozen=True)
class CameraHistory:
    """What is known of a camera.

    Attributes:
        created_ms: When its stream was made.
        listed_from_ms: Since when the stream's footage is retained.
        due_ms: How long after its end footage is archived at the latest, when nothing is amiss.
        metric: What CloudWatch has of its backlog, by name.
        pause_ms: The longest pause between fragments that is none.
    """

    camera: str
    clips: tuple[Footage, ...]
    losses: tuple[Loss, ...]
    waiting: tuple[Footage, ...]
    created_ms: int
    listed_from_ms: int
    due_ms: int
    pause_ms: int
    stream: str
    metric: str


@dataclass(frozen=True)
class FactoryEvidence:
    """Everything that is known of one factory."""

    factory: str
    gateways: tuple[str, ...]
    tags: tuple[TagHistory, ...] = ()
    failures: tuple[Failure, ...] = ()
    lanes: Mapping[tuple[str, Lane], LaneEvidence] = field(default_factory=dict)
    waiting: Mapping[Lane, tuple[Waiting, ...]] = field(default_factory=dict)
    cameras: tuple[CameraHistory, ...] = ()
    #: Whether there is a table of connections to look into.
    has_connections: bool = True
    notes: tuple[str, ...] = ()
