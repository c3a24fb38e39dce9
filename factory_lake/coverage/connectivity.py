"""When a gateway's lane had no connection, by AWS IoT's presence events.

Events may repeat and overtake each other, so a connection is what bears one session's ID, and its events are
ordered by their version.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from factory_lake.coverage.evidence import LaneEvidence, Offline
from factory_lake.gateway.identities import Lane, parse_lane

#: Before a lane's first connection: nothing says why.
NOT_CONNECTED = "NOT_CONNECTED"
#: A connection that another followed without an event of its end.
UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Event:
    """A presence event."""

    at_ms: int
    is_connect: bool
    client_id: str
    gateway: str
    lane: Lane
    session: str
    version: int
    reason: str = ""

    @classmethod
    def from_row(cls, row: Mapping[str, object], at_ms: int) -> "Event":
        """Read a row of the table `connections`."""
        return cls(
            at_ms,
            row["event"] == "connected",
            str(row["client_id"]),
            str(row["gateway"]),
            parse_lane(row["lane"]),
            str(row["session"]),
            int(str(row["version"] or 0)),
            str(row["reason"] or ""),
        )


@dataclass(frozen=True)
class Connected:
    """One session, from its connect to its disconnect; None where that is not known."""

    start_ms: int | None
    end_ms: int | None
    reason: str


def lanes_of(events: Iterable[Event]) -> dict[tuple[str, Lane], LaneEvidence]:
    """What the events say of each lane that they are of."""
    by_lane: dict[tuple[str, Lane], set[Event]] = defaultdict(set)
    for event in events:
        by_lane[event.gateway, event.lane].add(event)
    first_ms = min((event.at_ms for known in by_lane.values() for event in known), default=0)
    return {
        lane: LaneEvidence(tuple(_offline(sorted(known, key=_order), first_ms)), is_known=True)
        for lane, known in by_lane.items()
    }


def _order(event: Event) -> tuple[int, int, bool]:
    return event.at_ms, event.version, not event.is_connect


def _offline(events: Sequence[Event], first_ms: int) -> Iterator[Offline]:
    sessions = _sessions(events)
    client_id = events[0].client_id
    start_ms = sessions[0].start_ms
    if start_ms is not None and start_ms > first_ms:
        yield Offline(first_ms, first_ms, start_ms, NOT_CONNECTED, client_id)
    for at, session in enumerate(sessions):
        later = [one.start_ms for one in sessions[at + 1 :] if one.start_ms is not None]
        if session.end_ms is None:
            continue
        # Another session may have begun before this one was seen to end: the later one of a client ID wins.
        if any(
            (one.start_ms or 0) <= session.end_ms and (one.end_ms is None or one.end_ms > session.end_ms)
            for one in sessions[at + 1 :]
        ):
            continue
        again_ms = min((one for one in later if one >= session.end_ms), default=None)
        yield Offline(session.start_ms or first_ms, session.end_ms, again_ms, session.reason, client_id)


def _sessions(events: Sequence[Event]) -> list[Connected]:
    """The sessions of one client, in the order in which they began."""
    by_session: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_session[event.session].append(event)
    found = []
    for known in by_session.values():
        starts = [event for event in known if event.is_connect]
        ends = [event for event in known if not event.is_connect]
        end = max(ends, key=lambda one: one.version) if ends else None
        found.append(
            Connected(
                min(one.at_ms for one in starts) if starts else None,
                end.at_ms if end else None,
                (end.reason or UNKNOWN) if end else "",
            )
        )
    return sorted(found, key=lambda one: (one.start_ms if one.start_ms is not None else -1, one.end_ms or 0))
