"""The inside of a Lambda execution environment: loads a handler and calls it, one invocation after the other.

A script of its own, run by the function's interpreter without site packages (``python -I -S -u bootstrap.py
FD``), so it must work on Python 3.8 and imports nothing but the standard library.

Requests come on standard input and replies leave on the descriptor FD: a line of JSON, then as many bytes as
its ``bytes`` says. Standard output and standard error are the function's log; before each reply a mark is
written there, which shows the other side where the invocation's log ends.

The shapes of errors are those of "Lambda function errors in Python" in the AWS Lambda developer guide.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import sys
import time
import traceback
from typing import Any


class Context:
    """The handler's second argument, with what a Python function can read from it."""

    identity = None
    client_context = None

    def __init__(self, request_id: str, arn: str, timeout: float) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline = time.monotonic() + timeout

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation is killed."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class InitError(Exception):
    """The handler could not be loaded; ``kind`` is the error type that Lambda gives it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def main() -> None:
    """Load the handler, say so, and serve invocations until standard input ends."""
    replies = io.FileIO(int(sys.argv[1]), "w")
    requests = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    setup = json.loads(requests.readline())
    sys.path[:0] = [setup["code"]]
    sys.path.append(setup["packages"])
    mark = setup["mark"].encode()

    def reply(payload: bytes, **header: Any) -> None:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os.write(2, mark)
        line = json.dumps({"bytes": len(payload), "peak_kb": _peak_kb(), **header}).encode() + b"\n"
        _write_all(replies, line + payload)

    try:
        handler = _load(setup["handler"])
    except BaseException as error:
        kind = error.kind if isinstance(error, InitError) else type(error).__name__
        reply(_described(error, kind, ""), status="init-error")
        return
    reply(b"", status="ready")
    while True:
        line = requests.readline()
        if not line:
            return
        request = json.loads(line)
        event = json.loads(requests.read(request["bytes"]))
        context = Context(request["request_id"], request["arn"], request["timeout"])
        try:
            result = handler(event, context)
        except Exception as error:
            reply(_described(error, type(error).__name__, context.aws_request_id), status="error")
            continue
        try:
            payload = json.dumps(result, ensure_ascii=False).encode()
        except (TypeError, ValueError) as error:
            reply(_described(error, "Runtime.MarshalError", context.aws_request_id), status="error")
            continue
        reply(payload, status="ok")


def _load(handler: str) -> Any:
    module_name, _, function_name = handler.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = "Unable to import module '%s': %s" % (module_name, error)  # noqa: UP031 - runs on Python 3.8
        raise InitError("Runtime.ImportModuleError", message) from error
    if not hasattr(module, function_name):
        message = "Handler '%s' missing on module '%s'" % (function_name, module_name)  # noqa: UP031
        raise InitError("Runtime.HandlerNotFound", message)
    return getattr(module, function_name)


def _described(error: BaseException, kind: str, request_id: str) -> bytes:
    stack = traceback.format_tb(error.__traceback__)[1:]
    print("[ERROR] " + "".join(traceback.format_exception_only(type(error), error)) + "".join(stack), flush=True)
    described = {"errorMessage": str(error), "errorType": kind, "requestId": request_id, "stackTrace": stack}
    return json.dumps(described).encode()


def _peak_kb() -> int:
    """The process's peak resident memory; 0 where the system does not say."""
    try:
        with open("/proc/self/status", "rb") as status:  # noqa: PTH123 - pathlib would count as the function's memory
            return next(int(line.split()[1]) for line in status if line.startswith(b"VmHWM"))
    except (OSError, StopIteration):
        return 0


def _write_all(stream: io.FileIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[stream.write(view) :]


if __name__ == "__main__":
    main()
