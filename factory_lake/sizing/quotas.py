"""What all factories together ask of the account and its region, beside AWS's quotas.

Where a quota differs by region, the least that any region has by default. Sources, AWS's own pages:

* Lambda: Developer Guide, "Lambda quotas" (1,000 executions at once; "new AWS accounts have reduced
  concurrency", which is ten in reports by users); API reference, PutFunctionConcurrency (100 stay
  unreserved).
* Firehose: Developer Guide, "Amazon Data Firehose Quota" (5 invocations a shard; 100, 500, 2,000 or 5,000
  streams).
* Kinesis: Developer Guide, "Quotas and limits" (50 on-demand streams; 1,000, 6,000 or 20,000 shards).
* CloudWatch: User Guide, "Limits" of alarms (200 Metrics Insights alarms) and "CloudWatch service quotas" (no
  limit of alarms as such).
* EventBridge: User Guide, "Quotas" (100 or 300 rules).
* Kinesis Video Streams: Developer Guide, "Service quotas" (10,000 streams).
* IoT Core: General Reference, "Endpoints and quotas" (1,000 rules, as copies of the page have it; messages
  and evaluations a second differ by region).
* IAM: User Guide, "IAM and AWS STS quotas" (1,000 roles, as public tools have it).
"""

import math
from collections.abc import Iterator, Sequence

from factory_lake.sizing import modules
from factory_lake.sizing.numbers import text
from factory_lake.sizing.plant import Assumed, Lane, Plant
from factory_lake.sizing.rows import Row

CALLS_PER_SHARD = 5
UNRESERVED = 100
TOPIC_RULES = 1000
ON_DEMAND_STREAMS = 50
SHARDS = 1000
DELIVERY_STREAMS = 100
VIDEO_STREAMS = 10_000
INSIGHT_ALARMS = 200
ROLES = 1000
SCHEDULE_RULES = 100
_RAISE = "have the quota raised (Service Quotas)"
_SHOWN = 6


def rows_of(plant: Plant) -> list[Row]:
    """Every quota that grows with the factories."""
    factories = plant.factories
    lanes = [lane for factory in factories for lane in factory.lanes]
    published = sum(lane.all_messages for lane in lanes), plant.assumed.headroom
    cameras = [0 if factory.video is None else factory.video.cameras for factory in factories]
    streams = [modules.delivery_streams(factory) for factory in factories]
    insights = [modules.INSIGHT_ALARMS for _ in factories]
    topic_rules = [modules.topic_rules(factory) for factory in factories]
    return [
        *_executions(plant),
        _messages("IoT Core: inbound publish requests/s", *published),
        _messages("IoT Core: rule evaluations/s", *published),
        _added("IoT Core: topic rules", topic_rules, TOPIC_RULES, _RAISE),
        *stream_rows(plant),
        _added("Firehose: delivery streams", streams, DELIVERY_STREAMS, _RAISE),
        _added("Kinesis Video Streams: streams", cameras, VIDEO_STREAMS, _RAISE),
        _added(
            "CloudWatch: Metrics Insights alarms",
            insights,
            INSIGHT_ALARMS,
            f'{_RAISE}; or alarms.messages.disabled = ["rule-failed"], since rule-quarantined or rule-lost '
            "sounds as well when that one does",
        ),
        _added("IAM: roles", [modules.roles(factory) for factory in factories], ROLES, _RAISE),
        _added(
            "EventBridge: rules of the default bus",
            [modules.schedule_rules(factory) for factory in factories],
            SCHEDULE_RULES,
            _RAISE,
        ),
    ]


def stream_rows(plant: Plant) -> Iterator[Row]:
    """Quotas of data streams, which differ by what streams are like."""
    lanes = [factory.lanes for factory in plant.factories]
    yield _added(
        "Kinesis: on-demand data streams",
        [sum(lane.shards is None for lane in both) for both in lanes],
        ON_DEMAND_STREAMS,
        f"lanes.*.stream.shards in place of on_demand, which keeps the stream; or {_RAISE}",
    )
    shards = [sum(lane.shards or 0 for lane in both) for both in lanes]
    yield _added("Kinesis: provisioned shards", shards, SHARDS, _RAISE)


def _messages(what: str, rate: float, headroom: float) -> Row:
    return Row(what, f"{text(rate)} * {text(headroom)}", rate * headroom, None, _RAISE)


def _added(what: str, parts: Sequence[float], limit: float, remedy: str) -> Row:
    shown = " + ".join(map(text, parts)) if len(parts) <= _SHOWN else f"of {len(parts)} factories"
    return Row(what, shown, sum(parts), limit, remedy)


def _executions(plant: Plant) -> Iterator[Row]:
    """Executions of functions at once while all lanes catch up, and what reservations leave."""
    most: list[float] = []
    reserved: list[float] = []
    for factory in plant.factories:
        own = [lane.settings["transform"]["reserved_concurrency"] for lane in factory.lanes]
        calls = [_calls(lane, plant.assumed) for lane in factory.lanes]
        if factory.video is not None:
            own.append(factory.video.settings["reserved_concurrency"])
            calls.append(float(factory.video.settings["shards"]))
        most.append(sum(min(one, limit or one) for one, limit in zip(calls, own, strict=True)))
        reserved.append(sum(limit or 0 for limit in own))
    quota = plant.assumed.concurrent_executions
    yield _added(
        "Lambda: executions at once while lanes catch up",
        most,
        quota,
        f"{_RAISE} to {text(sum(most))}; until then lanes.*.delivery.transform_retries = 300 lets throttled "
        "batches wait in the data stream, where 3 retries leave them in errors/.../processing-failed/",
    )
    if any(reserved):
        yield _added(
            f"Lambda: executions that are reserved, and the {UNRESERVED} that must not be",
            [*reserved, UNRESERVED],
            quota,
            f"the apply fails (decreases account's UnreservedConcurrentExecution below its minimum value): "
            f"reserve none, or {_RAISE} to {text(sum(reserved) + UNRESERVED)}",
        )


def _calls(lane: Lane, assumed: Assumed) -> float:
    """Calls of the transform at once when what an outage left is read: no more than there are batches."""
    waiting = assumed.outage_hours * 3600 * lane.all_messages * lane.size / 1e6
    batches = math.ceil(waiting / lane.transform_buffer["mb"])
    return min(CALLS_PER_SHARD * lane.most_shards, max(lane.most_shards, batches))
