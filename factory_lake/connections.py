"""From presence events to periods of connection: when each client was connected, and why it no longer was.

Pure: rows of the table `connections` in, periods out. Events may repeat and overtake each other on their way into the
table (AWS IoT Core developer guide, "Lifecycle events"), and one may not have come yet. What holds is used alone:

- both events of a connection have its session and its version number, and no other connection of the client has both;
- within a session later connections have larger numbers;
- a client ID has one connection at a time: a new one ends the one before.

Numbers begin again when a client was away for long, so they do not order sessions. The times of the events do, which
AWS calls approximate; sessions of a client follow each other, since a new one replaces the one before.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

CONNECTED, DISCONNECTED = "connected", "disconnected"
#: Why a connection ends whose client ID connects again.
TAKEN_OVER = "DUPLICATE_CLIENTID"
#: The table's columns that are needed here.
COLUMNS = ("ts", "event", "client_id", "gateway", "lane", "session", "version", "reason", "ip_address")
_CONNECT_MS = 1000


@dataclass(frozen=True)
class Event:
    """One row of the table."""

    at_ms: int
    event: str
    client_id: str
    gateway: str
    lane: str
    session: str
    version: int
    reason: str = ""
    ip: str = ""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Read a row by its columns' names; `ts` is a time in UTC, as Athena's API or a file has it, or epoch ms.

        Raises:
            KeyError, ValueError: When a column is missing or holds something else.
        """
        return cls(
            at_ms=_epoch_ms(row["ts"]),
            event=str(row["event"]),
            client_id=str(row["client_id"]),
            gateway=str(row["gateway"]),
            lane=str(row["lane"]),
            session=str(row["session"]),
            version=int(row["version"]),
            reason=str(row["reason"] or ""),
            ip=str(row["ip_address"] or ""),
        )


@dataclass(frozen=True)
class Connection:
    """A time during which a client was connected.

    Attributes:
        start_ms: When it began: by its event, or the earliest that the other events allow where that has not come.
        end_ms: When it ended; None when nothing says that it did.
        reason: Why it ended, as AWS IoT names it; empty when it has not, or when no event says why.
        ip: Where the client connected from; empty where the event has not come.
        is_begin_known, is_end_known: Whether an event says so.
    """

    client_id: str
    gateway: str
    lane: str
    start_ms: int
    end_ms: int | None
    session: str
    reason: str = ""
    ip: str = ""
    version: int = 0
    is_begin_known: bool = True
    is_end_known: bool = True


def connections(events: Iterable[Event], since_ms: int = 0) -> list[Connection]:
    """The connections that events tell of, by client ID and in order.

    Args:
        events: In any order, and any of them any number of times.
        since_ms: From when on there are events: a connection whose beginning is not among them began then at the
            latest, as far as they tell.
    """
    clients: dict[str, dict[tuple[str, int], list[Event]]] = {}
    for event in set(events):
        clients.setdefault(event.client_id, {}).setdefault((event.session, event.version), []).append(event)
    return [
        connection
        for client_id in sorted(clients)
        for connection in _in_turn([_joined(each) for each in clients[client_id].values()], since_ms)
    ]


def _joined(events: Sequence[Event]) -> Connection:
    """One connection of its events; what they do not say is not known."""
    begin = min((event for event in events if event.event == CONNECTED), key=_when, default=None)
    end = min((event for event in events if event.event == DISCONNECTED), key=_when, default=None)
    first = begin or end or events[0]
    start = first.at_ms if begin is None or end is None else min(begin.at_ms, end.at_ms)
    return Connection(
        client_id=first.client_id,
        gateway=first.gateway,
        lane=first.lane,
        start_ms=start,
        end_ms=None if end is None else end.at_ms,
        session=first.session,
        reason=end.reason if end else "",
        ip=begin.ip if begin else "",
        version=first.version,
        is_begin_known=begin is not None,
        is_end_known=end is not None,
    )


def _when(event: Event) -> tuple[int, str, str]:
    return event.at_ms, event.reason, event.ip


def _came(one: Connection, begun: Sequence[tuple[int, str]]) -> tuple[int, bool]:
    """When a connection began at the latest, and whether it was not before one of another session that began then.

    That a connection was replaced may be told a little after the beginning of the one that replaced it. AWS takes one
    CONNECT of a client ID a second ("Message broker and protocol limits"), so a beginning in that time is that one's.

    Args:
        one: The connection.
        begun: The beginnings that are known, in order, with their sessions.
    """
    if not one.is_begin_known and one.reason == TAKEN_OVER:
        for start_ms, session in begun[bisect_left(begun, (one.start_ms - _CONNECT_MS + 1, "")) :]:
            if start_ms > one.start_ms:
                break
            if session != one.session:
                return start_ms, False
    return one.start_ms, True


def _in_turn(found: Sequence[Connection], since_ms: int) -> list[Connection]:
    """A client's connections one after the other: each ends when the next one begins, at the latest."""
    begun = sorted((each.start_ms, each.session) for each in found if each.is_begin_known)
    sessions: dict[str, tuple[int, bool]] = {}
    for each in found:
        came = _came(each, begun)
        sessions[each.session] = min(came, sessions.get(each.session, came))
    in_order = sorted(found, key=lambda each: (sessions[each.session], each.session, each.version))
    for place in range(len(in_order) - 2, -1, -1):
        # The end of one that was replaced may be told after the next one's beginning, and its own was before that.
        one, following = in_order[place : place + 2]
        if not one.is_begin_known:
            in_order[place] = replace(one, start_ms=min(one.start_ms, following.start_ms))
    result: list[Connection] = []
    for connection in in_order:
        start = connection.start_ms
        if not connection.is_begin_known and (not result or result[-1].end_ms is not None):
            # It began behind the one before it. Where that has no end either, they share the time between them.
            start = min(start, since_ms if not result else result[-1].end_ms or since_ms)
        if result and (result[-1].end_ms is None or result[-1].end_ms > start):
            result[-1] = replace(result[-1], end_ms=max(result[-1].start_ms, start))
        result.append(replace(connection, start_ms=start))
    return result


def _epoch_ms(value: Any) -> int:
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        value = datetime.fromisoformat(value.replace(" UTC", ""))
    moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    return round(float(moment.timestamp()) * 1000)
