"""Lambda: execution environments that end, fail, log and are limited as AWS's are.

Replaced in ``ministack.services.lambda_svc``:

* ``_execute_function_warm`` ran every function on the interpreter of MiniStack with all packages of its
  environment and its variables, took a line of the function's output for its result when it looked like one,
  lost or misplaced log lines, let a timed-out function run on for seconds, gave every error the same type,
  and knew neither the 6 MB limit of a response ("Lambda quotas") nor the memory limit.
* ``_emit_lambda_logs`` wrote logs whatever the function's role allows; they are written as the role now
  ("Sending Lambda function logs to CloudWatch Logs").
* ``invalidate_worker`` killed a running invocation when its function was updated or deleted; AWS lets it finish.
* ``_create_function`` took a role that does not trust Lambda.
* ``_put_function_concurrency`` reserved more than an account has ("Configuring reserved concurrency").
* ``handle_request`` took invocation payloads above 6 MB.

In ``ministack.core.lambda_runtime``, ``reset`` ends the environments kept here. In ``ministack.services.eventbridge``,
``_dispatch_to_lambda`` invoked functions whose policy does not let EventBridge ("Using resource-based policies for
Amazon EventBridge"), and did not retry ("How Lambda handles errors and retries with asynchronous invocation").
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import time
from typing import Any, Final

from ministack.core import iam_evaluator, lambda_runtime
from ministack.services import eventbridge, lambda_svc

from localcloud import faults, metrics_bus
from localcloud.control import PREFIX, Answer, route
from localcloud.credentials import AssumeRoleError, as_service, assume_role
from localcloud.lambdas.executor import SERVICE, Executor
from localcloud.lambdas.runtimes import interpreters
from localcloud.loopback import Loopback
from localcloud.settings import ACCOUNT, REGION

PAYLOAD_BYTES: Final = 6 * 1024 * 1024
EXECUTIONS: Final = 1000
"""Of all functions at once, by default; a new account has fewer."""
UNRESERVED: Final = 100
"""Executions that stay for functions that reserve none; all of them where an account has no more."""
_POLL_SECONDS: Final = 0.02
_log: Final = logging.getLogger("localcloud.lambdas")


def install(app: Any) -> None:
    """Put the execution environments into MiniStack."""
    interpreters()  # a setting that is wrong ends the start
    executor = Executor(app, Loopback(faults.layer(app.app)))
    run_elsewhere = lambda_svc._execute_function_warm
    log_elsewhere = lambda_svc._emit_lambda_logs

    def is_python(function: dict[str, Any]) -> bool:
        return str((function.get("config") or function).get("Runtime", "")).startswith("python")

    def execute(function: dict[str, Any], event: Any, request_id: str) -> Any:
        run = executor.execute if is_python(function) else run_elsewhere
        return run(function, event, request_id)

    def emit_logs(function: dict[str, Any], *arguments: Any, **named: Any) -> None:
        if not is_python(function):
            log_elsewhere(function, *arguments, **named)

    def invalidate(name: str, *_: Any, **__: Any) -> None:
        executor.retire(name)

    lambda_svc._execute_function_warm = execute
    lambda_svc._emit_lambda_logs = emit_logs
    lambda_svc.invalidate_worker = lambda_runtime.invalidate_worker = invalidate
    lambda_runtime.reset = executor.close
    _crash_on_demand(executor)
    _check_requests()
    _check_reservations()
    _let_eventbridge_invoke()


def _crash_on_demand(executor: Executor) -> None:
    @route("POST", f"{PREFIX}lambda-crash")
    async def crash(arguments: dict[str, Any]) -> Answer:
        """Kill ``function`` where it is at work; ``killed`` says how many invocations that ended.

        With ``within``, the next invocation that begins in so many seconds is killed, where none is now.
        """
        function, seconds = str(arguments["function"]), float(arguments.get("within", 0))
        killed = executor.crash(function)
        if killed or not seconds:
            return 200, {"killed": killed}
        doomed = executor.doom(function)
        deadline = time.monotonic() + seconds
        while not doomed.is_set() and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_SECONDS)
        executor.spare(function, doomed)
        return 200, {"killed": int(doomed.is_set())}


def _check_requests() -> None:
    handle, create = lambda_svc.handle_request, lambda_svc._create_function

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        if path.endswith("/invocations") and len(body) > PAYLOAD_BYTES:
            said = f"Request must be smaller than {PAYLOAD_BYTES} bytes for the InvokeFunction operation"
            return lambda_svc.error_response_json("RequestTooLargeException", said, 413)
        return await handle(method, path, headers, body, query)

    def create_function(data: dict[str, Any]) -> Any:
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{data.get('FunctionName')}"
        try:
            assume_role(str(data.get("Role")), service=SERVICE, source_arn=arn)
        except AssumeRoleError:
            said = "The role defined for the function cannot be assumed by Lambda."
            return lambda_svc.error_response_json("InvalidParameterValueException", said, 400)
        return create(data)

    lambda_svc.handle_request = handle_request
    lambda_svc._create_function = create_function


def _check_reservations() -> None:
    put, of_machine = lambda_svc._put_function_concurrency, lambda_svc._ACCOUNT_CONCURRENCY_CAP
    quota = EXECUTIONS

    def put_function_concurrency(name: str, data: dict[str, Any]) -> Any:
        functions = lambda_svc._functions
        others = sum(functions[each].get("concurrency") or 0 for each in functions if each != name)
        least = min(UNRESERVED, quota)
        if quota - others - data.get("ReservedConcurrentExecutions", 0) < least:
            said = (
                "Specified ReservedConcurrentExecutions for function decreases account's "
                f"UnreservedConcurrentExecution below its minimum value of [{least}]."
            )
            return lambda_svc.error_response_json("InvalidParameterValueException", said, 400)
        return put(name, data)

    lambda_svc._put_function_concurrency = put_function_concurrency

    @route("POST", f"{PREFIX}lambda-account")
    async def account(arguments: dict[str, Any]) -> Answer:
        """Set how many functions run at once: ``executions``, few in a new account, or AWS's default."""
        nonlocal quota
        executions = arguments.get("executions")
        quota = EXECUTIONS if executions is None else int(executions)
        lambda_svc._ACCOUNT_CONCURRENCY_CAP = of_machine if executions is None else quota
        return 200, {"executions": quota}


def _let_eventbridge_invoke() -> None:
    invoke_target = eventbridge._invoke_target
    firing: contextvars.ContextVar[str] = contextvars.ContextVar("firing_rule_arn")

    def invoke(target: Any, event: Any, rule: Any, *rest: Any, **named: Any) -> Any:
        metrics_bus.record("AWS/Events", "TriggeredRules", 1, {"RuleName": rule["Name"]})
        token = firing.set(rule["Arn"])
        try:
            return invoke_target(target, event, rule, *rest, **named)
        finally:
            firing.reset(token)

    def dispatch(function_arn: str, payload: str) -> None:
        # "Monitoring Amazon EventBridge": invocations count whether they succeed or fail; failures alone are
        # reported only when there are some.
        rule = firing.get().rpartition("/")[2]
        metrics_bus.record("AWS/Events", "Invocations", 1, {"RuleName": rule})
        if not invoke_function(function_arn, payload):
            metrics_bus.record("AWS/Events", "FailedInvocations", 1, {"RuleName": rule})

    def invoke_function(function_arn: str, payload: str) -> bool:
        function, config, name = lambda_svc._get_func_record_for_ref(function_arn)
        if not function or not config:
            _log.error("rule %s: no function %s", firing.get(), name)
            return False
        keys = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": firing.get()}
        context = as_service("events.amazonaws.com", "lambda:InvokeFunction", function_arn, keys)
        policy = function.get("policy")
        verdict = iam_evaluator.evaluate_resource_policy(policy, context, service="events.amazonaws.com")
        if verdict.decision != "Allow":
            _log.error("rule %s may not invoke %s: its policy does not allow it", firing.get(), name)
            return False
        record = lambda_svc._execution_record_for_config(function, config)
        lambda_svc.invoke_async_with_retry(record, json.loads(payload))
        return True

    eventbridge._invoke_target = invoke
    eventbridge._dispatch_to_lambda = dispatch
