"""A round: a lane that starts without knowledge, and a few hundred messages, whole and broken, in batches."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Tuple  # noqa: UP035

from harness.fuzz import ROOT
from harness.fuzz.families import Family
from harness.fuzz.mutations import mutate
from transform import reader
from transform.batch import Transform
from transform.errors import MessageError
from transform.events import FirehoseRecord
from transform.fast_path import Templates
from transform.measurements import Measurements
from transform.report import Report
from transform.schema import load
from transform.settings import Settings

#: A message's line and the metadata of its answer, or the rule that it breaks and the key at fault.
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
    """A lane that counts its slow readings."""

    __slots__ = ("slow",)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, load("measurements", SCHEMAS))
        self.slow = 0

    def convert_slowly(self, text: str, received_at: int, line_suffix: str) -> tuple[bytes, dict[str, dict[str, str]]]:
        """Read a message and count it."""
        self.slow += 1
        return super().convert_slowly(text, received_at, line_suffix)


class Lane:
    """A transform that learns, and beside it the slow path alone."""

    def __init__(self, setup: Setup) -> None:
        self._arrival = setup.arrival
        self._log: list[dict[str, Any]] = []
        settings = setup.settings
        report = Report(settings, lambda line: self._log.append(json.loads(line)))
        self._transform = Transform(settings, SCHEMAS, report)
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
            return self._reference.convert_slowly(reader.decode(message), self._arrival, line_suffix)
        except MessageError as error:
            return error.rule, error.field and error.field[:64]

    def answers(self, messages: list[bytes]) -> list[Answer]:
        """Answer messages as one batch."""
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
        given = self._transform.answer({"records": records})["records"]
        reasons = {line["record_id"]: line for line in self._log if "record_id" in line}
        answers: list[Answer] = []
        for record, answer in zip(records, given):  # noqa: B905 - Python 3.8 has no strict zip
            if answer["result"] == "Ok":
                answers.append((base64.b64decode(answer["data"]), answer["metadata"]))
            elif answer == {"recordId": record["recordId"], "result": "ProcessingFailed", "data": record["data"]}:
                reason = reasons[record["recordId"]]
                answers.append((reason["rule"], reason["field"]))
            else:
                answers.append(("not the bytes that came", answer))
        return answers


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
    while True:
        family = rng.choice(families)
        message = family.message(rng).encode()
        yield message
        for _ in range(rng.randrange(9)):
            yield mutate(rng, message, rng.choice(families).message(rng).encode())
