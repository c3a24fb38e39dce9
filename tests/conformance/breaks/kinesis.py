"""Kinesis as it is not."""

from __future__ import annotations

from typing import Any

from ministack.services import kinesis

from tests.conformance.breaks import Break, IsOn


def _long_keys_are_cut(is_on: IsOn) -> None:
    put = kinesis._put_record

    def put_record(data: dict[str, Any]) -> Any:
        return put({**data, "PartitionKey": data["PartitionKey"][:255]} if is_on() else data)

    kinesis._put_record = put_record


BREAKS = [Break("kinesis_keys", _long_keys_are_cut)]
