"""The metrics of the services that are MiniStack's own: Kinesis and Lambda, and what logs hold.

Sources: Kinesis Data Streams Developer Guide, "Monitoring the Amazon Kinesis Data Streams service with
Amazon CloudWatch"; Lambda Developer Guide, "Types of metrics for Lambda functions". What IoT, EventBridge and
Firehose measure is said by their own packages.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from localcloud import faults, metrics_bus
from localcloud.cloudwatch.emf import EmfError, read
from localcloud.cloudwatch.metrics import Metrics

_THROTTLED: Final = "ProvisionedThroughputExceededException"
_log: Final = logging.getLogger("localcloud.cloudwatch")

Operation = Callable[[dict[str, Any]], Any]


def measure_kinesis(kinesis: Any) -> None:
    """Have ``_put_record``, ``_put_records`` and ``_get_records`` say what went through them."""
    put, put_many, get = kinesis._put_record, kinesis._put_records, kinesis._get_records

    def put_record(data: dict[str, Any]) -> Any:
        reply = put(data)
        _say_put(_stream_name(data), "PutRecord", reply, [data])
        return reply

    def put_records(data: dict[str, Any]) -> Any:
        reply = put_many(data)
        _say_put(_stream_name(data), "PutRecords", reply, data.get("Records") or [])
        return reply

    def get_records(data: dict[str, Any]) -> Any:
        state = kinesis._shard_iterators.get(data.get("ShardIterator")) or {}
        reply = get(data)
        if reply[0] == 200:
            _say_got(str(state["stream"]), json.loads(reply[2]))
        return reply

    kinesis._put_record, kinesis._put_records, kinesis._get_records = put_record, put_records, get_records

    def on_failure(call: faults.Call, fault: faults.Fault) -> None:
        if fault.service != "kinesis" or fault.error != _THROTTLED:
            return
        data = json.loads(call.body or b"{}")
        state = kinesis._shard_iterators.get(data.get("ShardIterator")) or {}
        stream = str(state.get("stream") or _stream_name(data))
        if fault.operation in {"PutRecord", "PutRecords"}:
            count = len(data.get("Records") or [data])
            _say(stream, "WriteProvisionedThroughputExceeded", count)
            _say(stream, f"{fault.operation}.Success", 0)
        elif fault.operation == "GetRecords":
            _say(stream, "ReadProvisionedThroughputExceeded", 1)
            _say(stream, "GetRecords.Success", 0)

    faults.on_failure(on_failure)


def measure_lambda(lambda_svc: Any) -> None:
    """Have every execution measured, however it was invoked.

    ``_emit_lambda_metrics`` counted throttled invocations as invocations, some throttles twice, and nothing
    that EventBridge had invoked.
    """
    acquire, dispatch = lambda_svc._acquire_execution_slot, lambda_svc._execute_function_dispatch

    def acquire_slot(function: dict[str, Any], config: dict[str, Any]) -> Any:
        slot, limit = acquire(function, config)
        if slot is None:
            _say_throttled(str(config["FunctionName"]))
        return slot, limit

    def execute(function: Any, config: Any, event: Any, request_id: str, started: float) -> Any:
        name = str(config["FunctionName"])
        began = time.time()
        result = dispatch(function, config, event, request_id, started)
        took = (time.time() - began) * 1000
        failed = bool(result.get("error")) if isinstance(result, dict) else False
        # Lambda's metrics have the time of the invocation, not of its end.
        for metric, value, unit in (
            ("Invocations", 1.0, "Count"),
            ("Errors", float(failed), "Count"),
            ("Throttles", 0.0, "Count"),
            ("Duration", took, "Milliseconds"),
        ):
            metrics_bus.record("AWS/Lambda", metric, value, {"FunctionName": name}, unit, began)
        return result

    lambda_svc._acquire_execution_slot = acquire_slot
    lambda_svc._execute_function_dispatch = execute
    lambda_svc._emit_lambda_metrics = lambda *_, **__: None

    def on_failure(call: faults.Call, fault: faults.Fault) -> None:
        invoked = re.search(r"/functions/([^/]+)/invocations", unquote(call.path))
        if fault.service == "lambda" and fault.error == "TooManyRequestsException" and invoked:
            _say_throttled(invoked[1].split(":function:")[-1].partition(":")[0])

    faults.on_failure(on_failure)


def measure_logs(logs: Any, metrics: Metrics) -> None:
    """Have the metrics in log events taken out by ``_put_log_events``."""
    put = logs._put_log_events

    def put_log_events(data: dict[str, Any]) -> Any:
        reply = put(data)
        if reply[0] == 200:
            for event in data.get("logEvents") or []:
                take_document(str(data.get("logGroupName")), str(event.get("message", "")), metrics)
        return reply

    logs._put_log_events = put_log_events


def take_document(group: str, message: str, metrics: Metrics) -> None:
    """Take the metrics out of a log event, or say in the log why it has none though it looks as if it had."""
    try:
        data = read(message)
    except EmfError as error:
        _log.warning("%s: an embedded metric document is not valid: %s", group, error)
        return
    for datum in data or ():
        metrics.add(datum.metric, datum.timestamp, datum.stat, datum.unit)


def _say(stream: str, name: str, value: float, unit: str = "Count") -> None:
    metrics_bus.record("AWS/Kinesis", name, value, {"StreamName": stream}, unit)


def _say_put(stream: str, operation: str, reply: Any, records: list[dict[str, Any]]) -> None:
    if reply[0] != 200:
        return
    codes = [answer.get("ErrorCode") for answer in json.loads(reply[2]).get("Records") or [{}]]
    put = [record for record, code in zip(records, codes, strict=True) if code is None]
    size = sum(_size(str(record.get("Data") or "")) for record in put)
    _say(stream, "IncomingRecords", len(put))
    _say(stream, "IncomingBytes", size, "Bytes")
    _say(stream, f"{operation}.Bytes", size, "Bytes")
    _say(stream, f"{operation}.Success", int(bool(put)))  # of PutRecords: at least one record succeeded
    _say(stream, "WriteProvisionedThroughputExceeded", codes.count(_THROTTLED))


def _say_got(stream: str, answer: Mapping[str, Any]) -> None:
    records = answer["Records"]
    last = records[-1]["ApproximateArrivalTimestamp"] if records else None
    # Of the last record of the call; 0 when there is nothing more to read ("completely caught up").
    age = 0.0 if last is None else max(0.0, (time.time() - last) * 1000)
    size = sum(_size(record["Data"]) for record in records)
    _say(stream, "GetRecords.IteratorAgeMilliseconds", age, "Milliseconds")
    _say(stream, "GetRecords.Records", len(records))
    _say(stream, "GetRecords.Bytes", size, "Bytes")
    _say(stream, "GetRecords.Success", 1)
    _say(stream, "ReadProvisionedThroughputExceeded", 0)


def _size(data: str) -> int:
    """Bytes of data in Base64."""
    return len(data) * 3 // 4 - data[-2:].count("=")


def _say_throttled(function: str) -> None:
    metrics_bus.record("AWS/Lambda", "Throttles", 1, {"FunctionName": function})


def _stream_name(data: Mapping[str, Any]) -> str:
    return str(data.get("StreamName") or str(data.get("StreamARN", "")).rpartition("/")[2])
