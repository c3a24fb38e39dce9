"""Makes a data stream's shards behave as Kinesis documents it, so that no record is lost on the way through.

Of ``ministack.services.kinesis`` this replaces:

- ``_update_shard_count``: deleted the parent shards with every record in them. A parent is now closed: it takes no
  record, and can be read to its end. ``_split_shard`` and ``_merge_shards`` did the same, and are refused.
- ``_route_to_shard``, ``_shard_out``, ``_describe_stream_summary``: know closed shards from open ones.
- ``_get_records``: had no end of a closed shard (no NextShardIterator, ChildShards) and no limit of 10 MB.
- ``_expire_records``: iterators are positions in a list, and it shortened the list under them: every iterator
  then skipped as many new records as old ones had expired.
- ``_expire_iterators``: looked at every iterator of the last five minutes with each request; a cloud with many
  streams that are polled spent most of its time on it.
- ``_create_stream``: gave an on-demand stream one shard, where Kinesis gives four, and ignored the request's Tags,
  so that every plan of Terraform's wanted to add them.
- ``handle_request``: has no UpdateStreamMode, so a stream could not become on-demand or provisioned.

Limits of both changes (API reference, UpdateShardCount; Developer Guide, "Choose the data stream capacity mode"): the
shards of a provisioned stream alone, to half or double at most, ten times in 24 hours; the mode twice in 24 hours,
which leaves the shards as they are.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.services import kinesis

from localcloud.patches.requests import members_of, operation_of

MAX_ANSWER = 10 * 1024 * 1024
"""Bytes of data in one answer of GetRecords (Kinesis API reference)."""
ON_DEMAND_SHARDS = 4
"""Shards of a new on-demand stream (Kinesis Developer Guide, "Choose the data stream capacity mode")."""

MODE_CHANGES, SHARD_CHANGES = 2, 10
"""How often a stream may change in 24 hours."""

_ENDING = "ending_sequence_number"
_DAY_SECONDS = 86_400

Operation = Callable[[dict[str, Any]], Any]


def install(_: Any) -> None:
    """Replace the functions; MiniStack looks each up by name at every call."""
    kinesis._route_to_shard = route_to_shard
    kinesis._shard_out = _shard_out(kinesis._shard_out)
    kinesis._expire_records = expire_records
    kinesis._expire_iterators = expire_iterators
    kinesis._split_shard = kinesis._merge_shards = _refuse
    kinesis._update_shard_count = update_shard_count
    kinesis._get_records = _get_records(kinesis._get_records)
    kinesis._describe_stream_summary = _open_shards_only(kinesis._describe_stream_summary)
    kinesis._create_stream = _create_stream(kinesis._create_stream)
    kinesis.handle_request = _with_stream_mode(kinesis.handle_request)


def is_open(shard: dict[str, Any]) -> bool:
    """Whether a shard takes records."""
    return _ENDING not in shard


def route_to_shard(hash_key: int, stream: dict[str, Any]) -> str:
    """The open shard whose range holds a hash key."""
    for shard_id, shard in stream["shards"].items():
        if is_open(shard) and int(shard["starting_hash_key"]) <= hash_key <= int(shard["ending_hash_key"]):
            return str(shard_id)
    raise LookupError(f"{stream['StreamName']} has no open shard for hash key {hash_key}")


def _shard_out(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def shard_out(shard_id: str, shard: dict[str, Any]) -> dict[str, Any]:
        described = original(shard_id, shard)
        if not is_open(shard):
            described["SequenceNumberRange"]["EndingSequenceNumber"] = shard[_ENDING]
        return described

    return shard_out


def expire_records(stream: dict[str, Any]) -> None:
    """Forget records beyond the retention period, and move the iterators of their shards along."""
    horizon = time.time() - stream["RetentionPeriodHours"] * 3600
    for shard_id, shard in stream["shards"].items():
        records = shard["records"]
        # Records are in the order of their arrival.
        expired = next(
            (at for at, one in enumerate(records) if one["ApproximateArrivalTimestamp"] >= horizon), len(records)
        )
        if not expired:
            continue
        del records[:expired]
        for state in kinesis._shard_iterators.values():
            if state["stream_arn"] == stream["StreamARN"] and state["shard_id"] == shard_id:
                state["position"] = max(0, state["position"] - expired)


def expire_iterators() -> None:
    """Forget the iterators whose time is over: they lie in the order in which they were made."""
    iterators, horizon = kinesis._shard_iterators._data, time.time() - kinesis.ITERATOR_EXPIRY_SECONDS
    while iterators:
        oldest = next(iter(iterators))
        if iterators[oldest]["created_at"] >= horizon:
            return
        del iterators[oldest]


def _refuse(_: dict[str, Any]) -> Any:
    message = "shards are split and merged by UpdateShardCount alone here"
    return kinesis.error_response_json("InvalidArgumentException", message, 400)


def update_shard_count(data: dict[str, Any]) -> Any:
    """Reshard a stream to a number of even open shards; its parents stay, closed."""
    name, stream = kinesis._resolve_stream(data)
    if not stream:
        return kinesis.error_response_json("ResourceNotFoundException", f"Stream {name} not found", 400)
    if _mode(stream) == "ON_DEMAND":
        message = f"{stream['StreamName']} is on-demand: only a provisioned stream's shards can be set"
        return kinesis.error_response_json("ValidationException", message, 400)
    current = [shard_id for shard_id, shard in stream["shards"].items() if is_open(shard)]
    target = int(data.get("TargetShardCount") or 0)
    if not len(current) / 2 <= target <= len(current) * 2:
        message = f"TargetShardCount must be within half and twice the {len(current)} open shards, got {target}"
        return kinesis.error_response_json("InvalidArgumentException", message, 400)
    if target != len(current):
        if not _may_change(stream, "shard_changes", SHARD_CHANGES):
            return _too_often(stream, "shards", SHARD_CHANGES)
        _reshard(stream, current, target)
    counts = {"CurrentShardCount": len(current), "TargetShardCount": target}
    return kinesis.json_response({"StreamName": stream["StreamName"], **counts, "StreamARN": stream["StreamARN"]})


def _reshard(stream: dict[str, Any], parents: list[str], target: int) -> None:
    """Close the open shards and open `target` even ones, whose parents hold the ends of their ranges."""
    shards = stream["shards"]
    children = kinesis._build_shards(target, start_index=kinesis._max_shard_index(stream) + 1)
    for child in children.values():
        ends = [route_to_shard(int(child[end]), stream) for end in ("starting_hash_key", "ending_hash_key")]
        child["parent_shard_id"] = ends[0]
        child["adjacent_parent_shard_id"] = ends[1] if ends[1] != ends[0] else None
    for shard_id in parents:
        shards[shard_id][_ENDING] = kinesis._next_sequence_number()
    shards.update(children)


def _get_records(original: Operation) -> Operation:
    def get_records(data: dict[str, Any]) -> Any:
        state = kinesis._shard_iterators.get(data.get("ShardIterator"))
        if state is None or state["stream"] not in kinesis._streams:
            return original(data)
        stream = kinesis._streams[state["stream"]]
        shard = stream["shards"].get(state["shard_id"])
        if shard is None:
            return original(data)
        kinesis._expire_records(stream)
        limit = min(int(data.get("Limit") or 10_000), 10_000)
        start = min(state["position"], len(shard["records"]))
        count = _fitting(shard["records"], start, limit)
        status, headers, body = original({**data, "Limit": count})
        if status != 200 or is_open(shard) or start + count < len(shard["records"]):
            return status, headers, body
        answer = json.loads(body)
        del answer["NextShardIterator"]
        answer["ChildShards"] = [
            {
                "ShardId": child_id,
                "ParentShards": [one for one in _parents(child) if one],
                "HashKeyRange": kinesis._shard_out(child_id, child)["HashKeyRange"],
            }
            for child_id, child in stream["shards"].items()
            if state["shard_id"] in _parents(child)
        ]
        return kinesis.json_response(answer)

    return get_records


def _fitting(records: list[dict[str, Any]], start: int, limit: int) -> int:
    """How many records from `start` fit into one answer; at least one where there is one."""
    size = 0
    for count, record in enumerate(records[start : start + limit]):
        size += len(record["Data"]) * 3 // 4
        if size > MAX_ANSWER and count:
            return count
    return max(1, min(limit, len(records) - start))


def _parents(shard: dict[str, Any]) -> tuple[str | None, str | None]:
    return shard["parent_shard_id"], shard["adjacent_parent_shard_id"]


def _open_shards_only(original: Operation) -> Operation:
    def describe(data: dict[str, Any]) -> Any:
        status, headers, body = original(data)
        if status != 200:
            return status, headers, body
        _, stream = kinesis._resolve_stream(data)
        answer = json.loads(body)
        count = sum(is_open(shard) for shard in stream["shards"].values())
        answer["StreamDescriptionSummary"]["OpenShardCount"] = count
        return kinesis.json_response(answer)

    return describe


def _create_stream(original: Operation) -> Operation:
    def create_stream(data: dict[str, Any]) -> Any:
        on_demand = (data.get("StreamModeDetails") or {}).get("StreamMode") == "ON_DEMAND"
        existed = data.get("StreamName") in kinesis._streams
        answer = original({**data, "ShardCount": ON_DEMAND_SHARDS} if on_demand else data)
        if not existed and (stream := kinesis._streams.get(data.get("StreamName"))) is not None:
            stream["tags"].update(data.get("Tags") or {})
        return answer

    return create_stream


def _with_stream_mode(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def handle_request(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
        if operation_of(headers) != "UpdateStreamMode":
            return await original(method, path, headers, body, query_params)
        request = members_of(body)
        name, stream = kinesis._resolve_stream(request)
        if not stream:
            return kinesis.error_response_json("ResourceNotFoundException", f"Stream {name} not found", 400)
        mode = (request.get("StreamModeDetails") or {}).get("StreamMode")
        if mode not in ("ON_DEMAND", "PROVISIONED"):
            message = f"StreamMode must be ON_DEMAND or PROVISIONED, got {mode!r}"
            return kinesis.error_response_json("ValidationException", message, 400)
        if mode != _mode(stream):
            if not _may_change(stream, "mode_changes", MODE_CHANGES):
                return _too_often(stream, "mode", MODE_CHANGES)
            stream["StreamModeDetails"] = {"StreamMode": mode}
        return kinesis.json_response({})

    return handle_request


def _mode(stream: dict[str, Any]) -> str:
    return str(stream["StreamModeDetails"]["StreamMode"])


def age(stream: dict[str, Any], seconds: float) -> None:
    """Let what was changed of a stream be this much longer ago."""
    for changes in ("mode_changes", "shard_changes"):
        stream[changes] = [moment - seconds for moment in stream.get(changes, ())]


def _may_change(stream: dict[str, Any], changes: str, most: int) -> bool:
    """Whether a stream may change once more; if so, this change is noted."""
    now = time.time()
    recent = [moment for moment in stream.get(changes, ()) if now - moment < _DAY_SECONDS]
    if len(recent) >= most:
        return False
    stream[changes] = [*recent, now]
    return True


def _too_often(stream: dict[str, Any], what: str, most: int) -> Any:
    message = f"the {what} of {stream['StreamName']} can be changed {most} times in 24 hours"
    return kinesis.error_response_json("LimitExceededException", message, 400)
