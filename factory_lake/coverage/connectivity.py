"""When a gateway's lane had no connection, by the periods that AWS IoT's presence events tell."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from factory_lake.canary.marks import ID as CANARY
from factory_lake.connections import TAKEN_OVER, Connection, Event, connections
from factory_lake.coverage.evidence import LaneEvidence, Offline
from factory_lake.gateway.identities import Lane, parse_lane

#: Before a lane's first connection: nothing says why.
NOT_CONNECTED = "NOT_CONNECTED"
#: No event says why a connection ended.
UNKNOWN = "UNKNOWN"
# By so much the event of the new connection may be later than that of the old one's end.
_TOGETHER_MS = 5_000


def lanes_of(events: Sequence[Event], known_to_ms: int | None = None) -> dict[tuple[str, Lane], LaneEvidence]:
    """What the events of a factory say of each lane that they are of.

    Args:
        events: In any order; those of the canary's gateway are no lane's.
        known_to_ms: Until when the events are surely all there; those since may still be in a buffer.
    """
    events = [event for event in events if event.gateway != CANARY]
    first_ms = min((event.at_ms for event in events), default=0)
    by_lane: dict[tuple[str, Lane], list[Connection]] = defaultdict(list)
    for connection in connections(events, first_ms):
        by_lane[connection.gateway, parse_lane(connection.lane)].append(connection)
    return {
        lane: LaneEvidence(
            tuple(_offline(known, first_ms, known_to_ms)),
            min(one.start_ms for one in known),
            takeovers=tuple(_takeovers(known)),
        )
        for lane, known in by_lane.items()
    }


def _offline(known: Iterable[Connection], first_ms: int, known_to_ms: int | None) -> Iterator[Offline]:
    """The times between a client's connections, from the factory's first event on."""
    ordered = sorted(known, key=lambda one: one.start_ms)
    first = ordered[0]
    if first.is_begin_known and first.start_ms > first_ms:
        yield Offline(first_ms, first_ms, first.start_ms, NOT_CONNECTED, first.client_id)
    for connection, following in pairwise([*ordered, None]):
        if connection is None or connection.end_ms is None:
            continue
        again_ms = None if following is None else following.start_ms
        if again_ms is None or again_ms > connection.end_ms:
            reason = connection.reason or UNKNOWN
            to_ms = None if known_to_ms is None else max(known_to_ms, connection.end_ms)
            yield Offline(connection.start_ms, connection.end_ms, again_ms, reason, connection.client_id, to_ms)


def _takeovers(known: Iterable[Connection]) -> Iterator[Offline]:
    """The times since another connection took one over, until that one ended."""
    for connection, following in pairwise(sorted(known, key=lambda one: one.start_ms)):
        end_ms = connection.end_ms
        if connection.reason == TAKEN_OVER and end_ms is not None and following.start_ms <= end_ms + _TOGETHER_MS:
            yield Offline(connection.start_ms, end_ms, following.end_ms, TAKEN_OVER, connection.client_id)
