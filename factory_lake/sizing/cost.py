"""What a plant uses in a month, times prices that the user gives."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clip_fetch import report as clip_report
from factory_lake.sizing import modules
from factory_lake.sizing.errors import PriceError, read_toml
from factory_lake.sizing.numbers import table, text
from factory_lake.sizing.plant import Assumed, Factory, Lane, Plant, Video

HOURS = 730
SECONDS = HOURS * 3600
DAYS = HOURS / 24
# AWS IoT counts the topic with the payload ("AWS IoT Core additional metering details"). The longest has lake, factory
# and gateway of 32 characters each: `$aws/rules/<lake>__<factory>__configuration/factories/<factory>/<gateway>/...`.
TOPIC_BYTES = 182
# Metrics that the functions emit, each a custom metric for every set of dimensions. Of a lane: records
# and samples, received and rejected, records accepted, samples put back. Of a camera, and as many of all cameras of a
# factory together:
LANE_METRICS = 6
# A presence event with the rule's constants, with the longest IDs; its topic counts as a message's does.
EVENT_BYTES, EVENT_TOPIC_BYTES = 600, 130
CAMERA_METRICS = len(clip_report.UNITS)
_PUTS = "objects, clips and a row for each clip"
# Bytes in which a service counts a message; `kinesis` is that of provisioned streams.
METERS = ("iot", "firehose", "kinesis", "kinesis_on_demand")


@dataclass(frozen=True)
class Prices:
    """Prices as a file states them."""

    title: str
    currency: str
    by_unit: dict[str, float]  # price of a unit, by the name of the use
    meters: dict[str, int]


@dataclass(frozen=True)
class Use:
    """Something that is paid for."""

    group: str  # `messages`, `video`, `storage` or `watching`
    price: str
    sum: str  # how the quantity is calculated, in words
    quantity: float  # in the price's unit, a month


ALL = "all"
GROUPS = ("messages", "video", "storage", "watching")


def read_prices(path: Path) -> Prices:
    """Read a prices' file, TOML.

    Raises:
        PriceError: When something is missing, or no number.
    """
    content = read_toml(path)
    try:
        title = f"{content['note']}: {content['region']}, {content['date']}, {content['currency']}"
        read = Prices(title, content["currency"], dict(content["prices"]), dict(content["meters"]))
    except KeyError as error:
        raise PriceError(path, f"must have note, region, date, currency, meters and prices, got no {error}") from error
    except (TypeError, ValueError) as error:
        raise PriceError(path, f"must have tables [prices] and [meters]: {error}") from error
    for name, price in read.by_unit.items():
        if type(price) not in (int, float) or price < 0:
            raise PriceError(f"prices.{name}", f"must be a number, 0 or more, got {price!r}")
    for name in METERS:
        meter = read.meters.get(name)
        if type(meter) is not int or meter < 1:
            raise PriceError(f"meters.{name}", f"must be a whole number, 1 or more, got {meter!r}")
    return read


def uses_of(factory: Factory, assumed: Assumed, meters: dict[str, int]) -> list[Use]:
    """All that a factory uses in a month."""
    minutes = 2 * factory.measurements.gateways * HOURS * 60 / 1e6
    uses = [Use("messages", "iot_million_connection_minutes", "2 connections a gateway, all the time", minutes)]
    for lane in factory.lanes:
        uses += _lane(lane, assumed, meters)
    uses += connection_uses(factory, assumed, meters)
    if factory.video is not None:
        uses += _video(factory.video, assumed)
    cameras = 0 if factory.video is None else factory.video.cameras + 1
    uses += [
        Use(
            "watching",
            "custom_metrics",
            f"{LANE_METRICS} a lane, {CAMERA_METRICS} a camera and as many for all cameras",
            2 * LANE_METRICS + CAMERA_METRICS * cameras,
        ),
        Use("watching", "alarms", "as the modules make them", modules.alarms(factory)),
        Use("watching", "log_gb", "as stated", assumed.log_gb),
    ]
    return uses


def connection_uses(factory: Factory, assumed: Assumed, meters: dict[str, int]) -> list[Use]:
    """What it takes in a month to keep when a factory's connections began and ended; of AWS's alarm, see `uses_of`."""
    events = 2 * 2 * factory.measurements.gateways * assumed.connects_per_day * DAYS
    units = events * _metered(EVENT_BYTES + EVENT_TOPIC_BYTES, meters["iot"]) / 1e6
    step = meters["firehose"]
    billed = events * _metered(EVENT_BYTES, step) * step / 1e9
    stored = events * EVENT_BYTES / 1e9 / assumed.json_per_parquet
    what = "events of connections"
    return [
        Use("messages", "iot_million_rules", f"{what} by their rule", units),
        Use("messages", "iot_million_actions", f"{what} by their rule's action", units),
        Use("messages", "firehose_gb", f"{what}, each rounded up to {step} bytes", billed),
        Use("messages", "firehose_conversion_gb", "the same", billed),
        Use("storage", "s3_thousand_puts", "objects of connections", connection_objects(events) / 1000),
        Use(
            "storage", "s3_gb_months", "a month's events * the months that they are kept", stored * assumed.keep_months
        ),
    ]


def connection_objects(events: float) -> float:
    """How many objects a month's events become, however many they are: one a buffer interval at most."""
    return min(events, SECONDS / modules.CONNECTIONS_SECONDS)


def uses_of_queries(assumed: Assumed) -> list[Use]:
    """What queries use in a month."""
    scanned = assumed.queries_per_day * DAYS * assumed.gb_per_query / 1000
    return [Use("storage", "athena_tb_scanned", "queries * what each reads", scanned)]


@dataclass(frozen=True)
class Bill:
    """What a plant costs in a month."""

    title: str
    summary: list[tuple[str, list[float]]]  # by factory, then `all`: amounts of each group, and their sum
    # Group, price, sum in words, quantity, price of a unit, amount.
    uses: list[tuple[str, str, str, float, float, float]]
    currency: str
    million_samples: float  # a month, all factories together

    @property
    def messages(self) -> float:
        """What messages cost, all factories together."""
        return dict(self.summary)[ALL][GROUPS.index("messages")]

    @property
    def by_million(self) -> float:
        """What messages cost, by a million samples."""
        return self.messages / self.million_samples if self.million_samples else 0


def bill(plant: Plant, prices: Prices) -> Bill:
    """What all factories and queries cost in a month.

    Raises:
        PriceError: When something used has no price, or a price is for nothing.
    """
    by_factory = {factory.name: uses_of(factory, plant.assumed, prices.meters) for factory in plant.factories}
    by_factory["queries"] = uses_of_queries(plant.assumed)
    every = [use for uses in by_factory.values() for use in uses]
    _refuse_gaps(every, prices)
    rows = []
    for group, name in dict.fromkeys((use.group, use.price) for use in sorted(every, key=_place)):
        alike = [use for use in every if (use.group, use.price) == (group, name)]
        quantity = sum(use.quantity for use in alike)
        unit = prices.by_unit[name]
        rows.append((group, name, alike[0].sum, quantity, unit, quantity * unit))
    amounts = {
        name: [sum(use.quantity * prices.by_unit[use.price] for use in uses if use.group == group) for group in GROUPS]
        for name, uses in by_factory.items()
    }
    amounts[ALL] = [sum(column) for column in zip(*amounts.values(), strict=True)]
    summary = [(name, [*row, sum(row)]) for name, row in amounts.items()]
    samples = sum(factory.measurements.all_samples for factory in plant.factories) * SECONDS / 1e6
    return Bill(prices.title, summary, rows, prices.currency, samples)


def report(plant: Plant, prices: Prices) -> str:
    """The bill in Markdown.

    Raises:
        PriceError: As `bill` does.
    """
    made = bill(plant, prices)
    summary = [["**all**" if name == ALL else name, *map(money, amounts)] for name, amounts in made.summary]
    uses = [
        [group, f"`{price}`", words, text(quantity), text(unit), money(amount)]
        for group, price, words, quantity, unit, amount in made.uses
    ]
    return "\n".join(
        [
            f"Prices: {made.title}.\n",
            table(["", *GROUPS, f"{made.currency} a month"], summary),
            f"{said_of_samples(made)}\n",
            table(["", "price", "sum", "quantity a month", "a unit", f"{made.currency} a month"], uses),
        ]
    )


def said_of_samples(bill: Bill) -> str:
    """What messages cost, by samples."""
    return f"Messages: {money(bill.by_million)} {bill.currency} a million samples."


def _refuse_gaps(uses: list[Use], prices: Prices) -> None:
    if missing := sorted({use.price for use in uses} - set(prices.by_unit)):
        raise PriceError("prices", f"must have {', '.join(missing)}, got none")
    if unknown := sorted(set(prices.by_unit) - ALL_PRICES):
        raise PriceError("prices", f"must have no other names than the uses have, got {', '.join(unknown)}")


def _place(use: Use) -> int:
    return GROUPS.index(use.group)


def money(amount: float) -> str:
    """An amount with its cents."""
    return f"{amount:,.2f}"


def _metered(size: float, meter: int) -> int:
    """How many units a message counts as: every one that is begun."""
    return max(1, math.ceil(size / meter))


def _lane(lane: Lane, assumed: Assumed, meters: dict[str, int]) -> Iterator[Use]:
    count, back = lane.all_messages * SECONDS, lane.put_back(assumed) * SECONDS
    gb = (count * lane.size + back * lane.sample_size) / 1e9
    units = count * _metered(lane.size + TOPIC_BYTES, meters["iot"]) / 1e6
    step = meters["iot"]
    if not lane.sending.basic_ingest:
        yield Use("messages", "iot_million_messages", f"messages with topics, each {step} bytes counted as one", units)
    yield Use("messages", "iot_million_rules", f"messages by the rule, each {step} bytes counted as one", units)
    yield Use("messages", "iot_million_actions", "the same, by its action", units)
    yield from _stream(lane, count, back, gb, meters)
    step = meters["firehose"]
    billed = (count * _metered(lane.size, step) + back * _metered(lane.sample_size, step)) * step / 1e9
    objects = min(count, SECONDS / lane.object_seconds)
    yield Use("messages", "firehose_gb", f"records, each rounded up to {step} bytes", billed)
    yield Use("messages", "firehose_partitioning_gb", "the same", billed)
    if lane.name == "measurements":
        yield Use("messages", "firehose_conversion_gb", "the same, measurements alone", billed)
    yield Use("messages", "firehose_thousand_objects", "one each time that a buffer is full or old", objects / 1000)
    buffer = lane.transform_buffer
    calls = max(gb * 1000 / buffer["mb"], min(count, SECONDS / max(1, buffer["seconds"])))
    seconds = gb * 1000 * assumed.transform_seconds_per_mb
    yield from _function("messages", calls, seconds, lane.settings["transform"]["memory_mb"])
    stored = lane.stored(lane.all_samples * SECONDS * lane.sample_size / 1e9, assumed)
    yield Use("storage", "s3_thousand_puts", _PUTS, objects / 1000)
    yield Use("storage", "s3_gb_months", "a month's data * the months that it is kept", stored * assumed.keep_months)


def _stream(lane: Lane, count: float, back: float, gb: float, meters: dict[str, int]) -> Iterator[Use]:
    """What a data stream uses for so many messages, and so many samples that are put back, one a record."""
    extra_hours = max(0.0, lane.settings["stream"]["retention_hours"] - 24)
    if lane.shards is None:
        yield Use("messages", "kinesis_on_demand_stream_hours", "every on-demand stream, all the time", HOURS)
        meter = meters["kinesis_on_demand"]
        taken = (count * _metered(lane.size, meter) + back * _metered(lane.sample_size, meter)) * meter / 1e9
        yield Use("messages", "kinesis_on_demand_gb_in", f"records, each rounded up to {meter} bytes", taken)
        yield Use("messages", "kinesis_on_demand_gb_out", "records, read once by Firehose", gb)
        kept = gb * extra_hours / HOURS
        yield Use("messages", "kinesis_on_demand_gb_months_kept", "what is kept beyond a day", kept)
        return
    hours = lane.shards * HOURS
    yield Use("messages", "kinesis_shard_hours", "every shard, all the time", hours)
    meter = meters["kinesis"]
    units = (count * _metered(lane.size, meter) + back * _metered(lane.sample_size, meter)) / 1e6
    yield Use("messages", "kinesis_million_put_units", f"records, each {meter} bytes counted as one", units)
    extended = hours if extra_hours else 0
    yield Use("messages", "kinesis_extended_shard_hours", "every shard that keeps more than a day", extended)


def _function(group: str, calls: float, seconds: float, memory_mb: float) -> Iterator[Use]:
    what = {"messages": "calls of the transform", "video": "runs of the archiver"}[group]
    yield Use(group, "lambda_million_calls", what, calls / 1e6)
    yield Use(group, "lambda_thousand_gb_seconds", "their duration * memory", seconds * memory_mb / 1024 / 1000)


def _video(video: Video, assumed: Assumed) -> Iterator[Use]:
    filmed = video.cameras * video.hours * 3600 * DAYS
    gb = filmed * video.mbit / 8 / 1000
    clips = filmed / video.clip_seconds
    yield Use("video", "video_gb_in", "cameras * hours * Mbit/s / 8", gb)
    yield Use("video", "video_gb_out", "the same, read once by the archiver", gb)
    kept = gb * video.camera["retention_hours"] / HOURS
    yield Use("video", "video_gb_months_kept", "the same * retention / month", kept)
    calls = SECONDS / video.schedule_seconds * video.settings["shards"]
    seconds = clips * (assumed.archive_seconds_per_clip + video.clip_mb / assumed.archive_mb_per_second)
    yield from _function("video", calls, seconds / video.settings["streams_at_once"], video.settings["memory_mb"])
    yield Use("storage", "s3_thousand_puts", _PUTS, 2 * clips / 1000)
    yield Use("storage", "s3_gb_months", "a month's data * the months that it is kept", gb * assumed.keep_months)


ALL_PRICES = frozenset(
    {
        *("alarms", "athena_tb_scanned", "custom_metrics", "firehose_conversion_gb", "firehose_gb"),
        *("firehose_partitioning_gb", "firehose_thousand_objects", "iot_million_actions"),
        *("iot_million_connection_minutes", "iot_million_messages", "iot_million_rules"),
        *("kinesis_extended_shard_hours", "kinesis_million_put_units", "kinesis_on_demand_gb_in"),
        *("kinesis_on_demand_gb_months_kept", "kinesis_on_demand_gb_out", "kinesis_on_demand_stream_hours"),
        *("kinesis_shard_hours", "lambda_million_calls", "lambda_thousand_gb_seconds", "log_gb"),
        *("s3_gb_months", "s3_thousand_puts", "video_gb_in", "video_gb_months_kept", "video_gb_out"),
    }
)
