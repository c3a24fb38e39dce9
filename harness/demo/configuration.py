"""The configuration in force at random instants of the demonstration, by SQL and by the command, against an oracle."""

import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from factory_lake import query as athena
from factory_lake.canary.marks import MARK
from factory_lake.config.stored import StoredMessages
from factory_lake.config.timeline import in_force, intervals

_INSTANTS = 1_000
_SEED = 13
_MARGIN_MS = 1_000

# Factory, gateway and message; a line's own keys come before the one of the arrival.
_Held = dict[tuple[str, str | None], str]


def check(client: Callable[[str], Any], outputs: Mapping[str, Any], instants: int = _INSTANTS) -> dict[str, int]:
    """Ask for the configuration of every gateway at random instants.

    Args:
        client: Gives the boto3 client of a service.
        outputs: The lake's.
        instants: How many.

    Returns:
        `{tried, right}`: how many instants were asked for, and at how many the view `configuration_in_force` and
        `factory-lake config` both say what the bucket's lines do, read one by one.
    """
    s3, bucket = client("s3"), str(outputs["buckets"]["configuration"])
    arrivals = _arrivals(s3, bucket)
    if not arrivals:
        return {"tried": 0, "right": 0}
    moments = _moments([moment for moment, *_ in arrivals], instants)
    by_sql = _by_sql(client("athena"), outputs["athena"], moments)
    by_command = _by_command(StoredMessages(s3, bucket), outputs["gateways"], moments)
    right = sum(_oracle(arrivals, moment) == by_sql[moment] == by_command[moment] for moment in moments)
    return {"tried": len(moments), "right": right}


def _moments(arrivals: Sequence[int], number: int) -> list[int]:
    """Random moments, half of them those of an arrival."""
    chance = random.Random(_SEED)  # noqa: S311  # repeatable, not secret
    first, last = min(arrivals) - _MARGIN_MS, max(arrivals) + _MARGIN_MS
    chosen = {chance.choice(arrivals) for _ in range(number // 2)}
    while len(chosen) < min(number, last - first):
        chosen.add(chance.randrange(first, last))
    return sorted(chosen)


def _arrivals(s3: Any, bucket: str) -> list[tuple[int, str, str | None, str]]:
    """Every line of configuration but the canary's: arrival, factory, gateway, message."""
    found = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="factory="):
        for key in [item["Key"] for item in page.get("Contents", [])]:
            factory = key.split("/")[0].removeprefix("factory=")
            for line in s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode().split("\n")[:-1]:
                message = line.rpartition('"_received_at":')[0].removesuffix(",") + "}"
                whole = json.loads(line)
                if next(iter(whole)) == MARK:
                    continue
                found.append((whole["_received_at"], factory, whole.get("_gateway"), message))
    return found


def _oracle(arrivals: Iterable[tuple[int, str, str | None, str]], at_ms: int) -> _Held:
    """Each gateway's last message until a moment; of one millisecond, the one that sorts last."""
    last: dict[tuple[str, str | None], tuple[int, str]] = {}
    for moment, factory, gateway, message in arrivals:
        if moment <= at_ms and last.get((factory, gateway), (-1, "")) < (moment, message):
            last[factory, gateway] = (moment, message)
    return {sender: message for sender, (_, message) in last.items()}


def _by_sql(client: Any, place: Mapping[str, str], moments: Sequence[int]) -> Mapping[int, _Held]:
    values = ", ".join(f"({moment}, TIMESTAMP '{_time(moment)}')" for moment in moments)
    result = athena.run(
        client,
        "SELECT ms, factory, gateway, line "  # noqa: S608 - the moments above
        f"FROM (VALUES {values}) AS moments (ms, t) JOIN configuration_in_force ON valid_from <= t "
        "AND (valid_until > t OR valid_until IS NULL)",
        place["workgroup"],
        place["database"],
    )
    held: dict[int, _Held] = {moment: {} for moment in moments}
    for moment, factory, gateway, line in result.rows:
        message = str(line).rpartition('"_received_at":')[0].removesuffix(",") + "}"
        sender = (str(factory), None if gateway is None else str(gateway))
        # A second row for one gateway would be wrong, whatever it says.
        known = held[int(str(moment))]
        known[sender] = "twice" if sender in known else message
    return held


def _by_command(stored: StoredMessages, factories: Iterable[str], moments: Sequence[int]) -> Mapping[int, _Held]:
    timeline = intervals(
        message for factory in factories for message in stored.until(factory, moments[-1], date.min, ())
    )
    return {moment: {(one.factory, one.gateway): one.text for one in in_force(timeline, moment)} for moment in moments}


def _time(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).replace(tzinfo=None).isoformat(" ", "milliseconds")
