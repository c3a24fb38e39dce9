"""A round: a lane that starts without knowledge, and a few hundred messages, whole and broken, in events.

Some are batches of samples: the transform cuts them quickly, the reference finds their elements by the grammar.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Dict, Tuple  # noqa: UP035

from harness.fuzz import ROOT
from harness.fuzz.families import KEYS, Family
from harness.fuzz.mutations import mutate
from transform import reader
from transform.batch import Transform
from transform.errors import MessageError
from transform.events import FirehoseRecord
from transform.fast_path import Templates
from transform.lines import Delivered
from transform.measurements import Measurements
from transform.planning import Split, plan
from transform.put_back import DataStream, Entry
from transform.report import Report
from transform.schema import load
from transform.settings import Settings
from transform.splitting import elements

#: A message's line and the metadata of its answer, or the rule that it breaks and the key at fault. A batch of which
#: something is put back has, in the place of the line, its lines and the records that are put back.
Answer = Tuple[Any, Any]  # noqa: UP006 - evaluated, which Python 3.8 cannot do otherwise

SCHEMAS = str(ROOT / "glue_schemas")
MESSAGES = 500
"""How many a round has."""

_DAY = 86_400_000
# A day of this decade, and days on which a window of many days reaches back to what OpenX takes for seconds.
_ARRIVALS = (
    *(1_773_039_900_000, 1_773_039_900_000, 1_773_039_900_000, 1_000_000_000_000 + 200 * _DAY),
    *(1_000_000_000_000, 999_999_999_999, 9_223_372_036_854),
)
_WINDOWS = ((400, 1), (400, 1), (9_000, 36_500), (0, 0))


@dataclass(frozen=True)
class Setup:
    """What a round's answers depend on, beside its messages: their arrival, and the transform's settings."""

    arrival: int
    past_days: int = 400
    future_days: int = 1
    blank_strings: str = "reject"

    @property
    def settings(self) -> Settings:
        """The settings of the transform."""
        return Settings(
            factory="krakow",
            lane="measurements",
            blank_strings=self.blank_strings,
            past_days=self.past_days,
            future_days=self.future_days,
        )


@dataclass(frozen=True)
class Case:
    """A message that is answered otherwise once others have gone before it; its text is a test's input."""

    setup: Setup
    before: tuple[bytes, ...]
    message: bytes

    def differences(self) -> tuple[Answer, Answer] | None:
        """Return the answers that the message gets alone and behind the others; None where they are equal."""
        lane = Lane(self.setup)
        for message in self.before:
            lane.answers([message])
        alone, (behind,) = lane.slow(self.message), lane.answers([self.message])
        return None if alone == behind else (alone, behind)

    def smallest(self) -> Case:
        """Return the case with one message often before it, if one is found that does; else as it is."""
        for message in dict.fromkeys(self.before):
            short = replace(self, before=(message,) * Templates.LEARN_AT)
            if short.differences():
                return short
        return self

    def spelled(self) -> str:
        """Spell the case in Python."""
        first, *rest = self.before or (b"",)
        often = len(self.before) > 1 and all(message == first for message in rest)
        before = f"({first!r},) * {len(self.before)}" if often else repr(self.before)
        return f"Case(\n    {self.setup!r},\n    {before},\n    {self.message!r},\n),"


@dataclass
class Counts:
    """What rounds have seen.

    Attributes:
        fast: How many of them took the fast path.
        case: The first that was answered otherwise than alone, and the seed of its round.
    """

    messages: int = 0
    accepted: int = 0
    fast: int = 0
    case: tuple[int, Case] | None = None

    def add(self, other: Counts) -> None:
        """Count what other rounds have seen."""
        self.messages += other.messages
        self.accepted += other.accepted
        self.fast += other.fast
        self.case = self.case or other.case


class _Counting(Measurements):
    """A lane that counts the messages of which the slow path reads at least a part."""

    __slots__ = ("_slowly", "slow")

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, load("measurements", SCHEMAS))
        self.slow = 0
        self._slowly = False

    def convert(self, payload: bytes, received_at: int, line_suffix: str) -> Delivered | Split:
        """Convert a message, and count it if the slow path was taken."""
        self._slowly = False
        try:
            return super().convert(payload, received_at, line_suffix)
        finally:
            self.slow += self._slowly

    def read(self, text: str, received_at: int, line_suffix: str) -> tuple[bytes, int]:
        """Read a sample, and note that the slow path was taken."""
        self._slowly = True
        return super().read(text, received_at, line_suffix)


class _Days(Dict[Any, Any]):  # noqa: UP006
    """Partitions whose days are their own metadata, in JSON."""

    def __missing__(self, day: str) -> Any:
        return json.loads(day)


class _Stream(DataStream):
    """A stream that takes everything, and keeps it by the record that it comes from."""

    def __init__(self) -> None:
        super().__init__("lake")
        self.taken: dict[int, list[bytes]] = {}

    def put(self, entries: Sequence[Entry], left_ms: Callable[[], int]) -> tuple[list[Entry], str | None]:  # noqa: ARG002
        """Take entries."""
        for entry in entries:
            self.taken.setdefault(entry.origin, []).append(entry.data)
        return [], None


class Lane:
    """A transform that learns, and beside it the slow path alone."""

    def __init__(self, setup: Setup) -> None:
        self._arrival = setup.arrival
        self._log: list[dict[str, Any]] = []
        settings = setup.settings
        report = Report(settings, lambda line: self._log.append(json.loads(line)))
        self._stream = _Stream()
        self._transform = Transform(settings, SCHEMAS, report, lambda: self._stream)
        self._learning = _Counting(settings)
        self._transform._lane = self._learning
        self._reference = Measurements(settings, load("measurements", SCHEMAS))

    @property
    def slow_readings(self) -> int:
        """How many messages of the transform took the slow path."""
        return self._learning.slow

    def slow(self, message: bytes) -> Answer:
        """Answer a message as if no other had come before it."""
        line_suffix = f',"_received_at":{self._arrival},"_gateway":"line-1"}}\n'
        try:
            text = reader.decode(message)
            texts = elements(text)
            if texts is None:
                line, metadata, _ = self._reference.convert_slowly(text, self._arrival, line_suffix)
                return line, metadata
            return self._split(texts, line_suffix)
        except MessageError as error:
            return error.rule, error.field and error.field[:64]

    def _split(self, texts: list[str], line_suffix: str) -> Answer:
        """Answer a batch whose elements were found by the grammar, each read token by token."""
        outcomes: list[Any] = []
        for text in texts:
            try:
                line, metadata, _ = self._reference.convert_slowly(text, self._arrival, line_suffix)
                outcomes.append((line, json.dumps(metadata)))
            except MessageError as error:
                outcomes.append(error)
        split = plan(texts, outcomes, _Days())
        if isinstance(split, tuple):
            lines, metadata, _ = split
            return lines, metadata
        if not 10**12 <= self._arrival <= 9_223_372_036_854:
            return "NOT_MILLISECONDS" if self._arrival < 10**12 else "OUT_OF_RANGE", "_received_at"
        return _answer(split.lines, [data for _, data in split.put_backs], split.metadata)

    def answers(self, messages: list[bytes]) -> list[Answer]:
        """Answer messages as one event."""
        records: list[FirehoseRecord] = [
            {
                "recordId": str(number),
                "approximateArrivalTimestamp": self._arrival + 250,
                "data": base64.b64encode(message).decode(),
                "kinesisRecordMetadata": {"partitionKey": f"{self._arrival}/line-1/{number}"},
            }
            for number, message in enumerate(messages)
        ]
        self._log.clear()
        self._stream.taken.clear()
        given = self._transform.answer({"records": records})["records"]
        reasons = {line["record_id"]: line for line in self._log if "record_id" in line}
        answers: list[Answer] = []
        for number, (record, answer) in enumerate(zip(records, given)):  # noqa: B905 - Python 3.8 has no strict zip
            if answer["result"] in ("Ok", "Dropped"):
                data = base64.b64decode(answer.get("data", ""))
                answers.append(_answer(data, self._stream.taken.get(number, []), answer.get("metadata")))
            elif answer == {"recordId": record["recordId"], "result": "ProcessingFailed", "data": record["data"]}:
                reason = reasons[record["recordId"]]
                answers.append((reason["rule"], reason["field"]))
            else:
                answers.append(("not the bytes that came", answer))
        return answers


def _answer(lines: bytes, put_backs: list[bytes], metadata: Any) -> Answer:
    return ((lines, put_backs) if put_backs else lines), metadata


def run_round(seed: int, messages: int = MESSAGES) -> Counts:
    """Run a round; stop at the first message that is answered otherwise than alone."""
    rng = Random(seed)  # noqa: S311 - the same messages for the same seed
    past_days, future_days = rng.choice(_WINDOWS)
    setup = Setup(rng.choice(_ARRIVALS), past_days, future_days, rng.choice(("reject", "reject", "null", "keep")))
    lane, counts = Lane(setup), Counts()
    generated = generated_messages(rng, setup.arrival)
    before: list[bytes] = []
    while counts.messages < messages:
        size = min(rng.choice((1, 5, 70)), messages - counts.messages)
        batch = [next(generated) for _ in range(size)]
        expected = [lane.slow(message) for message in batch]
        read = lane.slow_readings
        answers = lane.answers(batch)
        counts.messages += size
        counts.fast += size - (lane.slow_readings - read)
        counts.accepted += sum(isinstance(line, bytes) for line, _ in answers)
        for number, (answer, wanted) in enumerate(zip(answers, expected)):  # noqa: B905 - as above
            if answer != wanted:
                counts.case = seed, Case(setup, (*before, *batch[:number]), batch[number])
                return counts
        before += batch
    return counts


def run_numbered(numbers: tuple[int, int]) -> Counts:
    """Run a round, given its seed and its number of messages; a pool's processes get one argument."""
    return run_round(*numbers)


def generated_messages(rng: Random, arrival: int) -> Iterator[bytes]:
    """Generate messages of a few spellings without end."""
    families = [Family(rng, arrival) for _ in range(rng.randint(1, 6))]
    plain = _plain(rng, arrival)
    yield from [plain] * Templates.LEARN_AT
    while True:
        family = rng.choice(families)
        message = family.message(rng).encode()
        yield message
        if rng.randrange(3) == 0:
            yield _batch(rng, families, rng.choice((message, plain, plain)))
        if rng.randrange(3) == 0:
            yield _batch(rng, families, message, family)
        for _ in range(rng.randrange(9)):
            yield mutate(rng, message, rng.choice(families).message(rng).encode())


def _plain(rng: Random, arrival: int) -> bytes:
    """Spell a message in which nothing changes, but that empty metadata goes."""
    metadata: dict[str, Any] = {"metadata": {}} if rng.randrange(2) else {}
    message = {key: "x" for key in KEYS if key not in ("metadata", "success", "timestamp", "value")}
    return json.dumps(
        {**metadata, **message, "success": True, "timestamp": arrival, "value": 1.5}, separators=(",", ":")
    ).encode()


def _batch(rng: Random, families: list[Family], message: bytes, family: Family | None = None) -> bytes:
    """Spell a batch, mostly of one message, or of messages of one family.

    Elements and what is between them may be broken, and the whole; the last one is broken more often. A third of the
    batches is whole.
    """
    before, between, behind = rng.choice(_FORMS)
    batch = before
    size, is_whole = rng.choice((1, 2, 3, 6, 14)), rng.randrange(3) == 0
    for place in range(size):
        sample = message if family is None else family.message(rng).encode()
        kind = 3 if is_whole else rng.randrange(4 if place == size - 1 else 24)
        if kind == 0:
            sample = rng.choice(_ELEMENTS)
        elif kind == 1:
            sample = mutate(rng, message, message)
        elif kind == 2:
            sample = rng.choice(families).message(rng).encode()
        if place:
            batch += between if is_whole or rng.randrange(30) else rng.choice(_BETWEEN)
        batch += sample
    batch += behind
    return batch if is_whole or rng.randrange(3) else mutate(rng, batch, message)


_BETWEEN = (b"", b",,", b", ,", b",  ", b" ,", b",\n", b", ", b",", b";", b"}", b",{", b"},{", b"],[")
_FORMS = (
    *(
        (b'{"samples":[', b",", b"]}"),
        (b'{"samples":[', b",", b"]}"),
        (b'{"samples": [', b", ", b"]}"),
        (b"[", b",", b"]"),
    ),
    (b'{"samples":[', b",", b",]}"),
    *((b" [ ", b" ,\r\n", b"\n] "), (b'{"s\\u0061mples":[', b",", b"]}"), (b'{"samples":[', b",", b'],"more":[{}]}')),
)
_ELEMENTS = (
    *(
        b"5",
        b"null",
        b"[]",
        b"[1]",
        b"{}",
        b'"},{"',
        b'{"samples":[]}',
        b'{"a":[{"b":1},{"b":2}]}',
        b"",
        b"}, {",
        b" ",
    ),
    *(b'"\\ud800"', b"[" * 120 + b"]" * 120, b"{},{}", b"\xff", b"],["),
)
