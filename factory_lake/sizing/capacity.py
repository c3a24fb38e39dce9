"""What a plant asks of each part, beside the limit of that part; of the account's quotas, see quotas.py.

A message is what a gateway publishes, which is a record of the data stream: one sample, or a batch of them.

Limits are AWS's own, from the quota pages of IoT Core ("AWS IoT Core endpoints and quotas"), Kinesis Data
Streams ("Quotas and limits"), Firehose ("Amazon Data Firehose quota"), Lambda ("Lambda quotas") and Kinesis
Video Streams ("Service quotas"), or the settings' of the modules.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from clip_fetch import deadline
from factory_lake.sizing import modules, quotas
from factory_lake.sizing.numbers import table, text
from factory_lake.sizing.plant import CLIP_FRAGMENTS, CLIP_MB, Assumed, Factory, Lane, Plant, Video
from factory_lake.sizing.rows import FITS, HEADER, Row, shortages

PUBLISHES = 100  # a second and connection; the excess is discarded
CONNECTION_BYTES = 512 * 1024  # a second and connection
PAYLOAD_BYTES = 128 * 1024
SHARD_RECORDS = 1000  # a second
SHARD_BYTES = 1_000_000  # a second, partition keys included
SHARD_READ_BYTES = 2_000_000  # a second, by all readers together; Firehose is the only one
PARTITIONS = 500  # open at once in a delivery stream
# S3 moves no smaller object to another class, unless a rule's filter names a size (S3 User Guide,
# "Transitioning objects using Amazon S3 Lifecycle").
MOVED_MB = 128 * 1024 / 1e6
FRAGMENT_POINTS = 500  # a second and video stream; GetClip costs one a fragment
# The rule's partition key: epoch milliseconds, the gateway's ID (32 at most) and a UUID, with two slashes.
KEY_BYTES = 13 + 1 + 32 + 1 + 36
# What the archiver keeps free at the end of a run.
MARGIN_SECONDS = deadline.MARGIN_MS / 1000


def rows_of(factory: Factory, assumed: Assumed) -> list[Row]:
    """Every sum of a factory."""
    rows = [*connection_rows(factory, assumed)]
    for lane in factory.lanes:
        rows += [*stream_rows(lane, assumed), *_transform(lane, assumed)]
    if factory.video is not None:
        rows += _video(factory.video, assumed)
    return rows


def expectations_of(factory: Factory, assumed: Assumed) -> list[str]:
    """What to expect of a factory that no limit stands against."""
    found = []
    for lane in factory.lanes:
        mb = lane.object_seconds * lane.all_samples * lane.sample_size / 1e6
        found.append(
            f"{lane.name}: an object of {text(mb)} MB of messages every {text(lane.object_seconds)} s, "
            f"to be queried {text(1.5 * lane.object_seconds)} s after its first message at the latest; "
            f"what cannot be delivered waits {text(lane.settings['stream']['retention_hours'])} h"
        )
        stored = lane.stored(mb, assumed)
        if stored < MOVED_MB:
            found.append(
                f"{lane.name}: its objects have about {text(1000 * stored)} KB, so a transition "
                "(storage.buckets.*.transitions) moves none of them: S3 leaves what is under 128 KB"
            )
    found += _catching_up(factory.measurements, assumed)
    watched, insights = modules.alarms(factory), modules.INSIGHT_ALARMS
    found.append(f"{watched} alarms watch it, {insights} of them by Metrics Insights queries")
    if factory.video is not None:
        per_shard = cameras_per_shard(factory.video, assumed)
        if factory.video.clip_mb < MOVED_MB:
            found.append("video: clips are under 128 KB, so a transition moves none of them")
        found.append(
            f"video: clips of {text(factory.video.clip_seconds)} s and {text(factory.video.clip_mb)} MB; "
            f"one archiver shard keeps up with {per_shard} such cameras"
        )
    return found


@dataclass(frozen=True)
class Section:
    """The sums of one factory, or of all together."""

    title: str
    introduction: str
    rows: Sequence[Row]
    expectations: Sequence[str] = ()  # what to expect that no limit stands against


def sections(plant: Plant) -> list[Section]:
    """Every factory, and the quotas that all share."""
    each = [
        Section(factory.name, "", rows_of(factory, plant.assumed), expectations_of(factory, plant.assumed))
        for factory in plant.factories
    ]
    return [*each, Section("All factories", _ACCOUNT, quotas.rows_of(plant))]


def report(plant: Plant) -> str:
    """All of it in Markdown."""
    parts = []
    for section in sections(plant):
        above = f"{section.introduction}\n\n" if section.introduction else ""
        parts.append(f"### {section.title}\n\n{above}" + table(HEADER, [row.cells for row in section.rows]))
        if section.expectations:
            parts.append("".join(f"- {line}.\n" for line in section.expectations))
        parts.append("".join(f"**Too little:** {line}.\n" for line in shortages(section.rows)) or f"{FITS}\n")
    return "\n".join(parts)


def cameras_per_shard(video: Video, assumed: Assumed) -> int:
    """How many cameras one invocation keeps up with: those that a thread can do in a run, for each thread."""
    one = _camera_seconds(video, assumed)
    return int(_run_seconds(video) / one) * int(video.settings["streams_at_once"])


_ACCOUNT = """\
Quotas of the account in its region. Limits are AWS's defaults, in the region that has the least; Service
Quotas says what yours are. What else the account does comes on top."""


@dataclass(frozen=True)
class CatchUp:
    """What a gateway can send after an outage: what was kept, beside what goes on."""

    most: float  # samples a second
    limit: str  # what allows no more: `publishes`, `bytes` or `shards`
    hours: float | None  # None when it never catches up


def catch_up(lane: Lane, assumed: Assumed) -> CatchUp:
    """How a lane's gateways catch up, all of them at the same time, with full batches."""
    samples = lane.most_samples
    size = lane.size_of(samples)
    # Of a shard, by a sample: its part of the batch, and of what is put back.
    share = lane.put_back(assumed) / max(lane.all_samples, 1e-9)
    records = (1 / samples + share) / SHARD_RECORDS
    written = ((size + KEY_BYTES) / samples + share * (lane.sample_size + KEY_BYTES)) / SHARD_BYTES
    most = {
        "publishes": PUBLISHES * samples,
        "bytes": CONNECTION_BYTES / max(size, 1) * samples,
        "shards": lane.most_shards / max(records, written) / max(1, lane.gateways),
    }
    limit = min(most, key=lambda name: most[name])
    spare = most[limit] - lane.samples
    return CatchUp(most[limit], limit, assumed.outage_hours * lane.samples / spare if spare > 0 else None)


def _catching_up(lane: Lane, assumed: Assumed) -> Iterator[str]:
    catch = catch_up(lane, assumed)
    if catch.hours is None:
        return
    yield (
        f"a gateway that was cut off for {text(assumed.outage_hours)} h has caught up {text(catch.hours)} h later: "
        f"{text(assumed.outage_hours)} * {text(lane.samples)} / ({text(catch.most)} - {text(lane.samples)}); "
        f"{catch.limit} limit it"
    )
    if catch.limit == "shards":
        pace = catch.most / lane.most_samples
        yield (
            f"while its gateways catch up, each must keep to {text(pace)} publishes/s, since their stream takes no "
            f"more: what is beyond goes to the rule's error action; lanes.{lane.name}.stream.shards makes room"
        )


def connection_rows(factory: Factory, assumed: Assumed) -> Iterator[Row]:
    """What a gateway asks of its connection, and what an outage does."""
    lane = factory.measurements
    peak = lane.messages * assumed.headroom
    enough = math.ceil(lane.all_messages * assumed.headroom / PUBLISHES)
    shared = f"share its tags among {enough} gateways (now {lane.gateways})"
    batch = math.ceil(lane.samples * assumed.headroom / PUBLISHES)
    is_possible = batch <= min(lane.samples_of(batch), lane.samples_in_time)
    yield Row(
        "publishes/s of a gateway",
        f"{text(lane.messages)} * {text(assumed.headroom)}",
        peak,
        PUBLISHES,
        f"samples_per_publish = {batch}, or {shared}" if is_possible else shared,
    )
    enough = math.ceil(lane.all_messages * assumed.headroom * lane.size / CONNECTION_BYTES)
    yield Row(
        "bytes/s of a gateway",
        f"{text(peak)} * {text(lane.size)}",
        peak * lane.size,
        CONNECTION_BYTES,
        f"share its tags among {enough} gateways (now {lane.gateways})",
    )
    largest = max(each.size_of(each.most_samples) for each in factory.lanes)
    yield Row("bytes of a message", text(largest), largest, PAYLOAD_BYTES, "split it; AWS IoT refuses larger ones")
    days = factory.measurements.settings["transform"]["past_days"]
    hours = catch_up(lane, assumed).hours
    if hours is not None:
        yield Row(
            "hours that a sample may be late",
            f"{text(assumed.outage_hours)} + {text(hours)}",
            assumed.outage_hours + hours,
            days * 24,
            "raise lanes.measurements.transform.past_days",
        )


def enough_shards(lane: Lane, assumed: Assumed) -> int:
    """How many shards a lane's data stream needs."""
    records, size = _load(lane, assumed)
    return max(1, math.ceil(max(records / SHARD_RECORDS, size / SHARD_BYTES)))


def stream_rows(lane: Lane, assumed: Assumed) -> Iterator[Row]:
    """What a lane asks of its data stream."""
    records, size = _load(lane, assumed)
    shards, enough, back = lane.most_shards, enough_shards(lane, assumed), lane.put_back(assumed)
    remedy = (
        f"lanes.{lane.name}.stream.shards = {enough}"
        if lane.shards
        else f"a new on-demand stream takes less; lanes.{lane.name}.stream = {{ shards = {enough} }}, or let it grow"
    )
    headroom, published = text(assumed.headroom), f"{lane.gateways} * {text(lane.messages)}"
    every = f"({published} + {text(back)} put back)" if back else published
    keyed = f"{text(lane.all_messages)} * ({text(lane.size)} + {KEY_BYTES})"
    alone = f" + {text(back)} * ({text(lane.sample_size)} + {KEY_BYTES})"
    yield Row(f"{lane.name}: records/s", f"{every} * {headroom}", records, shards * SHARD_RECORDS, remedy)
    yield Row(
        f"{lane.name}: bytes/s with keys",
        f"({keyed}{alone}) * {headroom}" if back else f"{keyed} * {headroom}",
        size,
        shards * SHARD_BYTES,
        remedy,
    )
    yield Row(
        f"{lane.name}: hours until a delivery is repaired",
        text(assumed.repair_hours),
        assumed.repair_hours,
        lane.settings["stream"]["retention_hours"],
        f"lanes.{lane.name}.stream.retention_hours = {math.ceil(assumed.repair_hours)}: older messages are lost",
    )


def _load(lane: Lane, assumed: Assumed) -> tuple[float, float]:
    """Records and bytes a second that a lane writes to its data stream in its busiest minute."""
    back = lane.put_back(assumed)
    records = lane.all_messages + back
    size = lane.all_messages * (lane.size + KEY_BYTES) + back * (lane.sample_size + KEY_BYTES)
    return records * assumed.headroom, size * assumed.headroom


def _transform(lane: Lane, assumed: Assumed) -> Iterator[Row]:
    transform = lane.settings["transform"]
    batch = lane.transform_buffer["mb"] * assumed.transform_seconds_per_mb
    read = lane.all_messages * lane.size * assumed.headroom / 1e6
    yield Row(
        f"{lane.name}: seconds of a call of the transform",
        f"{text(lane.transform_buffer['mb'])} MB * {text(assumed.transform_seconds_per_mb)}",
        batch,
        transform["timeout_seconds"],
        f"raise lanes.{lane.name}.transform.memory_mb, which brings processor time",
    )
    yield Row(
        f"{lane.name}: calls at once",
        f"{text(read)} MB/s * {text(assumed.transform_seconds_per_mb)}, at least 1",
        max(1, read * assumed.transform_seconds_per_mb),
        transform["reserved_concurrency"] or assumed.concurrent_executions,
        f"raise lanes.{lane.name}.transform.reserved_concurrency, or the account's quota",
    )
    if lane.name == "measurements":
        days = transform["past_days"] + transform["future_days"] + 1
        yield Row(
            "measurements: days open at once, at worst",
            f"{transform['past_days']} + {transform['future_days']} + 1",
            days,
            PARTITIONS,
            "lower past_days, or have the quota of the delivery stream raised",
        )


def _video(video: Video, assumed: Assumed) -> Iterator[Row]:
    asked, fragment = video.settings["clip_seconds"], video.camera["fragment_seconds"]
    yield Row(
        "fragments of a clip",
        f"{text(asked)} / {text(fragment)}",
        asked / fragment,
        CLIP_FRAGMENTS,
        f"clips end after {text(video.clip_seconds)} s; have the camera send a key frame less often",
    )
    yield Row(
        "MB of a clip",
        f"{text(asked)} s * {text(video.mbit)} Mbit/s / 8",
        asked * video.mbit / 8,
        CLIP_MB,
        f"clips end after {text(video.clip_seconds)} s; nothing is lost",
    )
    seconds = assumed.archive_seconds_per_clip + video.clip_mb / assumed.archive_mb_per_second
    fragments = video.clip_seconds / fragment
    yield Row(
        "GetClip points/s of a stream while catching up",
        f"{text(fragments)} fragments / {text(seconds)} s",
        fragments / seconds,
        FRAGMENT_POINTS,
        "calls are throttled and tried again; catching up takes longer",
    )
    one, at_once = _camera_seconds(video, assumed), int(video.settings["streams_at_once"])
    # A camera's clips are made one after the other, those of several cameras at once.
    rounds = math.ceil(math.ceil(video.cameras / video.settings["shards"]) / at_once)
    needed, run = rounds * one, _run_seconds(video)
    most = cameras_per_shard(video, assumed)
    yield Row(
        "seconds of an archiver's run",
        f"{rounds} * {text(one)} ({video.cameras} cameras / {video.settings['shards']} / {at_once} at once)",
        needed,
        run,
        f"video.shards = {math.ceil(video.cameras / most)}"
        if most
        else "make clips longer: one camera alone takes more than a run",
    )
    if needed < run:
        behind = assumed.outage_hours * run / (run - needed)
        yield Row(
            "hours that footage waits after an outage",
            f"{text(assumed.outage_hours)} * {text(run)} / ({text(run)} - {text(needed)})",
            behind,
            video.camera["retention_hours"],
            "raise cameras.retention_hours or video.shards",
        )


def _camera_seconds(video: Video, assumed: Assumed) -> float:
    """Time that one camera's clips of one schedule interval take one thread."""
    clips = video.schedule_seconds / video.clip_seconds
    return clips * (assumed.archive_seconds_per_clip + video.clip_mb / assumed.archive_mb_per_second)


def _run_seconds(video: Video) -> float:
    """Time that a run has: until its timeout or the next run."""
    return float(min(video.settings["timeout_seconds"], video.schedule_seconds) - MARGIN_SECONDS)
