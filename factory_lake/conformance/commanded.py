"""The transform function of the kit's delivery streams: each record says itself what is to become of it.

This file is the function's package. A record is a JSON object with

    to        the delivery stream that it is for; the others drop it
    result    Ok, Dropped or ProcessingFailed
    data      Base64 of what it becomes
    kind      the partition key; without it there is none
    metadata  whether it becomes its own kinesisRecordMetadata instead, one JSON object
    bytes     of how many bytes the answer's data is instead

A record that is no such object is ProcessingFailed as it came, as the lake's own transform does it.
"""

import base64
import json
from typing import Any


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a Firehose event."""
    stream = event["deliveryStreamArn"].rpartition("/")[2]
    return {"records": [_answer(record, stream) for record in event["records"]]}


def _answer(record: dict[str, Any], stream: str) -> dict[str, Any]:
    try:
        wanted = dict(json.loads(base64.b64decode(record["data"])))
        to = wanted["to"]
    except (ValueError, KeyError, TypeError):
        return {"recordId": record["recordId"], "result": "ProcessingFailed", "data": record["data"]}
    if to != stream or wanted["result"] == "Dropped":
        return {"recordId": record["recordId"], "result": "Dropped"}
    data = wanted.get("data", "")
    if wanted.get("metadata"):
        data = _encoded(json.dumps(record["kinesisRecordMetadata"]).encode() + b"\n")
    if wanted.get("bytes"):
        data = _encoded(b"x" * wanted["bytes"])
    keys = {"kind": wanted["kind"]} if "kind" in wanted else {}
    return {
        "recordId": record["recordId"],
        "result": wanted["result"],
        "data": data,
        "metadata": {"partitionKeys": keys},
    }


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
