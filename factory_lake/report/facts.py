"""What the page of a factory shows beside the coverage: plain records, and what follows from them."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from factory_lake.gateway.identities import Lane


@dataclass(frozen=True)
class Arrived:
    """What a lane's table has of a day.

    Attributes:
        day: The day (UTC) that the samples belong to; of configuration, on which the lines arrived.
        rows: Every row, repeats included.
        distinct: Each message once.
        late: Of those, the samples that arrived after that day.
        latest_ms: How long after it was taken the latest of them arrived.
    """

    day: date
    lane: Lane
    rows: int
    distinct: int
    late: int = 0
    latest_ms: int = 0


@dataclass(frozen=True)
class Refused:
    """Messages, or samples of batches, that a lane refused by one rule.

    Attributes:
        key: An object that has one of them, as `s3://BUCKET/KEY`.
        command: What brings them back once the cause is mended.
    """

    rule: str
    lane: Lane
    count: int
    key: str
    command: str


@dataclass(frozen=True)
class Sessions:
    """A client's connections in the range.

    Attributes:
        reasons: Why sessions ended, by AWS IoT's reason, and how often.
    """

    gateway: str
    lane: str
    sessions: int
    connected_ms: int
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Cost:
    """What the factory has cost since a month's beginning, by the calculator.

    Attributes:
        prices: Whose prices these are, as their file says.
        groups: Amounts by group.
        month: What a month at this pace costs.
    """

    from_ms: int
    to_ms: int
    prices: str
    currency: str
    groups: tuple[tuple[str, float], ...]
    month: float

    @property
    def amount(self) -> float:
        """All groups together."""
        return sum(amount for _, amount in self.groups)


@dataclass(frozen=True)
class Fired:
    """An alarm that went into ALARM.

    Attributes:
        until_ms: When it left the state; None where it is in it.
    """

    alarm: str
    at_ms: int
    until_ms: int | None
    reason: str


@dataclass(frozen=True)
class Clip:
    """A clip of the archive.

    Attributes:
        url: Where a browser gets it: a link that expires, or the clip itself as a `data:` URI; empty for neither.
    """

    camera: str
    start_ms: int
    key: str
    url: str = ""


@dataclass(frozen=True)
class Facts:
    """Everything that the page of a factory shows beside its coverage.

    Attributes:
        links_end_ms: When the clips' links expire at the latest; None without links.
        notes: What limits these facts, in sentences.
    """

    factory: str
    arrived: tuple[Arrived, ...] = ()
    refused: tuple[Refused, ...] = ()
    sessions: tuple[Sessions, ...] | None = None  # None where the lake keeps no connections
    cost: Cost | None = None
    alarms: tuple[Fired, ...] = ()
    clips: tuple[Clip, ...] = ()
    links_end_ms: int | None = None
    scanned_bytes: int = 0
    query_ms: int = 0
    notes: tuple[str, ...] = field(default=())

    def rows(self, lane: Lane) -> int:
        """How many rows a lane's table has of the range."""
        return sum(one.rows for one in self.arrived if one.lane == lane)

    @property
    def repeats(self) -> int:
        """How many rows say again what another says."""
        return sum(one.rows - one.distinct for one in self.arrived)

    @property
    def late(self) -> int:
        """How many samples arrived after their day."""
        return sum(one.late for one in self.arrived)


def periods_in_alarm(changes: Iterable[tuple[int, str, str, str]]) -> list[Fired]:
    """Alarms that fired, of changes of state: epoch ms, alarm, new state, reason."""
    fired: list[Fired] = []
    since: dict[str, tuple[int, str]] = {}
    for at_ms, alarm, state, reason in sorted(changes):
        begun = since.pop(alarm, None)
        if state == "ALARM":
            since[alarm] = begun or (at_ms, reason)
        elif begun is not None:
            fired.append(Fired(alarm, begun[0], at_ms, begun[1]))
    fired += (Fired(alarm, at_ms, None, reason) for alarm, (at_ms, reason) in since.items())
    return sorted(fired, key=lambda one: (-one.at_ms, one.alarm))


def sessions_of(periods: Iterable[tuple[str, str, int, int, str | None]]) -> tuple[Sessions, ...]:
    """Each client's connections, of periods: gateway, lane, first and last moment, the reason where it ended."""
    by_client: dict[tuple[str, str], list[tuple[int, str | None]]] = defaultdict(list)
    for gateway, lane, start_ms, end_ms, reason in periods:
        by_client[gateway, lane].append((end_ms - start_ms, reason))
    return tuple(
        Sessions(
            gateway,
            lane,
            len(each),
            sum(length_ms for length_ms, _ in each),
            tuple(Counter(reason for _, reason in each if reason is not None).most_common()),
        )
        for (gateway, lane), each in sorted(by_client.items())
    )
