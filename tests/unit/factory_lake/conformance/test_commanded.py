"""The function of the kit's delivery streams does what a record says."""

import base64
import json
from typing import Any

from factory_lake.conformance.commanded import handler


def _answer(*records: bytes, stream: str = "rows") -> list[dict[str, Any]]:
    event = {
        "deliveryStreamArn": f"arn:aws:firehose:eu-central-1:123456789012:deliverystream/{stream}",
        "records": [
            {
                "recordId": str(number),
                "data": base64.b64encode(record).decode(),
                "kinesisRecordMetadata": {"partitionKey": f"key-{number}"},
            }
            for number, record in enumerate(records)
        ],
    }
    found: list[dict[str, Any]] = handler(event, None)["records"]
    assert [one["recordId"] for one in found] == [str(number) for number in range(len(records))]
    return found


def _record(**wanted: Any) -> bytes:
    return json.dumps({"to": "rows", "result": "Ok", "kind": "a", "data": "eA==", **wanted}).encode()


def test_a_record_becomes_its_data_in_its_partition() -> None:
    (answer,) = _answer(_record())
    assert (answer["result"], answer["data"], answer["metadata"]) == ("Ok", "eA==", {"partitionKeys": {"kind": "a"}})


def test_a_record_without_a_kind_has_no_partition() -> None:
    record = json.dumps({"to": "rows", "result": "Ok", "data": "eA=="}).encode()
    assert _answer(record)[0]["metadata"] == {"partitionKeys": {}}


def test_a_record_of_another_delivery_stream_is_dropped() -> None:
    for wanted in ({}, {"result": "ProcessingFailed"}, {"bytes": 9}):
        assert _answer(_record(**wanted), stream="lines") == [{"recordId": "0", "result": "Dropped"}]


def test_a_record_says_its_result() -> None:
    dropped, failed = _answer(_record(result="Dropped"), _record(result="ProcessingFailed"))
    assert (dropped["result"], failed["result"]) == ("Dropped", "ProcessingFailed")


def test_a_record_becomes_its_metadata_or_so_many_bytes() -> None:
    metadata, large = _answer(_record(metadata=True), _record(bytes=1000))
    assert base64.b64decode(metadata["data"]) == b'{"partitionKey": "key-0"}\n'
    assert base64.b64decode(large["data"]) == b"x" * 1000


def test_what_is_no_command_is_rejected_as_it_came() -> None:
    for record in (b"\xff\x00", b"[1]", b"7", b'{"result":"Ok"}'):
        (answer,) = _answer(record)
        assert (answer["result"], base64.b64decode(answer["data"])) == ("ProcessingFailed", record)
