"""What is known of one gateway's lane, from AWS; each fact may be unknown, with the reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from factory_lake.coverage.evidence import Clock
from factory_lake.doctor.model import Known, Unknown
from factory_lake.doctor.watching import Event
from factory_lake.gateway.identities import Source

#: How far back counts and logs are read, and what of it counts as happening now.
WINDOW_MS = 60 * 60 * 1000
RECENT_MS = 15 * 60 * 1000
#: How long a connection must last to count as one that stands.
STABLE_MS = 120 * 1000

_NOT_ASKED = Unknown("it was not asked for")


@dataclass(frozen=True)
class Certificate:
    """A certificate that the lake made for the client, or that is attached to its thing.

    Attributes:
        certificate_id: Its ID.
        status: ACTIVE, INACTIVE, REVOKED, and what else AWS IoT has.
        policies: Names of the policies that are attached to it.
        not_before_ms: When its validity begins.
        not_after_ms: When it ends.
    """

    certificate_id: str
    status: str
    policies: Known[tuple[str, ...]]
    not_before_ms: int
    not_after_ms: int


@dataclass(frozen=True)
class Connection:
    """What AWS IoT says of the client's connection, or of the one that ended last."""

    connected: bool
    since_ms: int | None = None
    reason: str = ""
    clean_session: bool | None = None
    keep_alive: int | None = None  # seconds
    ip: str = ""


@dataclass(frozen=True)
class Rule:
    """The lane's topic rule."""

    enabled: bool
    sql: str
    streams: tuple[str, ...]  # data streams that it puts into


@dataclass(frozen=True)
class Count:
    """What a metric counted within the window, by minute."""

    points: tuple[tuple[int, float], ...] = ()  # start of the minute in epoch ms, and its value

    def since(self, from_ms: int) -> float:
        """The sum from a moment on."""
        return sum(value for at, value in self.points if at >= from_ms)

    @property
    def last_ms(self) -> int:
        """The last minute with a count; 0 without any."""
        return max((at for at, value in self.points if value), default=0)

    @property
    def latest(self) -> float | None:
        """The newest value."""
        return max(self.points)[1] if self.points else None


Counts = Mapping[str, Count]


@dataclass(frozen=True)
class RuleFailure:
    """What the newest document of the rule's error action says."""

    at_ms: int
    client_id: str
    reason: str
    key: str


@dataclass(frozen=True)
class Refusal:
    """A message of this gateway that the transform refused."""

    received_ms: int
    rule: str
    field: str = ""


@dataclass(frozen=True)
class Arrivals:
    """What of this gateway is in the table, of the window and of the days that were read."""

    rows: int  # that arrived within the window
    last_ms: int | None  # when the broker took the newest
    days: int  # how many days' partitions were read


@dataclass(frozen=True)
class LogEntry:
    """An entry of AWS IoT's own log about this client, or about its certificate."""

    at_ms: int
    event: str
    status: str
    reason: str = ""
    client_id: str = ""
    topic: str = ""


@dataclass(frozen=True)
class Delivery:
    """The lane behind its rule; a status is empty where the resource is not there."""

    stream: Known[str] = _NOT_ASKED
    delivery_stream: Known[str] = _NOT_ASKED
    function: Known[str] = _NOT_ASKED
    interval_seconds: int = 300
    counts: Known[Counts] = _NOT_ASKED


@dataclass(frozen=True)
class Gateway:
    """Everything that the checks look at.

    Attributes:
        source: Whose lane it is.
        now_ms: When the facts were collected.
        topics: The topics that its policy must allow, Basic Ingest's among them.
        arn: `arn:<partition>:iot:<region>:<account>`.
        rule_name: The lane's rule.
        thing: Whether its thing is there.
        certificates: Its certificates that AWS IoT has.
        lake_certificates: IDs of those that the lake made for it.
        foreign: Client IDs of the things that other certificates, seen in its events, belong to; empty for none.
        policy: The policy document that is in force; None where there is none.
        events: Presence events while the doctor listened.
        watched_seconds: For how long it did.
        history: Presence events of the table `connections`.
        connection: What AWS IoT says of it; None where AWS IoT knows of none.
        broker: The broker's metrics, of the whole account.
        rule: The topic rule; None where there is none.
        rule_counts: Its metrics.
        rule_failure: The newest document of its error action within the window; None without any.
        delivery: What is behind it.
        refusals: What the transform refused.
        arrivals: What is in the table.
        log: Entries of AWS IoT's own log.
        clocks: When its clock was off within the window, by no more than the lake takes; of measurements alone.
    """

    source: Source
    now_ms: int
    topics: tuple[str, ...]
    arn: str
    rule_name: str
    thing: Known[bool] = _NOT_ASKED
    certificates: Known[tuple[Certificate, ...]] = _NOT_ASKED
    lake_certificates: frozenset[str] = frozenset()
    foreign: Mapping[str, Known[str]] = field(default_factory=dict)
    policy: Known[str | None] = _NOT_ASKED
    events: Known[tuple[Event, ...]] = _NOT_ASKED
    watched_seconds: float = 0
    history: Known[tuple[Event, ...]] = _NOT_ASKED
    connection: Known[Connection | None] = _NOT_ASKED
    broker: Known[Counts] = _NOT_ASKED
    rule: Known[Rule | None] = _NOT_ASKED
    rule_counts: Known[Counts] = _NOT_ASKED
    rule_failure: Known[RuleFailure | None] = _NOT_ASKED
    delivery: Delivery = field(default_factory=Delivery)
    refusals: Known[tuple[Refusal, ...]] = _NOT_ASKED
    arrivals: Known[Arrivals] = _NOT_ASKED
    log: Known[tuple[LogEntry, ...]] = _NOT_ASKED
    clocks: Known[tuple[Clock, ...]] = _NOT_ASKED

    @property
    def recent_ms(self) -> int:
        """From when on something counts as happening now."""
        return self.now_ms - RECENT_MS

    @property
    def presence(self) -> Sequence[Event]:
        """The presence events of the last while that are known, each once, in order.

        What was before a connection that stands is over.
        """
        from_ms, known_connection = self.recent_ms, self.connection
        if not isinstance(known_connection, Unknown) and known_connection is not None and known_connection.connected:
            since_ms = known_connection.since_ms or 0
            from_ms = max(from_ms, since_ms if since_ms < self.now_ms - STABLE_MS else 0)
        known = {
            (one.kind, one.session, one.version, one.at_ms): one
            for events in (self.history, self.events)
            if not isinstance(events, Unknown)
            for one in events
            if one.at_ms >= from_ms
        }
        return sorted(known.values(), key=lambda one: (one.at_ms, one.version))

    @property
    def is_silent(self) -> bool | None:
        """Whether nothing of it arrived in the last while, buffering left aside; None where that is unknown."""
        if isinstance(self.arrivals, Unknown):
            return None
        last_ms = self.arrivals.last_ms
        return last_ms is None or last_ms < self.recent_ms - self.delivery.interval_seconds * 1000
