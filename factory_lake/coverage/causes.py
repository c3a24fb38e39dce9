"""Spans of the causes that a hole may have, each with its evidence."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from factory_lake.coverage.canvas import Canvas
from factory_lake.coverage.connectivity import NOT_CONNECTED
from factory_lake.coverage.evidence import Clock, FactoryEvidence, Failure, LaneEvidence, Offline, Tag, Waiting
from factory_lake.coverage.habits import spoken
from factory_lake.coverage.model import Span
from factory_lake.coverage.times import MINUTE_MS, iso, moment, text
from factory_lake.gateway.identities import Lane

#: How long a gateway may take to send again once it is connected.
RESUMES_MS = 30_000
#: What was under way when AWS IoT ended a connection was taken so long before, at most.
UNDER_WAY_MS = 10_000
#: AWS IoT ends a connection after one and a half keep-alive intervals, of 1,200 s at most (AWS IoT Core quotas).
NOTICED_AFTER_MS = 1_800_000
#: Reasons of disconnects that AWS notices only after a while.
NOTICED_LATER = frozenset({"MQTT_KEEP_ALIVE_TIMEOUT", "CONNECTION_LOST"})
#: The gateway itself ended the connection.
ORDERLY = "CLIENT_INITIATED_DISCONNECT"
#: Failures of one kind that are no further apart than this are one, where no habit says more.
APART_MS = 60_000


@dataclass(frozen=True)
class Failures:
    """The failures of one factory, by what they are known to be of."""

    of_tag: Mapping[Tag, Sequence[Failure]] = field(default_factory=dict)
    #: Those of a gateway's lane, whichever tag they are of.
    of_lane: Mapping[tuple[str, Lane], Sequence[Failure]] = field(default_factory=dict)
    #: Those of them that do not tell the tag.
    without_tag: Mapping[tuple[str, Lane], Sequence[Failure]] = field(default_factory=dict)

    @classmethod
    def of(cls, evidence: FactoryEvidence) -> "Failures":
        """Sort a factory's failures; one that names a tag and no gateway is of the tag's own, where it has one."""
        gateways = defaultdict(set)
        for history in evidence.tags:
            gateways[history.tag.device, history.tag.name].add(history.tag.gateway)
        of_tag, of_lane, without_tag = defaultdict(list), defaultdict(list), defaultdict(list)
        for failure in sorted(evidence.failures, key=lambda one: one.at_ms):
            gateway = failure.gateway
            if gateway is None and failure.tag is not None and len(gateways[failure.tag]) == 1:
                (gateway,) = gateways[failure.tag]
            if gateway is None:
                continue
            of_lane[gateway, failure.lane].append(failure)
            if failure.tag is not None and failure.lane == "measurements":
                of_tag[Tag(gateway, *failure.tag)].append(failure)
            else:
                without_tag[gateway, failure.lane].append(failure)
        return cls(of_tag, of_lane, without_tag)


def failure_spans(
    failures: Sequence[Failure], start_ms: int, stop_ms: int, covers_ms: int, apart_ms: int = APART_MS
) -> Iterator[Span]:
    """Failures of a hole. Those of one kind that are close to each other are one span.

    Args:
        failures: In the order of their times.
        start_ms: Where the hole begins.
        stop_ms: Where it ends.
        covers_ms: How long a message stands.
        apart_ms: How far apart two may be that are one span.
    """
    clusters: dict[tuple[str, str], list[Failure]] = {}
    for failure in failures:
        # One at the hole's very begin may be of a moment before it, by its jitter.
        if failure.at_ms + covers_ms <= start_ms or failure.at_ms >= stop_ms:
            continue
        kind = (failure.state, failure.reason)
        open_one = clusters.get(kind)
        if open_one and failure.at_ms - open_one[-1].at_ms > max(apart_ms, covers_ms):
            yield _failed(clusters.pop(kind), start_ms, stop_ms, covers_ms)
        clusters.setdefault(kind, []).append(failure)
    for cluster in clusters.values():
        yield _failed(cluster, start_ms, stop_ms, covers_ms)


def _failed(cluster: Sequence[Failure], start_ms: int, stop_ms: int, covers_ms: int) -> Span:
    first, last = cluster[0], cluster[-1]
    begin_ms = max(first.at_ms, start_ms)
    count = sum(one.count for one in cluster)
    said = (
        f"the transform refused what came, by the rule {first.reason}"
        if first.state == "refused"
        else f"the topic rule could not hand on what came ({first.reason}), and its error action kept it"
    )
    return Span(
        begin_ms,
        min(max(last.at_ms, begin_ms) + covers_ms, stop_ms),
        first.state,
        count,
        reason=first.reason,
        cause=said,
        evidence=tuple(dict.fromkeys((first.place, last.place))),
    )


def offline_spans(
    offline: Iterable[Offline], start_ms: int, stop_ms: int, last_ms: int | None = None
) -> Iterator[Span]:
    """Times without a connection, in their order, within a hole.

    Where AWS notices a lost connection late, the hole before that is of it as well.

    Args:
        offline: In order.
        start_ms: Where the hole begins.
        stop_ms: Where it ends.
        last_ms: When the last sample before it was taken. A gateway that has sent again by then is back.
    """
    for one, following in pairwise([*offline, None]):
        if one is None:
            break
        if last_ms is not None and one.end_ms is not None and one.end_ms < last_ms:
            continue
        begin_ms = one.noticed_ms
        if one.reason in NOTICED_LATER:
            begin_ms = max(one.start_ms, one.noticed_ms - NOTICED_AFTER_MS)
        elif start_ms >= one.noticed_ms - UNDER_WAY_MS:
            begin_ms = min(begin_ms, start_ms)
        if one.end_ms is None:
            end_ms = stop_ms if one.known_to_ms is None else one.known_to_ms
        else:
            next_ms = one.end_ms + RESUMES_MS if following is None else max(one.end_ms, following.noticed_ms)
            end_ms = min(one.end_ms + RESUMES_MS, next_ms)
        begin_ms, end_ms = max(begin_ms, start_ms), min(end_ms, stop_ms)
        if begin_ms >= end_ms:
            continue
        yield Span(
            begin_ms,
            end_ms,
            "gateway_offline",
            reason=one.reason,
            cause=_offline(one),
            evidence=(_connection(one),),
        )


def takeover_spans(takeovers: Iterable[Offline], start_ms: int, stop_ms: int) -> Iterator[Span]:
    """Times since another connection took the gateway's over, within a hole that begins there.

    The gateway itself does so that comes back before AWS notices that it was gone: the hole before that is of it as
    well. A hole that begins later, when the new connection has sent something, has another cause.
    """
    for one in takeovers:
        if not start_ms - RESUMES_MS <= one.noticed_ms < stop_ms:
            continue
        begin_ms = max(one.start_ms, one.noticed_ms - NOTICED_AFTER_MS, start_ms)
        end_ms = stop_ms if one.end_ms is None else min(one.end_ms, stop_ms)
        if begin_ms < end_ms:
            yield Span(
                begin_ms,
                end_ms,
                "gateway_offline",
                reason=one.reason,
                cause=(
                    f"another connection with the gateway's client ID took over at {iso(one.noticed_ms)} "
                    f"({one.reason}), and nothing came over it"
                ),
                evidence=(_connection(one),),
            )


def _connection(one: Offline) -> str:
    return f"connections WHERE client_id = {text(one.client_id)} AND ts = {moment(one.noticed_ms)}"


def _offline(one: Offline) -> str:
    if one.reason == NOT_CONNECTED and one.end_ms is not None:
        return f"AWS IoT saw no connection of the gateway until {iso(one.end_ms)}"
    again = "it has not connected since" if one.end_ms is None else f"it connected again at {iso(one.end_ms)}"
    return f"AWS IoT saw the gateway disconnect at {iso(one.noticed_ms)} ({one.reason}); {again}"


def clock_spans(clocks: Iterable[Clock], start_ms: int, stop_ms: int, gateway: str) -> Iterator[Span]:
    """Times at which samples arrived that say other times, within a hole."""
    for one in clocks:
        # A minute in which the clock changed has samples of both.
        begin_ms, end_ms = max(one.start_ms - MINUTE_MS, start_ms), min(one.end_ms + MINUTE_MS, stop_ms)
        if begin_ms < end_ms:
            where = f"received_at >= {moment(one.start_ms)} AND received_at < {moment(one.end_ms)}"
            yield Span(
                begin_ms,
                end_ms,
                "clock_off",
                reason="CLOCK_BEHIND" if one.behind_ms > 0 else "CLOCK_AHEAD",
                cause=f"what arrived says other times: the gateway's clock was {clock_words(one)}",
                evidence=(f"measurements WHERE gateway = {text(gateway)} AND {where}",),
            )


def clock_words(one: Clock) -> str:
    """How a clock is off."""
    if one.behind_ms < 0:
        return f"{spoken(-one.behind_ms)} ahead"
    return f"{spoken(one.behind_ms)} behind, unless each sample was held back for so long"


def waiting_spans(waiting: Iterable[Waiting], start_ms: int, stop_ms: int) -> Iterator[Span]:
    """Times of which messages may still be on their way, within a hole."""
    for one in waiting:
        begin_ms, end_ms = max(one.start_ms, start_ms), min(one.end_ms, stop_ms)
        if begin_ms < end_ms:
            yield Span(begin_ms, end_ms, "waiting", cause=one.cause, evidence=(one.evidence,))


def absorb(canvas: Canvas, start_ms: int, stop_ms: int, most_ms: int) -> None:
    """Give short rests of a hole to the cause beside them: no cause ends to the very sample."""
    painted = [one for one in canvas.spans() if one.start_ms < stop_ms and start_ms < one.end_ms]
    ends = {one.end_ms: one for one in painted if one.start_ms >= start_ms}
    starts = {one.start_ms: one for one in painted if one.end_ms <= stop_ms}
    for begin, end in list(canvas.rest_within(start_ms, stop_ms)):
        beside = ends.get(begin) or starts.get(end)
        if beside is not None and end - begin <= most_ms:
            canvas.paint([replace(beside, start_ms=begin, end_ms=end, count=0)])


def connectivity(lane: LaneEvidence, at_ms: int) -> str:
    """What is known of a lane's connection at a moment when nothing arrived."""
    if lane.known_from_ms is not None and lane.known_from_ms <= at_ms:
        return "though AWS IoT saw it connected"
    return "and nothing says whether it was connected"
