"""Time that passes for what the cloud holds, so that a test need not wait: the clock itself stays real.

What lies in a data stream becomes older, and a schedule fires, when a test says so. (Metrics become older in
``cloudwatch``.)
"""

from __future__ import annotations

import asyncio
from typing import Any

from ministack.services import eventbridge, kinesis

from localcloud import news
from localcloud.control import PREFIX, Answer, route
from localcloud.patches import kinesis_shards


def install(_: Any) -> None:
    """Register the calls."""

    @route("POST", f"{PREFIX}kinesis/age")
    async def age_stream(arguments: dict[str, Any]) -> Answer:
        """Make ``stream``'s records and the changes of its mode and shards ``seconds`` older; count the records."""
        stream, seconds = kinesis._streams[arguments["stream"]], float(arguments["seconds"])
        records = [record for shard in stream["shards"].values() for record in shard["records"]]
        for record in records:
            record["ApproximateArrivalTimestamp"] = round(record["ApproximateArrivalTimestamp"] - seconds, 3)
        kinesis_shards.age(stream, seconds)
        news.tell()
        return 200, {"records": len(records)}

    @route("POST", f"{PREFIX}schedules/fire")
    async def fire(arguments: dict[str, Any]) -> Answer:
        """Fire the scheduled ``rule`` at once, if it is enabled, as if its time had come."""
        rule = arguments["rule"]
        keys = [key for key, one in eventbridge._rules._data.items() if one.get("Name") == rule]
        if not keys:
            raise ValueError(f"no rule {rule!r}")
        for key in keys:
            eventbridge._rule_last_fired[key] = 0.0
        await asyncio.to_thread(eventbridge._tick_scheduled_rules)
        return 200, {}
