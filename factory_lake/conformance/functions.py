"""A Lambda function that probes share."""

from __future__ import annotations

import json
from typing import Any

from factory_lake.conformance import setups
from factory_lake.conformance.context import Context

CODE = """calls = 0


def handler(event, context):
    global calls
    calls += 1
    if "size" in event:
        return "x" * event["size"]
    return {"calls": calls, "left_ms": context.get_remaining_time_in_millis()}
"""
TIMEOUT = 30


def answering(context: Context) -> str:
    """A function that tells how often it was called, or answers so many bytes. Its name."""
    name, _ = setups.make_function(context, "answering", CODE, Timeout=TIMEOUT)
    return name


def invoke(context: Context, name: str, event: object) -> tuple[str | None, Any]:
    """Call a function; the kind of its error, None where it has none, and its answer."""
    answer = context.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())
