"""Every message that was sent, against everything that was found."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import get_args

from factory_lake.canary.marks import is_marked, is_marked_tag
from factory_lake.gateway.identities import Lane, Source
from factory_lake.gateway.journal import Entry
from factory_lake.reconcile.assignment import assign
from factory_lake.reconcile.expectation import Content, Row, Rules, expected, is_plausible
from factory_lake.reconcile.lossless_json import NotTakenError
from factory_lake.reconcile.report import Counts, Discrepancy, Kind, ReconciliationReport
from factory_lake.reconcile.stored import Found

# The gateway's clock and the broker's may differ; arrival is checked no more closely than this.
_CLOCKS_DIFFER_MS = 120_000


@dataclass
class _Sent:
    """Messages of one source with the same bytes, and what they must become.

    Attributes:
        content: The row they must become; None when they must be rejected.
        may_be_rejected: Whether rejection is right as well: the window's edge lies between publish and
            PUBACK.
        may_be_put_back: Whether the transform may have put one of them on the data stream anew. An invocation that is
            repeated, or a redrive of their batch, does so again.
        altered: What is stored instead of some of them.
    """

    source: Source
    entries: list[Entry]
    content: Content | None = None
    rule: str = ""
    may_be_rejected: bool = True
    may_be_put_back: bool = False

    def __post_init__(self) -> None:
        self.standing: list[Found] = []
        self.altered: list[Found] = []

    @property
    def spare_attempts(self) -> int:
        """How many copies beyond the first of each message its publishes explain."""
        return sum(entry.attempts - 1 for entry in self.entries)

    @property
    def missing(self) -> int:
        """How many of them have no copy, not even an altered one."""
        return len(self.entries) - len(self.standing) - len(self.altered)

    def by_certainty(self) -> list[Entry]:
        """The messages in the order in which copies are held to be theirs: acknowledged ones first."""
        return sorted(self.entries, key=lambda entry: (entry.acked_ms is None, entry.n))


_SentKey = tuple[Source, str]
# What a copy says of itself: where it lies, whose it is, and its content or the hash of its bytes.
_CopyKey = tuple[str, str, Lane, str | None, Content | str | None]


def _is_canary(copy: Found) -> bool:
    """Whether a copy is of what `factory-lake canary` sent, which no journal has."""
    if isinstance(copy.content, Row):
        return is_marked_tag(copy.content.tag_name)
    return is_marked(copy.lane, copy.payload or (copy.content.content.encode() if copy.content else b""))


def match(entries: Iterable[Entry], found: Iterable[Found], rules: Rules) -> ReconciliationReport:
    """Find each message's copies and each copy's message."""
    return _Matching(entries, found, rules).reconcile()


class _Matching:
    def __init__(self, entries: Iterable[Entry], found: Iterable[Found], rules: Rules) -> None:
        self._rules = rules
        self._sent = self._group_sent(one for one in entries if not is_marked(one.source.lane, one.payload))
        self._sources = {(source.factory, source.gateway, source.lane) for source, _ in self._sent}
        self._lanes = {(factory, lane) for factory, _, lane in self._sources}
        self._counts: dict[tuple[str, Lane], Counts] = {lane: Counts() for lane in self._lanes}
        self._in_batches = Counts()
        self._discrepancies: list[Discrepancy] = []
        self._unexpected = 0
        self._copies: dict[_CopyKey, list[Found]] = defaultdict(list)
        for copy in found:
            if _is_canary(copy):
                continue
            if copy.place == "table" and not self._is_ours(copy):
                self._unexpected += 1
            elif (copy.factory, copy.lane) in self._lanes:
                self._copies[_copy_key(copy)].append(copy)

    def reconcile(self) -> ReconciliationReport:
        """Match, then judge."""
        candidates = self._candidates()
        self._stand_in(candidates)
        self._explain_copies(candidates)
        self._report_never_sent(candidates)
        for sent in self._sent.values():
            self._judge(sent)
        order = {kind: number for number, kind in enumerate(get_args(Kind))}
        self._discrepancies.sort(key=lambda one: (order[one.kind], one.source, one.n or 0, one.where or ""))
        by_lane = {f"{factory}/{lane}": counts for (factory, lane), counts in self._counts.items()}
        return ReconciliationReport(by_lane, tuple(self._discrepancies), self._unexpected, self._in_batches)

    def _group_sent(self, entries: Iterable[Entry]) -> dict[_SentKey, _Sent]:
        groups: dict[_SentKey, _Sent] = {}
        batches: dict[tuple[Source, int], list[_Sent]] = defaultdict(list)  # without what is put back in any case
        for entry in entries:
            group = groups.setdefault((entry.source, entry.sha256), _Sent(entry.source, []))
            group.entries.append(entry)
            if entry.is_nested:
                group.may_be_put_back = True
            elif entry.sample is not None:
                batches[entry.source, entry.n].append(group)
        for group in groups.values():
            self._expect(group)
        for batch in batches.values():
            for group, goes_on in zip(batch, stay([one.content for one in batch]), strict=True):
                group.may_be_put_back = group.may_be_put_back or group.may_be_rejected or not goes_on
        return groups

    def _expect(self, group: _Sent) -> None:
        """Decide what the messages must become.

        A sample can be in the window of plausible times at the first moment at which it can have arrived and
        out of it at the last, or the other way round. Then either end is right.
        """
        payload, lane = group.entries[0].payload, group.source.lane
        first = min(entry.first_ms for entry in group.entries)
        last = max(_latest(entry) for entry in group.entries)
        try:
            group.content = expected(payload, lane, first, self._rules)
        except NotTakenError as error:
            group.rule = error.rule
            with suppress(NotTakenError):
                group.content = expected(payload, lane, last, self._rules)
        else:
            group.may_be_rejected = isinstance(group.content, Row) and not is_plausible(
                group.content.ts, last, self._rules
            )

    def _is_ours(self, copy: Found) -> bool:
        """Whether a row is of a gateway that has a journal. One without gateway must be: whose else?"""
        return (copy.factory, copy.lane) in self._lanes and (
            copy.gateway is None or (copy.factory, copy.gateway, copy.lane) in self._sources
        )

    def _candidates(self) -> dict[_CopyKey, list[_SentKey]]:
        """The messages that each group of copies may stand for."""
        by_content: dict[object, list[_SentKey]] = defaultdict(list)
        by_bytes: dict[object, list[_SentKey]] = defaultdict(list)
        for sent_key, sent in self._sent.items():
            source, sha256 = sent_key
            by_bytes[source.factory, source.lane, sha256].append(sent_key)
            if sent.content is not None:
                by_content[source.factory, source.lane, source.gateway, sent.content].append(sent_key)
        candidates: dict[_CopyKey, list[_SentKey]] = {}
        for key in self._copies:
            _, factory, lane, gateway, identity = key
            if isinstance(identity, str):
                alike = by_bytes[factory, lane, identity]
                candidates[key] = [one for one in alike if gateway in (None, one[0].gateway)]
            else:
                candidates[key] = by_content[factory, lane, gateway, identity]
        return candidates

    def _stand_in(self, candidates: Mapping[_CopyKey, Sequence[_SentKey]]) -> None:
        """Give as many messages as possible one copy each; what is over stays in `_copies`."""
        # A row stands for its message before the batch does that could not be split.
        in_order = sorted(self._copies.items(), key=lambda one: one[0][0] != "table")
        counts = {key: len(copies) for key, copies in in_order}
        room = {key: len(sent.entries) for key, sent in self._sent.items()}
        for (copy_key, sent_key), number in assign(counts, candidates, room).items():
            for _ in range(number):
                copy = self._copies[copy_key].pop()
                self._sent[sent_key].standing.append(copy)

    def _explain_copies(self, candidates: Mapping[_CopyKey, Sequence[_SentKey]]) -> None:
        """Count the copies that are over: those that a repeat explains, and the others."""
        self._explain_put_back(candidates)
        counts = {key: len(copies) for key, copies in self._copies.items() if copies and candidates[key]}
        room = {key: sent.spare_attempts for key, sent in self._sent.items()}
        for (copy_key, _), number in assign(counts, candidates, room).items():
            self._counts[copy_key[1], copy_key[2]].redelivered += number
            for _ in range(number):
                self._check_copy(self._copies[copy_key].pop(), candidates[copy_key])
        for copy_key in counts:
            first = self._sent[candidates[copy_key][0]].entries[0]
            for copy in self._copies.pop(copy_key):
                self._count(first, Counts(duplicated=1))
                self._blame("duplicated", first, copy.where, "a copy that no publish explains")

    def _explain_put_back(self, candidates: Mapping[_CopyKey, Sequence[_SentKey]]) -> None:
        """Count the copies of samples that were put back more than once.

        A put-back keeps the arrival, so its rows are equal in every column: a row of another arrival was published.
        """
        for key, copies in self._copies.items():
            groups = [self._sent[one] for one in candidates[key]]
            if key[0] == "error action" or not any(group.may_be_put_back for group in groups):
                continue
            arrivals = {one.received_ms for group in groups for one in group.standing if one.place == "table"}
            published: list[Found] = []
            for copy in copies:
                if key[0] == "table" and copy.received_ms not in arrivals:
                    arrivals.add(copy.received_ms)
                    published.append(copy)
                else:
                    self._counts[copy.factory, copy.lane].redelivered += 1
                    self._in_batches.redelivered += 1
                    self._check_copy(copy, candidates[key])
            copies[:] = published

    def _report_never_sent(self, candidates: Mapping[_CopyKey, Sequence[_SentKey]]) -> None:
        """Find the messages that stored things without a match may once have been."""
        alike: dict[object, list[_Sent]] = defaultdict(list)
        for sent in self._sent.values():
            if sent.missing:
                alike[_likeness_of_payload(sent.entries[0].payload, sent.source.lane)].append(sent)
        for key, copies in self._copies.items():
            for copy in copies if not candidates[key] else ():
                likeness = _likeness(copy)
                waiting = [sent for sent in alike.get(likeness, ()) if sent.missing] if likeness else []
                # The same gateway's first: a neighbour may have sent the same.
                waiting.sort(
                    key=lambda sent: (sent.source.factory, sent.source.gateway) != (copy.factory, copy.gateway)
                )
                self._report_stray(copy, waiting[0] if waiting else None)

    def _report_stray(self, copy: Found, sent: _Sent | None) -> None:
        if sent is None:
            detail = f"nothing in the journals explains this {copy.place} entry ({copy.reason or 'a row'})"
            self._discrepancies.append(
                Discrepancy(
                    "never sent", f"{copy.factory}/{copy.gateway or '?'}/{copy.lane}", None, copy.where, detail
                )
            )
            return
        if copy.place == "table" and sent.content is None:
            sent.standing.append(copy)
        else:
            sent.altered.append(copy)

    def _judge(self, sent: _Sent) -> None:
        """Count a group of messages and blame those that are not where they must be."""
        entries = iter(sent.by_certainty())
        for copy, entry in zip(sent.standing, entries, strict=False):
            self._judge_copy(sent, entry, copy)
        for copy, entry in zip(sent.altered, entries, strict=False):
            # What is there is not what was sent, so the message counts as lost.
            self._count(entry, Counts(sent=1, lost=1))
            self._blame("altered", entry, copy.where, _difference(sent, copy))
        for entry in entries:
            self._count(entry, Counts(sent=1, lost=1))
            self._blame("lost", entry, None, _why_lost(entry))

    def _count(self, entry: Entry, counts: Counts) -> None:
        """Count for the entry's lane, and for the samples of batches if it is one."""
        lane = entry.source.factory, entry.source.lane
        self._counts[lane] += counts
        if entry.sample is not None:
            self._in_batches += counts

    def _judge_copy(self, sent: _Sent, entry: Entry, copy: Found) -> None:
        if copy.place == "table":
            self._count(entry, Counts(sent=1, delivered=1))
            if sent.content is None:
                self._blame("unexpectedly accepted", entry, copy.where, f"must be rejected: {sent.rule}")
            self._check_copy(copy, [(sent.source, entry.sha256)])
        elif copy.place == "rejected":
            self._count(entry, Counts(sent=1, rejected=1))
            if not sent.may_be_rejected:
                self._blame("unexpectedly rejected", entry, copy.where, copy.reason or "")
        else:
            self._count(entry, Counts(sent=1, error_action=1))
            self._blame("error action", entry, copy.where, copy.reason or "")

    def _check_copy(self, copy: Found, candidates: Sequence[_SentKey]) -> None:
        """See whether a row lies on its own day and arrived when it was sent."""
        if copy.place != "table":
            return
        groups = [self._sent[key] for key in candidates]
        entries = [entry for group in groups for entry in group.entries]
        at_ms = copy.content.ts if isinstance(copy.content, Row) else copy.received_ms
        if at_ms is not None and copy.day != _day(at_ms):
            day = "-".join(map(str, _day(at_ms)))
            self._blame("wrong partition", entries[0], copy.where, f"belongs to day {day}")
        received_ms = copy.received_ms
        if received_ms is None or not any(
            entry.first_ms - _CLOCKS_DIFFER_MS <= received_ms <= _latest(entry) + _CLOCKS_DIFFER_MS
            for entry in entries
        ):
            detail = f"received_at {received_ms}, sent {entries[0].first_ms}"
            self._blame("wrong arrival time", entries[0], copy.where, detail)

    def _blame(self, kind: Kind, entry: Entry, where: str | None, detail: str) -> None:
        self._discrepancies.append(Discrepancy(kind, str(entry.source), entry.n, where, detail, entry.sample))


def stay(batch: Sequence[Content | None]) -> list[bool]:
    """Say which samples of a batch surely go on in its record: of the rows that they become, those of its day."""
    days = Counter(_day(one.ts) for one in batch if isinstance(one, Row))
    most = [day for day, number in days.items() if number == max(days.values())]
    return [isinstance(one, Row) and most == [_day(one.ts)] for one in batch]


def _copy_key(copy: Found) -> _CopyKey:
    identity = copy.content if copy.content is not None else copy.sha256
    return (copy.place, copy.factory, copy.lane, copy.gateway, identity)


def _latest(entry: Entry) -> int:
    return max(entry.last_ms, entry.acked_ms or 0)


def _day(at_ms: int) -> tuple[int, int, int]:
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return moment.year, moment.month, moment.day


def _why_lost(entry: Entry) -> str:
    if entry.refused:
        return f"the broker refused it: {entry.refused}"
    if entry.acked_ms is None:
        return f"never acknowledged in {entry.attempts} publishes, and stored nowhere"
    return "acknowledged, and stored nowhere"


def _difference(sent: _Sent, copy: Found) -> str:
    """What was altered, by the names of columns; never their values."""
    if copy.payload is not None:
        return f"the {copy.place} entry holds other bytes than were sent"
    names = []
    if copy.factory != sent.source.factory:
        names.append("factory")
    if copy.gateway != sent.source.gateway:
        names.append("gateway")
    if isinstance(copy.content, Row) and isinstance(sent.content, Row):
        names += [
            part.name for part in fields(Row) if getattr(copy.content, part.name) != getattr(sent.content, part.name)
        ]
    elif copy.content != sent.content:
        names.append("line")
    return f"differs in {', '.join(names)}"


def _likeness(copy: Found) -> object:
    """What an altered copy most likely still shares with its message."""
    if copy.payload is not None:
        return _likeness_of_payload(copy.payload, copy.lane)
    if isinstance(copy.content, Row):
        return copy.content.register_id, copy.content.tag_name, str(copy.content.ts)
    return None if copy.content is None else _likeness_of_payload(copy.content.content.encode(), copy.lane)


def _likeness_of_payload(payload: bytes, lane: Lane) -> object:
    text = payload.decode("utf-8", errors="replace").lstrip("\ufeff")
    try:
        message = json.loads(text, parse_int=str)
    except (ValueError, RecursionError):
        return hashlib.sha256(payload).hexdigest()
    if lane == "measurements" and isinstance(message, dict):
        return tuple(str(message.get(key, "")).strip() for key in ("registerId", "tagName", "timestamp"))
    return json.dumps(_loosely(message), sort_keys=True)


def _loosely(value: object) -> object:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return [_loosely(member) for member in value]
    if isinstance(value, dict):
        reserved = ("_received_at", "_gateway")
        return {key.lower(): _loosely(member) for key, member in value.items() if key not in reserved}
    return value
