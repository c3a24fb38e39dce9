"""What a factory has cost since the month began: the calculator's sums, with measured numbers as the plant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from factory_lake.gateway.identities import Lane
from factory_lake.report.facts import Cost, month_of
from factory_lake.sizing import cost as bills
from factory_lake.sizing.cost import Prices
from factory_lake.sizing.defaults import defaults_of
from factory_lake.sizing.plant import FRAME_BYTES, Assumed, Factory, Plant, Sending, Video
from factory_lake.sizing.plant import Lane as PlantLane

# Of what arrived in a month, no more is stored by then; and who queries cannot be told by factory.
_ASSUMED = Assumed(keep_months=1)
_HOUR_MS = 3_600_000


@dataclass(frozen=True)
class LaneUse:
    """What a lane was measured to take in a range.

    Attributes:
        samples: Samples, or lines of configuration, repeats included.
        messages: Records of the data stream.
        size: Bytes of these.
        shards: Shards of the data stream; None for an on-demand one.
        retention_hours: How long it keeps messages.
    """

    samples: int
    messages: int
    size: int
    shards: int | None = 1
    retention_hours: int = 24


@dataclass(frozen=True)
class VideoUse:
    """What a factory's cameras were measured to film in a range.

    Attributes:
        filmed_ms: How long, all cameras together.
        size: Bytes of it.
    """

    cameras: int
    filmed_ms: int
    size: int


@dataclass(frozen=True)
class Use:
    """What a factory was measured to use in a range."""

    factory: str
    gateways: int
    from_ms: int
    to_ms: int
    lanes: Mapping[Lane, LaneUse]
    video: VideoUse | None = None


def so_far(use: Use, prices: Prices) -> Cost:
    """The cost of a month at the range's pace, and the part of it from the month's beginning to the range's end.

    Raises:
        PriceError: When a price lacks, or is for nothing.
    """
    factory = Factory(use.factory, _lane(use, "measurements"), _lane(use, "configuration"), _video(use))
    bill = bills.bill(Plant((factory,), _ASSUMED), prices)
    amounts = dict(bill.summary)[use.factory]
    begun_ms = month_of(use.to_ms - 1)
    part = (use.to_ms - begun_ms) / (bills.HOURS * _HOUR_MS)
    groups = tuple((name, amount * part) for name, amount in zip(bills.GROUPS, amounts, strict=False))
    return Cost(begun_ms, use.to_ms, prices.title, prices.currency, groups, amounts[-1])


def _lane(use: Use, lane: Lane) -> PlantLane:
    measured = use.lanes[lane]
    # As many samples a message as there were on average; as batches of one lane only are, so of the other are none.
    each = max(1, round(measured.samples / measured.messages)) if lane == "measurements" and measured.messages else 1
    message = measured.size / measured.messages if measured.messages else 0
    sample = message if each == 1 else max(1.0, (message - FRAME_BYTES + 1) / each - 1)
    seconds = (use.to_ms - use.from_ms) / 1000
    settings = defaults_of("factory_pipeline", "lanes")
    stream = {
        "shards": measured.shards,
        "on_demand": measured.shards is None,
        "retention_hours": measured.retention_hours,
    }
    return PlantLane(
        lane,
        each * measured.messages / seconds / max(1, use.gateways),
        sample,
        max(1, use.gateways),
        # The batches have waited already: their average size is what counts here.
        Sending(each, batch_seconds=seconds),
        {**settings, "stream": {**settings["stream"], **stream}},
    )


def _video(use: Use) -> Video | None:
    video = use.video
    if video is None or not video.cameras:
        return None
    filmed = max(1, video.filmed_ms)
    camera: Mapping[str, Any] = defaults_of("video_archiver", "cameras")
    return Video(
        video.cameras,
        max(0.001, video.size * 8 / filmed / 1000),
        24 * video.filmed_ms / (use.to_ms - use.from_ms) / video.cameras,
        camera,
        defaults_of("video_archiver", "video"),
    )
