"""What the page of a factory shows beside the coverage: plain records, and what follows from them."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from shlex import quote

from factory_lake.canary.marks import ID as CANARY
from factory_lake.connections import Connection
from factory_lake.coverage.evidence import Failure
from factory_lake.gateway.identities import Lane
from factory_lake.redrive.lines import KEY

#: Why a session ended of whose end no event came.
UNKNOWN = "UNKNOWN"


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
class Change:
    """A change of an alarm's state.

    Attributes:
        reason: Why it was in ALARM, of the state that it took or left.
    """

    at_ms: int
    alarm: str
    before: str
    state: str
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


def refusals_of(factory: str, failures: Iterable[Failure], first_day: date, last_day: date) -> tuple[Refused, ...]:
    """Failures by rule, of objects of some days: how many, one of their objects, and the command that redrives all."""
    alike: dict[tuple[Lane, str, str], list[Failure]] = defaultdict(list)
    for failure in failures:
        kind, day = _kind_and_day(failure.place)
        if str(first_day) <= day <= str(last_day):
            alike[failure.lane, failure.reason, kind].append(failure)
    found = []
    for (lane, rule, kind), each in alike.items():
        days = {_kind_and_day(one.place)[1] for one in each}
        words = [*("factory-lake", "redrive", "errors", "--factory", factory, "--lane", lane, "--type", kind)]
        words += [*("--from-day", min(days), "--to-day", max(days), "--only-accepted", "--apply")]
        count, key = sum(one.count for one in each), each[0].place.rpartition("#")[0]
        found.append(Refused(rule, lane, count, key, " ".join(map(quote, words))))
    return tuple(sorted(found, key=lambda one: (-one.count, one.lane, one.rule)))


def _kind_and_day(place: str) -> tuple[str, str]:
    """Error type and day of an error object, of `s3://BUCKET/KEY#LINE`."""
    parts = KEY.match(place.removeprefix("s3://").partition("/")[2])
    if parts is None:
        raise ValueError(f"{place} is no error object")
    return parts[3], "-".join(parts.group(4, 5, 6))


def month_of(at_ms: int) -> int:
    """When the month (UTC) of a moment began."""
    begun = datetime.fromtimestamp(at_ms // 1000, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return int(begun.timestamp()) * 1000


def periods_in_alarm(changes: Iterable[Change], from_ms: int) -> tuple[Fired, ...]:
    """Alarms that were in ALARM, of changes of their states; what a range begins with began at `from_ms` or before."""
    fired: list[Fired] = []
    since: dict[str, Change] = {}
    for change in sorted(changes, key=lambda one: one.at_ms):
        begun = since.pop(change.alarm, None)
        if change.state == "ALARM":
            since[change.alarm] = begun or change
        elif begun is not None:
            fired.append(Fired(change.alarm, begun.at_ms, change.at_ms, begun.reason))
        elif change.before == "ALARM":
            fired.append(Fired(change.alarm, from_ms, change.at_ms, change.reason))
    fired += (Fired(change.alarm, change.at_ms, None, change.reason) for change in since.values())
    return tuple(sorted(fired, key=lambda one: (-one.at_ms, one.alarm)))


def sessions_of(connections: Iterable[Connection], from_ms: int, to_ms: int) -> tuple[Sessions, ...]:
    """Each gateway's connections within a range: how many, how long, and why those ended that ended in it."""
    by_client: dict[tuple[str, str], list[Connection]] = defaultdict(list)
    for one in connections:
        if one.gateway != CANARY and one.start_ms < to_ms and (one.end_ms is None or one.end_ms > from_ms):
            by_client[one.gateway, one.lane].append(one)
    found = []
    for (gateway, lane), each in sorted(by_client.items()):
        ends = [to_ms if one.end_ms is None else min(one.end_ms, to_ms) for one in each]
        connected_ms = sum(end - max(one.start_ms, from_ms) for one, end in zip(each, ends, strict=True))
        reasons = Counter(one.reason or UNKNOWN for one in each if one.end_ms is not None and one.end_ms <= to_ms)
        found.append(Sessions(gateway, lane, len(each), connected_ms, tuple(reasons.most_common())))
    return tuple(found)
