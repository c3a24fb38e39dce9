"""A plant in numbers: what its file says, with the modules' defaults for what it leaves out."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clip_fetch import planning, throughput
from factory_lake.sizing.defaults import Settings, defaults_of
from factory_lake.sizing.errors import PlantError, read_toml

LANES = ("measurements", "configuration")
#: A batch, as gateways send it, and the most that is in one: `{"samples":[...]}`, in bytes.
FRAME_BYTES, BATCH_BYTES = len('{"samples":[]}'), 120 * 1024
# Where the archiver ends a clip: GetClip joins no more than 200 fragments and 100 MB.
CLIP_FRAGMENTS = planning.MAX_FRAGMENTS
CLIP_MB = planning.MAX_BYTES / 1e6
#: What the module makes where `stream` names neither `shards` nor `on_demand`; a test compares it with a plan.
DEFAULT_SHARDS = 1
#: What a new on-demand stream has; it grows to twice its highest peak of 30 days.
ON_DEMAND_SHARDS = 4
# What Firehose does where the module leaves it alone (Firehose Developer Guide, "Data transformation").
_TRANSFORM_BUFFER: Settings = {"mb": 1.0, "seconds": 60.0}
_SCHEDULE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_UNITS = {"minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True)
class Sending:
    """How gateways publish; batches are for measurements alone."""

    samples_per_publish: int = 1  # at most
    batch_seconds: float = 1  # that the first sample of a batch waits for others, at most
    basic_ingest: bool = False


@dataclass(frozen=True)
class Lane:
    """A lane of one factory."""

    name: str
    samples: float  # samples (configuration: updates) a second of one gateway, on average
    sample_size: float  # bytes of one
    gateways: int
    sending: Sending
    settings: Mapping[str, Mapping[str, Any]]  # as the module factory_pipeline takes them, every one given

    def samples_of(self, most: int) -> int:
        """Samples of a batch that has so many at most, and no more than its bytes allow."""
        return max(1, min(most, math.floor((BATCH_BYTES - FRAME_BYTES + 1) / (self.sample_size + 1))))

    @property
    def most_samples(self) -> int:
        """Samples of a full batch, as are sent while a gateway catches up."""
        return self.samples_of(self.sending.samples_per_publish)

    @property
    def samples_in_time(self) -> int:
        """Samples that come while a batch may wait, or the one that waits."""
        return max(1, math.floor(self.samples * self.sending.batch_seconds))

    @property
    def samples_per_publish(self) -> int:
        """Samples of a message on average: of a full batch, or of one that has waited long enough."""
        return min(self.most_samples, self.samples_in_time)

    @property
    def messages(self) -> float:
        """Messages a second of one gateway."""
        return self.samples / self.samples_per_publish

    @property
    def size(self) -> float:
        """Bytes of a message."""
        return self.size_of(self.samples_per_publish)

    @property
    def all_messages(self) -> float:
        """Messages a second, all gateways together."""
        return self.messages * self.gateways

    @property
    def all_samples(self) -> float:
        """Samples a second, all gateways together."""
        return self.samples * self.gateways

    def size_of(self, samples: int) -> float:
        """Bytes of a message with so many samples; one alone goes as it is."""
        return self.sample_size if samples == 1 else samples * (self.sample_size + 1) - 1 + FRAME_BYTES

    def put_back(self, assumed: "Assumed") -> float:
        """Samples a second that the transform takes out of batches and puts back, at worst each as a record."""
        return self.all_samples * assumed.put_back_share if self.most_samples > 1 else 0

    @property
    def shards(self) -> int | None:
        """Shards of its data stream; None leaves them to AWS (on-demand)."""
        stream = self.settings["stream"]
        return None if stream["on_demand"] else int(stream["shards"] or DEFAULT_SHARDS)

    @property
    def most_shards(self) -> int:
        """Shards that are read at the same time: its own, or those that a new on-demand stream has."""
        return self.shards or ON_DEMAND_SHARDS

    def stored(self, size: float, assumed: "Assumed") -> float:
        """What becomes of so many bytes of messages in the bucket: Parquet, or the lines themselves."""
        return size / (assumed.json_per_parquet if self.name == "measurements" else 1)

    @property
    def transform_buffer(self) -> Mapping[str, float]:
        """Size (`mb`) and age (`seconds`) at which a batch goes to the transform."""
        buffer: Mapping[str, float] = self.settings["delivery"]["transform_buffer"] or _TRANSFORM_BUFFER
        return buffer

    @property
    def object_seconds(self) -> float:
        """How often Firehose writes an object: when the buffer is full or its time is up."""
        full = float(self.settings["delivery"]["buffer_mb"]) * 1e6 / max(self.all_samples * self.sample_size, 1e-9)
        # A buffer of 0 s is one that Firehose empties as it can; it takes about a second for that.
        return max(1.0, min(float(self.settings["delivery"]["buffer_seconds"]), full))


@dataclass(frozen=True)
class Video:
    """A factory's cameras, all alike."""

    cameras: int
    mbit: float  # Mbit a second of one camera while it films
    hours: float
    camera: Mapping[str, Any]  # settings of a camera as the module video_archiver takes them, every one given
    settings: Mapping[str, Any]  # settings of its video, likewise

    @property
    def clip_seconds(self) -> float:
        """How long clips become: as asked, or what fits into one."""
        by_count = CLIP_FRAGMENTS * float(self.camera["fragment_seconds"])
        return min(float(self.settings["clip_seconds"]), by_count, CLIP_MB * 8 / self.mbit)

    @property
    def clip_mb(self) -> float:
        """MB of a clip."""
        return self.clip_seconds * self.mbit / 8

    @property
    def schedule_seconds(self) -> int:
        """Seconds between two runs of the archiver."""
        rate = _SCHEDULE.fullmatch(self.settings["schedule"])
        if rate is None:
            raise PlantError("video.schedule", "must be rate(...) here", self.settings["schedule"])
        return int(rate[1]) * _UNITS[rate[2]]


@dataclass(frozen=True)
class Factory:
    """One factory: its name, its two lanes and, where it has cameras, its video."""

    name: str
    measurements: Lane
    configuration: Lane
    video: Video | None

    @property
    def lanes(self) -> tuple[Lane, Lane]:
        """Both lanes."""
        return self.measurements, self.configuration


@dataclass(frozen=True)
class Assumed:
    """What the sums take for granted; measure it and say it in the file (`[assumed]`)."""

    headroom: float = 1.5  # the busiest minute over the average
    outage_hours: float = 8  # how long a gateway or the archiver may be cut off before it catches up
    repair_hours: float = 60  # how long a delivery may fail: from Friday evening to Monday morning
    # Samples of batches that the transform puts back, since they are rejected, or of another day than the others.
    put_back_share: float = 0.001
    transform_seconds_per_mb: float = 0.5  # duration of the transform, by MB of messages
    # Of a clip's calls, its bytes aside; by default what the archiver assumes.
    archive_seconds_per_clip: float = throughput.ASSUMED_CALL_MS / 1000
    # Download and upload of a clip together; likewise.
    archive_mb_per_second: float = throughput.ASSUMED_BYTES_PER_SECOND / 1e6
    # How often a gateway's connection ends and begins again. AWS takes one CONNECT a second and client ID, so 86,400
    # is the worst case.
    connects_per_day: float = 24
    json_per_parquet: float = 10  # bytes of messages that become one byte of Parquet
    keep_months: float = 12  # age of the oldest data in the buckets
    log_gb: float = 1  # logs of a factory, GB a month
    # Of all functions of the account at once. A new account has about ten, which AWS raises by and by, or on request,
    # to 1,000 and more.
    concurrent_executions: float = 10
    queries_per_day: float = 0  # Athena queries, all users together
    gb_per_query: float = 0  # what one of them reads


@dataclass(frozen=True)
class Plant:
    """All factories of a lake, and what is assumed of them."""

    factories: tuple[Factory, ...]
    assumed: Assumed


def read_plant(path: Path) -> Plant:
    """Read a plant's file, TOML.

    Raises:
        PlantError: With the path, the rule and the value.
    """
    content = read_toml(path)
    _refuse_others(content, {"assumed", "factories"}, "the file")
    assumed = content.get("assumed", {})
    _refuse_others(assumed, set(Assumed.__dataclass_fields__), "assumed")
    for name in assumed:
        _number(assumed, name, "assumed")
    factories = content.get("factories", {})
    if not isinstance(factories, Mapping) or not factories:
        raise PlantError("factories", "must name at least one factory, got none")
    return Plant(tuple(_factory(name, given) for name, given in factories.items()), Assumed(**assumed))


_RATES = ("gateways", "tags", "samples_per_second", "message_bytes", "configuration_per_hour", "configuration_bytes")
_SENDING = tuple(Sending.__dataclass_fields__)
_CAMERAS = ("count", "mbit_per_second", "hours_per_day")


def _factory(name: str, given: Mapping[str, Any]) -> Factory:
    path = f"factories.{name}"
    _refuse_others(given, {*_RATES, *_SENDING, "lanes", "cameras", "video"}, path)
    numbers = {each: _number(given, each, path) for each in _RATES}
    gateways = int(numbers["gateways"])
    rates = {
        "measurements": (numbers["tags"] * numbers["samples_per_second"], numbers["message_bytes"]),
        "configuration": (numbers["configuration_per_hour"] / 3600, numbers["configuration_bytes"]),
    }
    _refuse_others(given.get("lanes", {}), set(LANES), f"{path}.lanes")
    defaults = defaults_of("factory_pipeline", "lanes")
    settings = {lane: given.get("lanes", {}).get(lane, {}) for lane in LANES}
    sending = _sending(given, path)
    measurements, configuration = (
        Lane(
            lane,
            *rates[lane],
            gateways,
            sending if lane == "measurements" else replace(sending, samples_per_publish=1),
            _lane_settings(defaults, settings[lane], f"{path}.lanes.{lane}"),
        )
        for lane in LANES
    )
    return Factory(name, measurements, configuration, _video(given, path))


def _sending(given: Mapping[str, Any], path: str) -> Sending:
    found = {name: given[name] for name in _SENDING if name in given}
    if "samples_per_publish" in found:
        _whole(found, "samples_per_publish", path)
    if "batch_seconds" in found:
        _number(found, "batch_seconds", path)
    _check_type(found.get("basic_ingest"), False, f"{path}.basic_ingest")
    return Sending(**found)


def _lane_settings(defaults: Settings, given: Mapping[str, Any], path: str) -> Settings:
    settings = _merged(defaults, given, path)
    stream = settings["stream"]
    if stream["shards"] is not None:
        _whole(stream, "shards", f"{path}.stream")
        if stream["on_demand"]:
            raise PlantError(f"{path}.stream.shards", "must be left out with on_demand = true", stream["shards"])
    return settings


def _video(given: Mapping[str, Any], path: str) -> Video | None:
    if "cameras" not in given:
        return None
    _refuse_no_table(given["cameras"], f"{path}.cameras")
    cameras = dict(given["cameras"])
    count = _number(cameras, "count", f"{path}.cameras")
    mbit = _number(cameras, "mbit_per_second", f"{path}.cameras")
    if mbit == 0:
        raise PlantError(f"{path}.cameras.mbit_per_second", "must be more than 0", 0)
    hours = _number({"hours_per_day": 24, **cameras}, "hours_per_day", f"{path}.cameras")
    settings = {name: value for name, value in cameras.items() if name not in _CAMERAS}
    return Video(
        int(count),
        mbit,
        hours,
        _merged(defaults_of("video_archiver", "cameras"), settings, f"{path}.cameras"),
        _merged(defaults_of("video_archiver", "video"), given.get("video", {}), f"{path}.video"),
    )


def _merged(defaults: Settings, given: Mapping[str, Any], path: str) -> Settings:
    """Defaults with what is given in their place."""
    _refuse_others(given, set(defaults), path)
    merged: Settings = {}
    for name, default in defaults.items():
        if isinstance(default, dict):
            merged[name] = _merged(default, given.get(name, {}), f"{path}.{name}")
        else:
            merged[name] = given.get(name, default)
            _check_type(merged[name], default, f"{path}.{name}")
    return merged


def _check_type(value: object, default: object, path: str) -> None:
    kinds = {str: "a text", float: "a number", int: "a number", bool: "true or false"}
    wanted = kinds.get(type(default))
    if wanted is not None and value is not None and kinds.get(type(value)) != wanted:
        raise PlantError(path, f"must be {wanted}", value)


def _number(given: Mapping[str, Any], name: str, path: str) -> float:
    value = given.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise PlantError(f"{path}.{name}", f"must be a number, 0 or more, got {value!r}")
    return float(value)


def _whole(given: Mapping[str, Any], name: str, path: str) -> None:
    value = given[name]
    if type(value) is not int or value < 1:
        raise PlantError(f"{path}.{name}", "must be a whole number, 1 or more", value)


def _refuse_others(given: Mapping[str, Any], known: set[str], path: str) -> None:
    _refuse_no_table(given, path)
    if others := sorted(set(given) - known):
        raise PlantError(path, f"must have no other keys than {', '.join(sorted(known))}, got {', '.join(others)}")


def _refuse_no_table(given: object, path: str) -> None:
    if not isinstance(given, Mapping):
        raise PlantError(path, "must be a table", given)
