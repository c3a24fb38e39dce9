"""The ways to send measurements and to keep them, side by side: what each costs, uses and cannot do.

Gateways send samples alone or in batches, over the message broker or Basic Ingest; data streams have shards, as many
as are needed, or are on-demand, and keep messages for a day or as long as a repair may take.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from factory_lake.sizing import capacity, cost, quotas
from factory_lake.sizing.cost import Bill, Prices, money
from factory_lake.sizing.defaults import defaults_of
from factory_lake.sizing.numbers import percent, table, text
from factory_lake.sizing.plant import FRAME_BYTES, Assumed, Factory, Lane, Plant
from factory_lake.sizing.rows import Row

SMALL_BATCH, LARGE_BATCH = 5, 100
DAY = 24
# What a way may cost more than another and count as equal: no plant's numbers are more exact.
HARDLY_MORE = 1.01


@dataclass(frozen=True)
class Load:
    """What one factory's gateways ask of their connections and of their stream, in parts of what these take."""

    factory: str
    samples: int  # of a publish, on average
    most_samples: int  # of a full batch
    streams: str
    publishes: float
    bytes: float
    records: float
    written: float
    read: float
    hours: float | None  # to catch up after an outage; None when it never does
    limited_by: str

    @property
    def cells(self) -> list[str]:
        """The row of a table with `LOAD_HEADER`."""
        parts = (self.publishes, self.bytes, self.records, self.written, self.read)
        hours = "never" if self.hours is None else text(self.hours)
        early = self.samples < self.most_samples
        samples = f"{text(self.samples)} of {text(self.most_samples)}" if early else text(self.samples)
        return [samples, self.streams, *map(percent, parts), hours, self.limited_by]


LOAD_HEADER = (
    *("samples a publish", "streams", "publishes", "bytes", "records", "written", "read"),
    *("h to catch up", "limited by"),
)


@dataclass(frozen=True)
class Shortage:
    """Something that a way asks too much of."""

    factory: str | None  # None: all together
    row: Row

    def __str__(self) -> str:
        where = "" if self.factory is None else f" ({self.factory})"
        return f"{self.row.what}: {text(self.row.asked)} asked, {text(self.row.limit or 0)} possible{where}"


@dataclass(frozen=True)
class Way:
    """One way: how gateways send, what streams are like, and what follows."""

    samples: int  # of a publish, at most
    basic_ingest: bool
    on_demand: bool
    hours: int  # that the streams keep messages
    amount: float  # for messages, a month
    by_million: float  # the same, by a million samples
    shortages: Sequence[Shortage]  # none when it fits
    loads: Sequence[Load]

    @property
    def streams(self) -> str:
        """What its streams are like."""
        return "on-demand" if self.on_demand else "shards"

    def __str__(self) -> str:
        over = " over Basic Ingest" if self.basic_ingest else ""
        return f"{_samples([self.samples])}{over}, {self.streams}, kept {self.hours} h"


@dataclass(frozen=True)
class Comparison:
    """All ways of a plant, and what its file says."""

    prices: Prices
    ways: Sequence[Way]
    stated: Bill  # of the plant as its file says

    @property
    def cheapest(self) -> Way | None:
        """The cheapest that fits; of those that cost hardly more, the first: its batches wait the least."""
        fitting = [way for way in self.ways if not way.shortages]
        least = min((way.amount for way in fitting), default=0)
        return next((way for way in fitting if way.amount <= HARDLY_MORE * least), None)

    @property
    def header(self) -> list[str]:
        """Of `rows`."""
        return ["samples a publish", "Basic Ingest", *(f"{way.hours} h {way.streams}" for way in self._of_first())]

    @property
    def rows(self) -> list[list[str]]:
        """A row for each way to send, a column for each kind of stream: amounts, with those that do not fit marked."""
        columns = len(self._of_first())
        rows = [self.ways[start : start + columns] for start in range(0, len(self.ways), columns)]
        return [[text(row[0].samples), "yes" if row[0].basic_ingest else "no", *map(_amounts, row)] for row in rows]

    @property
    def notes(self) -> Iterator[str]:
        """The cheapest way that fits, what the file says, and why the others do not fit."""
        cheapest = self.cheapest
        if cheapest is None:
            yield "No way fits."
        else:
            yield f"The cheapest way that fits: {cheapest}, {self._said(cheapest.amount, cheapest.by_million)}."
        yield f"What the file says: {self._said(self.stated.messages, self.stated.by_million)}."
        for what in dict.fromkeys(shortage.row.what for way in self.ways for shortage in way.shortages):
            yield self._why_not(what)

    @property
    def loads(self) -> dict[str, list[Load]]:
        """What each factory asks, once for each size of batches and kind of stream."""
        found: dict[str, list[Load]] = {}
        for load in dict.fromkeys(load for way in self.ways for load in way.loads):
            found.setdefault(load.factory, []).append(load)
        return found

    def _of_first(self) -> list[Way]:
        first = self.ways[0]
        return [way for way in self.ways if (way.samples, way.basic_ingest) == (first.samples, first.basic_ingest)]

    def _said(self, amount: float, by_million: float) -> str:
        return f"{money(amount)} {self.prices.currency} a month, {money(by_million)} a million samples"

    def _why_not(self, what: str) -> str:
        short = [(way, each) for way in self.ways for each in way.shortages if each.row.what == what]
        worst = max((each for _, each in short), key=lambda each: each.row.used)
        return f"Does not fit with {_in_common([way for way, _ in short], self.ways)}: {worst}."


def compare(plant: Plant, prices: Prices) -> Comparison:
    """All ways of a plant.

    Raises:
        PriceError: When a price lacks, or is for nothing.
    """
    ways = []
    default = int(defaults_of("factory_pipeline", "lanes")["stream"]["retention_hours"])
    retentions = (max(default, math.ceil(plant.assumed.repair_hours)), DAY)
    for samples, basic_ingest, on_demand, hours in product(
        _sizes(plant, prices), (False, True), (False, True), retentions
    ):
        factories = tuple(
            _changed(factory, plant.assumed, samples, basic_ingest, on_demand, hours) for factory in plant.factories
        )
        changed = replace(plant, factories=factories)
        loads = [_load(factory, plant.assumed) for factory in factories]
        kinds = (samples, basic_ingest, on_demand, hours)
        bill = cost.bill(changed, prices)
        ways.append(Way(*kinds, bill.messages, bill.by_million, list(_shortages(changed)), loads))
    return Comparison(prices, ways, cost.bill(plant, prices))


LEGEND = (
    "In brackets: a million samples. *: does not fit. Shards: one a lane, or as many as are needed. Limits that are "
    "the same for all: `factory-lake sizing capacity`."
)


def report(plant: Plant, prices: Prices) -> str:
    """All of it in Markdown.

    Raises:
        PriceError: As `compare` does.
    """
    made = compare(plant, prices)
    parts = [
        f"{prices.currency} a month for messages. {LEGEND}\n",
        table(made.header, made.rows),
        "".join(f"- {note}\n" for note in made.notes),
    ]
    for factory, loads in made.loads.items():
        parts += [f"{title(factory, plant.assumed)}:\n", table([*LOAD_HEADER], [load.cells for load in loads])]
    return "\n".join(parts)


def title(factory: str, assumed: Assumed) -> str:
    """What the table of a factory's loads shows."""
    return (
        f"{factory}: used of a gateway's connection (publishes, bytes) and of the measurements' stream (records, "
        f"bytes written and read), and time to catch up after {text(assumed.outage_hours)} h without a connection"
    )


def _sizes(plant: Plant, prices: Prices) -> list[int]:
    """Sizes of batches: one sample, few, as many as fill a step of what is billed, many; and those of the file."""
    largest = max(factory.measurements.sample_size for factory in plant.factories)
    room = min(prices.meters["iot"] - cost.TOPIC_BYTES, prices.meters["firehose"]) - FRAME_BYTES
    filling = max(1, math.floor((room + 1) / (largest + 1)))
    own = {factory.measurements.sending.samples_per_publish for factory in plant.factories}
    return sorted({1, SMALL_BATCH, filling, LARGE_BATCH, *own})


def _changed(
    factory: Factory, assumed: Assumed, samples: int, basic_ingest: bool, on_demand: bool, hours: int
) -> Factory:
    def changed(lane: Lane, samples: int) -> Lane:
        sending = replace(lane.sending, samples_per_publish=samples, basic_ingest=basic_ingest)
        sent = replace(lane, sending=sending)
        shards = None if on_demand else capacity.enough_shards(sent, assumed)
        stream = {"shards": shards, "on_demand": on_demand, "retention_hours": hours}
        return replace(sent, settings={**lane.settings, "stream": stream})

    return replace(
        factory,
        measurements=changed(factory.measurements, samples),
        configuration=changed(factory.configuration, 1),
    )


def _load(factory: Factory, assumed: Assumed) -> Load:
    lane = factory.measurements
    publishes, sent, *_ = (row.used for row in capacity.connection_rows(factory, assumed))
    records, written, *_ = (row.used for row in capacity.stream_rows(lane, assumed))
    catch = capacity.catch_up(lane, assumed)
    return Load(
        factory=factory.name,
        samples=lane.samples_per_publish,
        most_samples=lane.most_samples,
        streams="on-demand" if lane.shards is None else f"{lane.shards} shard{'s' if lane.shards > 1 else ''}",
        publishes=publishes,
        bytes=sent,
        records=records,
        written=written,
        read=written * capacity.SHARD_BYTES / capacity.SHARD_READ_BYTES,
        hours=catch.hours,
        limited_by=catch.limit,
    )


def _shortages(plant: Plant) -> Iterator[Shortage]:
    for factory in plant.factories:
        rows = [*capacity.connection_rows(factory, plant.assumed)]
        for lane in factory.lanes:
            rows += capacity.stream_rows(lane, plant.assumed)
        yield from (Shortage(factory.name, row) for row in rows if row.used > 1)
    yield from (Shortage(None, row) for row in quotas.stream_rows(plant) if row.used > 1)


def _amounts(way: Way) -> str:
    return f"{way.amount:,.0f} ({money(way.by_million)}){'*' if way.shortages else ''}"


def _samples(sizes: Iterable[int]) -> str:
    every = sorted(set(sizes))
    return f"{_either(map(text, every))} sample{'' if every == [1] else 's'} a publish"


def _either(words: Iterable[str]) -> str:
    return " or ".join(words)


def _in_common(ways: Sequence[Way], every: Sequence[Way]) -> str:
    """What these ways have in common that not all have."""
    said = []
    if {way.samples for way in ways} != {way.samples for way in every}:
        said.append(_samples(way.samples for way in ways))
    if len({way.basic_ingest for way in ways}) == 1:
        said.append("Basic Ingest" if ways[0].basic_ingest else "no Basic Ingest")
    if len({way.on_demand for way in ways}) == 1:
        said.append("on-demand streams" if ways[0].on_demand else "shards")
    hours = {way.hours for way in ways}
    if hours != {way.hours for way in every}:
        said.append(_either(f"{each} h" for each in sorted(hours)))
    return ", ".join(said) or "any way"
