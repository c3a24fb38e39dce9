"""CloudWatch: metrics of the services and of logs, metric math, and alarms that are evaluated as documented.

Replaced in ``ministack.services.cloudwatch``, which keeps dashboards, composite alarms, tags, the history and
the alarms themselves:

* ``handle_request`` read two of the service's three protocols, and wrote of most answers only some members in
  XML, so that a plan after an apply wanted to change every alarm.
* PutMetricData, ListMetrics, GetMetricStatistics and GetMetricData took what AWS refuses, mixed metrics of
  different dimensions where a request names none, and knew no expressions.
* PutMetricAlarm kept no ``Metrics``, added members that the request had not, and took what AWS refuses.
* ``_evaluate_alarm`` mixed all dimensions of a metric, took all evaluation periods for one, and knew neither
  missing data nor expressions nor that an alarm can return to INSUFFICIENT_DATA; alarms were evaluated only
  when a client put metric data.
* ``_dispatch_alarm_actions`` published to topics whose policy does not let CloudWatch.

``record_metric`` goes to the metrics kept here. What else is replaced is said in ``sources``.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from ministack.core import iam_evaluator
from ministack.core.responses import request_scope
from ministack.services import cloudwatch, cloudwatch_logs, kinesis, lambda_svc, sns

from localcloud import control, metrics_bus
from localcloud.cloudwatch import alarms, sources, wire
from localcloud.cloudwatch.alarm_evaluator import AlarmEvaluator
from localcloud.cloudwatch.metrics import MINUTE, MetricId, Metrics, Stat
from localcloud.cloudwatch.service import Service, refuse
from localcloud.cloudwatch.wire import ApiError
from localcloud.control import PREFIX, Answer, route
from localcloud.settings import ACCOUNT, HOST, REGION

LATENESS_SECONDS: Final = 5
"""How long an evaluation waits for data points of the period that has ended."""
_log: Final = logging.getLogger("localcloud.cloudwatch")


def install(_: Any) -> None:
    """Put metrics and alarms into MiniStack."""
    metrics = Metrics()
    service = Service(metrics, time.time)
    evaluator = AlarmEvaluator(cloudwatch, sns, metrics, time.time)

    def take(
        namespace: str, name: str, value: float, unit: str, dimensions: Mapping[str, str], timestamp: float
    ) -> None:
        metrics.add(MetricId.of(namespace, name, dimensions), timestamp, Stat.of(value), unit)

    def record_metric(
        namespace: str, metric_name: str, value: float, unit: str = "None", dimensions: Mapping[str, str] | None = None
    ) -> None:
        take(namespace, metric_name, value, unit, dimensions or {}, time.time())

    metrics_bus.provide(take)
    sources.measure_kinesis(kinesis)
    sources.measure_lambda(lambda_svc)
    sources.measure_logs(cloudwatch_logs, metrics)
    cloudwatch.record_metric = record_metric
    cloudwatch._evaluate_alarm = lambda _: None
    cloudwatch._evaluate_all_alarms = lambda: None
    cloudwatch._dispatch_alarm_actions = evaluator.notify
    cloudwatch.handle_request = _handler(
        {
            "PutMetricData": service.put_metric_data,
            "ListMetrics": service.list_metrics,
            "GetMetricStatistics": service.get_metric_statistics,
            "GetMetricData": service.get_metric_data,
            "PutMetricAlarm": _put_metric_alarm,
        }
    )

    def evaluate(at: float) -> list[dict[str, str]]:
        # A service's call of another is made over TLS (aws:SecureTransport).
        iam_evaluator.pin_request_origin(HOST, True)
        with request_scope(ACCOUNT, REGION):
            return evaluator.evaluate(at)

    control.in_background(lambda: _keep_evaluating(evaluate, metrics))
    _provide_calls(evaluate, metrics)


def _handler(own: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]) -> Any:
    """Requests of all protocols: some operations are answered here, the others by MiniStack in JSON."""
    original = cloudwatch.handle_request

    async def elsewhere(request: wire.Request) -> dict[str, Any]:
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"GraniteServiceVersion20100801.{request.operation}",
        }
        body = json.dumps(request.arguments, default=lambda moment: moment.timestamp()).encode()
        status, _, answer = await original("POST", "/", headers, body, {})
        read: dict[str, Any] = json.loads(answer or b"{}")
        if status >= 300:
            raise ApiError(str(read.get("__type")), str(read.get("message")), status)
        return read

    async def handle_request(
        _method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> wire.Reply:
        try:
            request = wire.read(path, headers, body, query)
        except ApiError as error:
            return wire.refusal(wire.protocol_of(path, headers), error)
        try:
            operation = own.get(request.operation)
            result = operation(request.arguments) if operation else await elsewhere(request)
        except ApiError as error:
            return wire.refusal(request.protocol, error)
        return wire.answer(request, result)

    return handle_request


def _put_metric_alarm(arguments: dict[str, Any]) -> dict[str, Any]:
    name = str(arguments.get("AlarmName", ""))
    arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"
    before = cloudwatch._alarms.get(name)
    alarm = refuse(alarms.record, arguments, arn, before, time.time())
    tags = arguments.get("Tags")
    refused = cloudwatch._alarm_tags_refusal(tags, alarm.get("DatapointsToAlarm"), before is None, False, True)
    if refused:
        said = json.loads(refused[2])
        raise ApiError(str(said["__type"]), str(said["message"]), refused[0])
    cloudwatch._alarms[name] = alarm
    if before is None:
        # Tags of an alarm that exists already are TagResource's matter (PutMetricAlarm, "Tags").
        cloudwatch._resource_tags[arn] = {tag["Key"]: tag["Value"] for tag in tags or []}
    return {}


async def _keep_evaluating(evaluate: Callable[..., Any], metrics: Metrics) -> None:
    """Evaluate the alarms for as long as the cloud runs."""
    while True:
        now = time.time()
        await asyncio.sleep(MINUTE - now % MINUTE + LATENESS_SECONDS)
        at = time.time() - LATENESS_SECONDS
        try:
            evaluate(at)
        except Exception:
            _log.exception("the alarms could not be evaluated")
        metrics.forget(at)


def _provide_calls(evaluate: Callable[[float], list[dict[str, str]]], metrics: Metrics) -> None:
    @route("POST", f"{PREFIX}alarms")
    async def evaluate_now(_: dict[str, Any]) -> Answer:
        """Evaluate all alarms as if the running minute had ended."""
        return 200, {"changed": evaluate(math.ceil(time.time() / MINUTE) * MINUTE)}

    @route("POST", f"{PREFIX}metrics")
    async def take(arguments: dict[str, Any]) -> Answer:
        """Take ``data``: measurements of a service in another process, each with its epoch seconds."""
        for one in arguments["data"]:
            metric = MetricId.of(one["namespace"], one["name"], one["dimensions"])
            metrics.add(metric, float(one["timestamp"]), Stat.of(float(one["value"])), one["unit"])
        return 200, {}

    @route("POST", f"{PREFIX}metrics/age")
    async def age(arguments: dict[str, Any]) -> Answer:
        """Make the data points of metrics with one of ``resources`` as a dimension ``seconds`` older."""
        resources = set(arguments["resources"])
        seconds = int(arguments["seconds"])
        if seconds <= 0 or seconds % MINUTE:
            raise ValueError(f"seconds must be a multiple of {MINUTE}, got {seconds}")
        chosen = [one for one in metrics.ids() if resources & {value for _, value in one.dimensions}]
        for metric in chosen:
            metrics.age(metric, seconds)
        return 200, {"metrics": len(chosen)}
