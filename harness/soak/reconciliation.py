"""The reconciliation of a soak's messages: every message is found again, every repeat is explained."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from factory_lake import query as athena
from factory_lake.gateway.identities import Lane
from factory_lake.gateway.journal import Entry
from factory_lake.reconcile import Buckets, ReconciliationReport, Rules, StoredObjects
from factory_lake.reconcile.expectation import Content, Row, expected
from factory_lake.reconcile.lossless_json import NotTakenError
from factory_lake.reconcile.matching import match, stay
from factory_lake.reconcile.report import Discrepancy
from factory_lake.reconcile.sent import read_samples
from factory_lake.reconcile.stored import Found
from harness.lake.targets import Targets
from harness.soak.faults import Kill, Outage, PutBackFault

DUPLICATES = "duplicate-samples"
COUNTED = "SELECT factory, count(*) FROM measurements_distinct GROUP BY factory"
# A put that S3 holds when its sender is killed still happens, so long after the kill at most.
_HELD_SECONDS = 20.0
# From the broker's taking a message to its record's arrival, in ms at most.
_PUT_MS = 5_000
# What Firehose calls an invocation that Lambda refuses, after its last try ("Lambda invocation errors").
_OUTAGE_CODES = ("Lambda.InvokeLimitExceeded", "Lambda.InvocationFailure")
_CRASH_CODE = "Lambda.FunctionError"
# What it calls a record that the function rejects.
_REJECTED_CODE = "Lambda.ProcessingFailedStatus"
# How the place of a sample of a batch ends that lies in a record as a whole.
_PLACE_IN_BATCH = re.compile(r"#\d+\.\d+")
# Faults after which samples of a batch may be on the data stream anew.
_PUTS_AGAIN = ("refused", "late", "redriven")

# A sample as the query for duplicates knows it: factory, register, epoch ms.
SampleKey = tuple[str, str | None, int]


@dataclass(frozen=True)
class Answers:
    """What SQL says of the measurements.

    Attributes:
        repeats: Copies by sample, of the samples that the named query for duplicates finds.
        rows_of_view: Rows of the view that leaves repeats out.
    """

    repeats: Mapping[SampleKey, int]
    rows_of_view: int


@dataclass(frozen=True)
class Messages:
    """What became of the messages.

    Attributes:
        report: Their reconciliation, in which any second copy that no publish explains is duplicated.
        repeated_by_mqtt: Rows that lie in a table again since the gateway published the message again.
        repeated_by_delivery: Messages that were written once more since the delivery engine was killed.
        repeated_by_put_back: Copies of samples that a transform put back more than once.
        unexplained: Copies that nothing of this explains.
        rejected_in_outages: Messages among the rejected ones since their function could not be invoked for
            longer than Firehose repeats an invocation.
        rejected_not_split: Samples among the rejected ones since their batch could not be split.
        batches: Messages that were batches.
        error_objects: Objects of the rules' error actions.
        expected_repeats: Samples that the table holds more than once, and how often, by the lake's objects.
        found_repeats: The same by the named query for duplicates.
        distinct_rows: Rows of measurements that differ in more than their arrival, by the lake's objects.
        rows_of_view: Rows of the view that leaves repeats out.
    """

    report: ReconciliationReport
    repeated_by_mqtt: int
    repeated_by_delivery: int
    repeated_by_put_back: int
    unexplained: tuple[Discrepancy, ...]
    rejected_in_outages: frozenset[Discrepancy]
    rejected_not_split: frozenset[Discrepancy]
    batches: int
    error_objects: int
    expected_repeats: Mapping[SampleKey, int]
    found_repeats: Mapping[SampleKey, int]
    distinct_rows: int
    rows_of_view: int

    @property
    def to_redrive(self) -> frozenset[Discrepancy]:
        """Valid messages that were rejected, as the faults explain."""
        return self.rejected_in_outages | self.rejected_not_split

    @property
    def faulty(self) -> tuple[Discrepancy, ...]:
        """Messages that are not where they should be, less what the faults explain."""
        left = (
            one
            for one in self.report.discrepancies
            if one.kind not in ("duplicated", "error action") and one not in self.to_redrive
        )
        return (*left, *self.unexplained)

    @property
    def disagreements(self) -> list[str]:
        """Samples on which the query and the objects disagree."""
        keys = sorted(self.expected_repeats.keys() | self.found_repeats.keys(), key=str)
        return [
            f"{key}: {self.expected_repeats.get(key, 1)} copies lie there, "
            f"the query finds {self.found_repeats.get(key, 1)}"
            for key in keys
            if self.expected_repeats.get(key) != self.found_repeats.get(key)
        ]


def reconcile_messages(
    targets: Targets,
    kills: Sequence[Kill],
    outages: Sequence[Outage],
    put_backs: Sequence[PutBackFault],
    *,
    is_redriven: bool = False,
) -> Messages:
    """Find every message of the journals again."""
    entries = read_samples(targets.journals)
    s3 = targets.lake.cloud.client("s3")
    buckets = Buckets.from_outputs(targets.lake.outputs)
    found = StoredObjects(s3, buckets).found(targets.factories)
    written = _written(s3, buckets.by_lane.values(), targets.factories)
    return explain(entries, found, written, _ask(targets), kills, outages, put_backs, is_redriven=is_redriven)


def explain(
    entries: Sequence[Entry],
    found: Sequence[Found],
    written: Mapping[str, float],
    answers: Answers,
    kills: Sequence[Kill],
    outages: Sequence[Outage],
    put_backs: Sequence[PutBackFault] = (),
    *,
    is_redriven: bool = False,
) -> Messages:
    """Find the repeats that have no explanation.

    Copies of one record of a data stream share content and arrival time, to the millisecond; copies of two
    publishes do not. The former are the delivery's, and only a kill of its engine between the two explains
    them; the latter are MQTT's, and the report explains them by the journals.

    Args:
        entries: What was sent.
        found: What is stored.
        written: When each object was, epoch seconds by `s3://bucket/key`.
        answers: What SQL says of the same lake.
        kills: Of the delivery engine.
        outages: Of transform functions.
        put_backs: Faults of what these put back.
        is_redriven: Whether what was rejected in them has been redriven, so that they excuse no rejection.
    """
    rules = Rules()
    report = match(entries, found, rules)
    messages = _messages(entries, found, rules)
    explained: Counter[object] = Counter()
    by_put_back: Counter[object] = Counter()
    strange: Counter[object] = Counter()
    publishes = _publishes(entries, rules)
    back = _put_back(entries, rules)
    for message, copies in messages.items():
        for of_one_record in _records(copies, publishes[message]):
            again = _explained(of_one_record, written, kills)
            explained[message] += again
            strange[message] += len(of_one_record) - 1 - again
        if message in back:
            over = sum(copy.place != "error action" for copy in copies) - publishes[message]
            strange[message] = max(strange[message], over - explained[message])
            if strange[message] and _comes_again(copies, back[message], written, kills, outages, put_backs):
                by_put_back[message] = strange.pop(message)
    rows = [copy for copy in found if isinstance(copy.content, Row) and copy.place == "table"]
    copies_of = Counter(_sample(copy) for copy in rows)
    expected_repeats = {sample: number for sample, number in copies_of.items() if number > 1}
    records_of = Counter(sample for sample, _ in {(_sample(copy), copy.received_ms) for copy in rows})
    sent = _sent_samples(entries, expected_repeats.keys(), rules)
    return Messages(
        report,
        sum(records_of[sample] - sent[sample] for sample in expected_repeats),
        explained.total(),
        by_put_back.total(),
        _unexplained(report, messages, explained + by_put_back, strange),
        _rejected(report, found, lambda copy: not is_redriven and _fell_into(copy, written, outages)),
        _rejected(report, found, lambda copy: not is_redriven and _was_not_split(copy, written, put_backs)),
        len({(entry.source, entry.n) for entry in entries if entry.sample is not None}),
        len({copy.where.partition("#")[0] for copy in found if copy.place == "error action"}),
        expected_repeats,
        answers.repeats,
        len({(copy.factory, copy.gateway, copy.content) for copy in rows}),
        answers.rows_of_view,
    )


def _messages(entries: Iterable[Entry], found: Sequence[Found], rules: Rules) -> dict[object, list[Found]]:
    """The copies of each message, wherever they lie: what was rejected goes by the row that it should be."""
    by_bytes = {(copy.lane, copy.sha256) for copy in found if copy.content is None}
    contents: dict[tuple[Lane, str], object] = {}
    for entry in entries:
        key = (entry.source.lane, entry.sha256)
        if key in by_bytes and key not in contents:
            with suppress(NotTakenError):
                contents[key] = expected(entry.payload, entry.source.lane, entry.first_ms, rules)
    messages: dict[object, list[Found]] = defaultdict(list)
    for copy in found:
        content: object = copy.content
        if copy.content is None:
            content = contents.get((copy.lane, str(copy.sha256)), copy.sha256)
        messages[copy.factory, copy.lane, content].append(copy)
    return messages


def _publishes(entries: Iterable[Entry], rules: Rules) -> Counter[object]:
    """How often each message was published, by what `_messages` knows it by."""
    counts: Counter[object] = Counter()
    for entry in entries:
        counts[entry.source.factory, entry.source.lane, _content(entry, rules) or entry.sha256] += entry.attempts
    return counts


def _put_back(entries: Iterable[Entry], rules: Rules) -> dict[object, float]:
    """When the samples that do not surely go on in the record of their batch were first sent, as `_publishes`."""
    batches: dict[object, list[tuple[Entry, Content | None]]] = defaultdict(list)
    for entry in entries:
        if entry.sample is not None:
            batches[entry.source, entry.n].append((entry, _content(entry, rules)))
    back: dict[object, float] = {}
    for batch in batches.values():
        goes_on = stay([None if entry.is_nested else content for entry, content in batch])
        for (entry, content), goes in zip(batch, goes_on, strict=True):
            if not goes:
                key = (entry.source.factory, entry.source.lane, content or entry.sha256)
                back[key] = min(back.get(key, entry.first_ms / 1000), entry.first_ms / 1000)
    return back


def _content(entry: Entry, rules: Rules) -> Content | None:
    try:
        return expected(entry.payload, entry.source.lane, entry.first_ms, rules)
    except NotTakenError:
        return None


def _comes_again(
    copies: Sequence[Found],
    since: float,
    written: Mapping[str, float],
    kills: Sequence[Kill],
    outages: Sequence[Outage],
    put_backs: Sequence[PutBackFault],
) -> bool:
    """Whether something made an invocation put a sample back again before its last copy was written."""
    factory, until = copies[0].factory, max(written[copy.where.partition("#")[0]] for copy in copies)
    times = [(kill.began, kill.done + _HELD_SECONDS) for kill in kills]
    times += [
        (outage.began, outage.ended)
        for outage in outages
        if outage.is_crash and (outage.factory, outage.lane) == (factory, "measurements")
    ]
    times += [(one.began, one.ended) for one in put_backs if one.factory == factory and one.kind in _PUTS_AGAIN]
    return any(began <= until and since <= ended for began, ended in times)


def _records(copies: Sequence[Found], publishes: int) -> Iterable[list[Found]]:
    """The copies of one message by the record of the data stream that they came from.

    A row has the time at which the broker took the message, a rejected one that at which the record arrived
    in the stream, which is a little later. Where the message was published again, that may be the other publish.
    """
    taken = {copy.received_ms for copy in copies if copy.place == "table" and copy.received_ms is not None}
    if publishes > 1:
        taken.clear()
    records: dict[int | None, list[Found]] = defaultdict(list)
    for copy in copies:
        at = copy.received_ms
        if copy.place == "rejected" and at is not None:
            at = max((one for one in taken if one <= at < one + _PUT_MS), default=at)
        if copy.place != "error action":
            records[at].append(copy)
    return records.values()


def _explained(copies: Sequence[Found], written: Mapping[str, float], kills: Sequence[Kill]) -> int:
    """How many copies of a record beyond the first follow on a kill of the engine that wrote another."""
    times = {copy.where.partition("#")[0]: written[copy.where.partition("#")[0]] for copy in copies}
    in_order = sorted(times.values())
    return sum(
        any(kill.began <= later and earlier <= kill.done + _HELD_SECONDS for kill in kills)
        for earlier, later in pairwise(in_order)
    )


def _unexplained(
    report: ReconciliationReport,
    messages: Mapping[object, Sequence[Found]],
    explained: Mapping[object, int],
    strange: Mapping[object, int],
) -> tuple[Discrepancy, ...]:
    """Copies that neither a publish nor a kill explains."""
    by_where = {copy.where: message for message, copies in messages.items() for copy in copies}
    blamed: dict[object, list[Discrepancy]] = defaultdict(list)
    for discrepancy in report.discrepancies:
        if discrepancy.kind == "duplicated" and discrepancy.where is not None:
            blamed[by_where[discrepancy.where]].append(discrepancy)
    left: list[Discrepancy] = []
    for message in blamed.keys() | +Counter(strange):
        without_kill = blamed[message][explained.get(message, 0) :]
        left += without_kill
        # The report may have put a strange copy down to a publish that was repeated as well.
        hidden = max(0, strange.get(message, 0) - len(without_kill))
        detail = "one record written again, and the delivery engine was not killed"
        left += [Discrepancy("duplicated", "?", None, copy.where, detail) for copy in messages[message][:hidden]]
    return tuple(left)


def _rejected(
    report: ReconciliationReport, found: Sequence[Found], explains: Callable[[Found], bool]
) -> frozenset[Discrepancy]:
    """Messages that the table should have and the errors prefix has, where a fault explains it."""
    by_where = {copy.where: copy for copy in found}
    return frozenset(
        discrepancy
        for discrepancy in report.discrepancies
        if discrepancy.kind == "unexpectedly rejected"
        and discrepancy.where is not None
        and explains(by_where[discrepancy.where])
    )


def _was_not_split(copy: Found, written: Mapping[str, float], put_backs: Sequence[PutBackFault]) -> bool:
    """Whether a sample of a batch was rejected while nothing could be put back."""
    if not _PLACE_IN_BATCH.search(copy.where) or (copy.reason or "").rpartition(" ")[2] != _REJECTED_CODE:
        return False
    at = written[copy.where.partition("#")[0]]
    return any(
        one.kind == "refused"
        and one.factory == copy.factory
        and one.began <= at
        and (copy.received_ms or 0) / 1000 <= one.ended
        for one in put_backs
    )


def _fell_into(copy: Found, written: Mapping[str, float], outages: Sequence[Outage]) -> bool:
    """Whether a message had its tries while its function could not be invoked.

    One crash uses up one try of four, so it explains a rejection only beside an outage that used up the rest.
    """
    code = (copy.reason or "").rpartition(" ")[2]
    at = written[copy.where.partition("#")[0]]
    met = {
        outage.is_crash
        for outage in outages
        if (outage.factory, outage.lane) == (copy.factory, copy.lane)
        and outage.began <= at
        and (copy.received_ms or 0) / 1000 <= outage.ended
    }
    return False in met and (code in _OUTAGE_CODES or (code == _CRASH_CODE and True in met))


def _sample(copy: Found) -> SampleKey:
    row = copy.content
    assert isinstance(row, Row)  # noqa: S101  # the caller has chosen rows
    return copy.factory, row.register_id, row.ts


def _sent_samples(entries: Iterable[Entry], wanted: Iterable[SampleKey], rules: Rules) -> Counter[SampleKey]:
    """How many messages of the journals have each of the wanted samples."""
    samples = set(wanted)
    sent: Counter[SampleKey] = Counter()
    for entry in entries if samples else ():
        if entry.source.lane != "measurements":
            continue
        try:
            row = expected(entry.payload, entry.source.lane, entry.first_ms, rules)
        except NotTakenError:
            continue
        assert isinstance(row, Row)  # noqa: S101  # of this lane
        sample = (entry.source.factory, row.register_id, row.ts)
        sent[sample] += sample in samples
    return sent


def _written(s3: Any, buckets: Iterable[str], factories: Sequence[str]) -> dict[str, float]:
    """When each object of the factories was written, by `s3://bucket/key`."""
    written = {}
    for bucket in buckets:
        for prefix in [f"{head}factory={factory}/" for factory in factories for head in ("", "errors/")]:
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for item in page.get("Contents", ()):
                    written[f"s3://{bucket}/{item['Key']}"] = item["LastModified"].timestamp()
    return written


def _ask(targets: Targets) -> Answers:
    """Ask about the soaked factories."""
    client, where = targets.lake.cloud.client("athena"), targets.lake.outputs["athena"]
    result = athena.run_named(client, DUPLICATES, where["workgroup"])
    found: dict[SampleKey, int] = {}
    for values in result.rows:
        row = dict(zip(result.columns, values, strict=True))
        taken, register = row["ts"], row["register_id"]
        if row["factory"] in targets.factories and isinstance(taken, datetime):
            sample = (str(row["factory"]), None if register is None else str(register), _ms(taken))
            found[sample] = int(str(row["copies"]))
    counted = athena.run(client, COUNTED, where["workgroup"], where["database"])
    rows = sum(int(str(number)) for factory, number in counted.rows if factory in targets.factories)
    return Answers(found, rows)


def _ms(moment: datetime) -> int:
    whole = moment.replace(tzinfo=UTC)
    return round(whole.timestamp() * 1000)
