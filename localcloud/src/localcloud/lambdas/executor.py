"""Runs invocations in execution environments that are kept warm, and writes their logs."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from localcloud.credentials import AssumeRoleError, Credentials, assume_role
from localcloud.lambdas.environment import Environment, EnvironmentExitError, EnvironmentTimeoutError, Reply
from localcloud.lambdas.runtimes import interpreter_for
from localcloud.loopback import Loopback, ServiceError
from localcloud.settings import HOST, REGION

SERVICE: Final = "lambda.amazonaws.com"
RESPONSE_BYTES: Final = 6 * 1024 * 1024 + 100
"""Of a synchronous invocation; the number that Lambda's own message names."""
_KEPT_PER_FUNCTION: Final = 2
_LOG_CALL_SECONDS: Final = 10.0
# Limits of PutLogEvents: bytes and count of a batch, bytes of an event, each event counting 26 more.
_BATCH_BYTES: Final = 1_000_000
_BATCH_EVENTS: Final = 5_000
_EVENT_BYTES: Final = 250_000
_EVENT_OVERHEAD: Final = 26

_log: Final = logging.getLogger("localcloud.lambdas")


@dataclass
class _Warm:
    """An environment between invocations."""

    environment: Environment
    fingerprint: str
    log_stream: str
    has_stream: bool = False
    is_initialized: bool = False
    is_good: bool = True


@dataclass
class _Invocation:
    """One invocation of a function, and the log it leaves."""

    request_id: str
    config: dict[str, Any]
    credentials: Credentials
    lines: list[str] = field(default_factory=list)
    peak_kb: int = 0

    @property
    def memory_mb(self) -> int:
        return int(self.config.get("MemorySize", 128))

    @property
    def timeout(self) -> float:
        return float(self.config.get("Timeout", 3))

    def failure(self, kind: str, message: str) -> dict[str, Any]:
        """An error that the runtime reports, not the function."""
        self.lines.append(f"{self.request_id} {message}")
        return {"error": True, "body": {"errorType": kind, "errorMessage": f"{self.request_id} {message}"}}


class Executor:
    """Executes functions of Python runtimes."""

    def __init__(self, app: Any, api: Loopback) -> None:
        self._app = app
        self._api = api
        self._lock = threading.Lock()
        self._idle: dict[str, list[_Warm]] = {}
        self._busy: dict[Environment, str] = {}
        self._doomed: dict[str, list[threading.Event]] = {}

    def execute(self, function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        """Run one invocation to its end, log included; called from a thread of its own.

        Returns:
            What MiniStack makes the answer of: ``body``, ``error`` when the function failed, ``log``.
        """
        config = function.get("config") or function
        try:
            credentials = assume_role(config["Role"], service=SERVICE, source_arn=_plain_arn(config))
        except AssumeRoleError as error:
            return {"error": True, "body": {"errorType": "AccessDeniedException", "errorMessage": str(error)}}
        invocation = _Invocation(request_id, config, credentials)
        started = time.monotonic()
        warm = self._take(invocation, function["code_zip"])
        try:
            result = self._run(warm, invocation, event)
        finally:
            self._give_back(warm, config["FunctionName"])
        took = (time.monotonic() - started) * 1000
        lines = _with_platform_lines(invocation, took)
        self._write_log(warm, invocation, lines)
        return {**result, "log": "\n".join(lines)}

    def retire(self, name: str) -> None:
        """End the idle environments of a function. Those at work end with their invocation."""
        with self._lock:
            ended = self._idle.pop(name, [])
        for warm in ended:
            warm.environment.kill()

    def crash(self, name: str) -> int:
        """Kill the environments in which a function is at work, as the loss of their machine would.

        Returns:
            How many there were.
        """
        with self._lock:
            at_work = [environment for environment, owner in self._busy.items() if owner == name]
        for environment in at_work:
            environment.crash()
        return len(at_work)

    def doom(self, name: str) -> threading.Event:
        """Kill the next environment in which a function is put to work; the event is set when it has been."""
        doomed = threading.Event()
        with self._lock:
            self._doomed.setdefault(name, []).append(doomed)
        return doomed

    def spare(self, name: str, doomed: threading.Event) -> None:
        """Take back what ``doom`` wants, if it has not happened."""
        with self._lock:
            if doomed in self._doomed.get(name, []):
                self._doomed[name].remove(doomed)

    def close(self) -> None:
        """End every environment."""
        with self._lock:
            environments = [*self._busy, *(warm.environment for kept in self._idle.values() for warm in kept)]
            self._idle.clear()
        for environment in environments:
            environment.kill()

    def _take(self, invocation: _Invocation, code: bytes) -> _Warm:
        config = invocation.config
        fingerprint = _fingerprint(config, invocation.credentials)
        with self._lock:
            kept = self._idle.get(config["FunctionName"], [])
            warm = next((each for each in kept if each.fingerprint == fingerprint), None)
            if warm is not None:
                kept.remove(warm)
                self._busy[warm.environment] = config["FunctionName"]
                return warm
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[{config.get('Version', '$LATEST')}]{secrets.token_hex(16)}"
        variables = _variables(config, invocation.credentials, stream)
        interpreter = interpreter_for(config["Runtime"])
        environment = Environment(config["Handler"], code, variables, interpreter)
        with self._lock:
            self._busy[environment] = config["FunctionName"]
        return _Warm(environment, fingerprint, stream)

    def _give_back(self, warm: _Warm, name: str) -> None:
        with self._lock:
            self._busy.pop(warm.environment, None)
            current = self._app._get_module("lambda_svc")._functions.get(name)
            kept = self._idle.setdefault(name, [])
            keep = warm.is_good and current is not None and len(kept) < _KEPT_PER_FUNCTION
            if keep:
                kept.append(warm)
        if not keep:
            warm.environment.kill()

    def _run(self, warm: _Warm, invocation: _Invocation, event: Any) -> dict[str, Any]:
        environment = warm.environment
        warm.is_good = False
        try:
            if not warm.is_initialized:
                loaded = environment.initialize()
                invocation.lines += environment.take_log()
                if loaded.status != "ready":
                    return _failed(loaded)
                warm.is_initialized = True
            self._crash_if_doomed(environment, invocation.config["FunctionName"])
            payload = json.dumps(event).encode()
            arn = str(invocation.config["FunctionArn"])
            reply = environment.invoke(payload, invocation.request_id, arn, invocation.timeout)
        except EnvironmentTimeoutError as error:
            invocation.lines += environment.take_log()
            return invocation.failure("Sandbox.Timedout", f"{error}")
        except EnvironmentExitError as error:
            invocation.lines += environment.take_log()
            return invocation.failure("Runtime.ExitError", f"Error: Runtime exited with error: {error}")
        invocation.lines += environment.take_log()
        invocation.peak_kb = reply.peak_kb
        if reply.peak_kb > invocation.memory_mb * 1024:
            return invocation.failure("Runtime.ExitError", "Error: Runtime exited with error: signal: killed")
        warm.is_good = True
        if len(reply.payload) > RESPONSE_BYTES:
            limit = f"exceeded maximum allowed payload size ({RESPONSE_BYTES} bytes)."
            message = f"Response payload size ({len(reply.payload)} bytes) {limit}"
            return invocation.failure("Function.ResponseSizeTooLarge", message)
        if reply.status == "error":
            return _failed(reply)
        return {"body": reply.payload}

    def _crash_if_doomed(self, environment: Environment, name: str) -> None:
        with self._lock:
            doomed = self._doomed.get(name)
            met = doomed.pop(0) if doomed else None
        if met is not None:
            environment.crash()
            met.set()

    def _write_log(self, warm: _Warm, invocation: _Invocation, lines: Sequence[str]) -> None:
        """Put the lines into the function's log group, as the function's role."""
        group = _log_group(invocation.config)
        place = {"logGroupName": group, "logStreamName": warm.log_stream}
        now = time.time_ns() // 1_000_000
        try:
            if not warm.has_stream:
                self._logs("CreateLogStream", place, invocation.credentials)
                warm.has_stream = True
            for batch in _batches(lines):
                events = [{"timestamp": now, "message": line} for line in batch]
                self._logs("PutLogEvents", {**place, "logEvents": events}, invocation.credentials)
        except ServiceError as error:
            _log.warning("%s: its log is lost: %s: %s", group, error.code, error)

    def _logs(self, operation: str, arguments: dict[str, Any], credentials: Credentials) -> None:
        call = self._api.json_call("logs", f"Logs_20140328.{operation}", arguments, credentials)
        asyncio.run_coroutine_threadsafe(call, self._app._MAIN_LOOP).result(_LOG_CALL_SECONDS)


def _failed(reply: Reply) -> dict[str, Any]:
    return {"error": True, "body": json.loads(reply.payload)}


def _plain_arn(config: dict[str, Any]) -> str:
    return ":".join(str(config["FunctionArn"]).split(":")[:7])


def _log_group(config: dict[str, Any]) -> str:
    return str((config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}")


def _fingerprint(config: dict[str, Any], credentials: Credentials) -> str:
    """Changes with everything that an environment has from its start."""
    members = ("CodeSha256", "Environment", "Handler", "LoggingConfig", "MemorySize", "Runtime", "Timeout", "Version")
    parts = [*(config.get(member) for member in members), credentials.access_key_id]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _variables(config: dict[str, Any], credentials: Credentials, log_stream: str) -> dict[str, str]:
    """The process's variables ("Using Lambda environment variables"), the function's own among them."""
    own = (config.get("Environment") or {}).get("Variables") or {}
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        **own,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config['Runtime']}",
        "AWS_LAMBDA_FUNCTION_NAME": config["FunctionName"],
        "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_LOG_GROUP_NAME": _log_group(config),
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "_HANDLER": config["Handler"],
        # Not AWS's: where this cloud is, and that path-style addresses its buckets.
        "AWS_ENDPOINT_URL": f"http://{HOST}:{os.environ['GATEWAY_PORT']}",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _with_platform_lines(invocation: _Invocation, took_ms: float) -> list[str]:
    request_id, version = invocation.request_id, invocation.config.get("Version", "$LATEST")
    used = -(-invocation.peak_kb // 1024)
    report = (
        f"REPORT RequestId: {request_id}\tDuration: {took_ms:.2f} ms\tBilled Duration: {took_ms:.0f} ms\t"
        f"Memory Size: {invocation.memory_mb} MB\tMax Memory Used: {used} MB"
    )
    return [
        f"START RequestId: {request_id} Version: {version}",
        *invocation.lines,
        f"END RequestId: {request_id}",
        report,
    ]


def _batches(lines: Sequence[str]) -> Iterator[list[str]]:
    """Lines as batches that PutLogEvents takes; a line that is too long becomes several."""
    batch: list[str] = []
    size = 0
    for line in lines:
        for start in range(0, max(len(line), 1), _EVENT_BYTES // 4):
            part = line[start : start + _EVENT_BYTES // 4] or " "
            weight = len(part.encode()) + _EVENT_OVERHEAD
            if batch and (size + weight > _BATCH_BYTES or len(batch) == _BATCH_EVENTS):
                yield batch
                batch, size = [], 0
            batch.append(part)
            size += weight
    if batch:
        yield batch
