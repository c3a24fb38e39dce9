"""Lambda functions run, fail, log and are limited as on AWS."""

from __future__ import annotations

import base64
import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud
from localcloud.lambdas.runtimes import Interpreter, interpreters
from localcloud.testing.datapoints import sums
from localcloud.testing.refusals import refused

pytestmark = pytest.mark.cloud

EVENTS = ("Invocations", "TriggeredRules", "FailedInvocations")
MakeRole = Callable[..., str]
SOURCE = """
import json, os, sys, time

def echo(event, context):
    return event

def describe(event, context):
    import boto3
    spare = [name for name in ("pytest", "ministack", "tools", "pip") if name in sys.modules or _found(name)]
    return {
        "version": list(sys.version_info[:2]), "boto3": boto3.__version__, "spare": spare,
        "variables": dict(os.environ), "left_ms": context.get_remaining_time_in_millis(),
        "context": [context.function_name, context.invoked_function_arn, context.aws_request_id],
    }

def _found(name):
    import importlib.util
    return importlib.util.find_spec(name) is not None

def noise(event, context):
    print(json.dumps({"status": "ok", "bytes": 3}))
    os.write(1, b'{"status": "ok"}\\n')
    print("to stderr", file=sys.stderr)
    return "result"

def sleep(event, context):
    print("before")
    if "touch" in event:
        open(event["touch"], "w").close()
    time.sleep(event["seconds"])
    return os.environ.get("SETTING")

def leave(event, context):
    print("last words")
    sys.exit(7)

def fail(event, context):
    raise KeyError("register")

def unserialisable(event, context):
    return {1, 2}

def fill(event, context):
    return "x" * event

def hold(event, context):
    return len(bytearray(event * 1024 * 1024))

def count(event, context, seen=[]):
    seen.append(1)
    return len(seen)

def whoami(event, context):
    import boto3
    return boto3.client("sts").get_caller_identity()["Arn"]
"""


@dataclass(frozen=True)
class Function:
    """A function, and how to invoke it."""

    cloud: LocalCloud
    name: str

    def invoke(self, event: Any, **arguments: Any) -> dict[str, Any]:
        payload = json.dumps(event).encode()
        answer = self.cloud.client("lambda").invoke(FunctionName=self.name, Payload=payload, **arguments)
        return {**answer, "Payload": json.loads(answer["Payload"].read() or b"null")}

    def log(self) -> list[str]:
        logs = self.cloud.client("logs")
        group = f"/aws/lambda/{self.name}"
        lines: list[str] = []
        for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]:
            events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
            lines += [event["message"] for event in events["events"]]
        return lines


Make = Callable[..., Function]


@pytest.fixture
def role(cloud: LocalCloud, make_role: MakeRole) -> str:
    streams = f"arn:aws:logs:{cloud.region}:{cloud.account_id}:log-group:/aws/lambda/*:*"
    return make_role(
        "lambda.amazonaws.com", {"Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": streams}
    )


@pytest.fixture
def make(cloud: LocalCloud, role: str) -> Make:
    def make(handler: str, source: str = SOURCE, **settings: Any) -> Function:
        name = f"{handler}-{uuid.uuid4().hex[:8]}"
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as package:
            package.writestr("plant/functions.py", source)
        cloud.client("logs").create_log_group(logGroupName=f"/aws/lambda/{name}")
        configuration = {"Runtime": "python3.13", "Role": role, "Timeout": 5, **settings}
        client = cloud.client("lambda")
        client.create_function(
            FunctionName=name,
            Handler=f"plant.functions.{handler}",
            Code={"ZipFile": archive.getvalue()},
            **configuration,
        )
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return Function(cloud, name)

    return make


@pytest.mark.parametrize("event", [None, 1.5, "text", [1, {"a": "ż"}], {"big": 2**70 + 1}])
def test_events_and_results_pass_unchanged(make: Make, event: Any) -> None:
    answer = make("echo").invoke(event)
    assert answer["Payload"] == event
    assert "FunctionError" not in answer


@pytest.mark.parametrize("interpreter", interpreters(), ids=lambda each: f"python{each.version[0]}.{each.version[1]}")
def test_a_function_gets_its_runtime_the_sdk_and_nothing_of_this_machine(make: Make, interpreter: Interpreter) -> None:
    major, minor = interpreter.version
    function = make(
        "describe", Runtime=f"python{major}.{minor}", Timeout=60, Environment={"Variables": {"SETTING": "1"}}
    )
    described = function.invoke({})["Payload"]
    assert described["version"] == [major, minor]
    assert described["boto3"]
    assert described["spare"] == []
    variables = described["variables"]
    assert variables["SETTING"] == "1"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == function.name
    assert {"PYTHONPATH", "AUTH", "LOCALCLOUD_WORKDIR", "AWS_PROFILE"}.isdisjoint(variables)
    assert described["context"][:2] == [function.name, variables_arn(function)]
    assert 30_000 < described["left_ms"] <= 60_000


def variables_arn(function: Function) -> str:
    return f"arn:aws:lambda:{function.cloud.region}:{function.cloud.account_id}:function:{function.name}"


def test_output_that_looks_like_a_result_is_a_log(make: Make) -> None:
    function = make("noise")
    answer = function.invoke({}, LogType="Tail")
    assert answer["Payload"] == "result"
    assert b"to stderr" in base64.b64decode(answer["LogResult"])
    lines = function.log()
    assert lines[0].startswith("START RequestId: ")
    assert sorted(lines[1:-2]) == sorted(['{"status": "ok", "bytes": 3}', '{"status": "ok"}', "to stderr"])
    assert lines[-2].startswith("END RequestId: ")
    assert "Max Memory Used: " in lines[-1]


def test_each_invocation_has_its_own_lines_in_its_environments_stream(make: Make) -> None:
    function = make("noise")
    for _ in range(3):
        function.invoke({})
    assert [line.split()[0] for line in function.log()].count("START") == 3
    group = f"/aws/lambda/{function.name}"
    assert len(function.cloud.client("logs").describe_log_streams(logGroupName=group)["logStreams"]) == 1


def test_a_role_that_may_not_write_logs_leaves_none(make: Make, make_role: MakeRole) -> None:
    function = make("noise", Role=make_role("lambda.amazonaws.com"))
    assert function.invoke({})["Payload"] == "result"
    assert function.log() == []


def test_a_timeout_kills_at_once_and_is_an_error(make: Make) -> None:
    function = make("sleep", Timeout=1)
    started = time.monotonic()
    answer = function.invoke({"seconds": 60})
    assert time.monotonic() - started < 8
    assert answer["FunctionError"] == "Unhandled"
    assert answer["Payload"]["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in answer["Payload"]["errorMessage"]
    assert "before" in function.log()


@pytest.mark.parametrize(
    ("handler", "event", "kind", "message"),
    [
        ("leave", {}, "Runtime.ExitError", "exit status 7"),
        ("fail", {}, "KeyError", "'register'"),
        ("unserialisable", {}, "Runtime.MarshalError", "set"),
        ("absent", {}, "Runtime.HandlerNotFound", "Handler 'absent' missing"),
        ("fill", 6 * 1024 * 1024 + 99, "Function.ResponseSizeTooLarge", "6291556"),
        ("hold", 300, "Runtime.ExitError", "signal: killed"),
    ],
)
def test_a_failure_is_an_error_of_its_kind_and_the_next_invocation_starts_afresh(
    make: Make, handler: str, event: Any, kind: str, message: str
) -> None:
    function = make(handler)
    for _ in range(2):
        answer = function.invoke(event)
        assert answer["FunctionError"] == "Unhandled"
        assert answer["Payload"]["errorType"] == kind
        assert message in answer["Payload"]["errorMessage"]


def test_a_function_is_killed_when_it_is_next_put_to_work(make: Make, cloud: LocalCloud) -> None:
    function = make("echo")
    assert cloud.control("POST", "lambda-crash", {"function": function.name})["killed"] == 0
    wanted = {"function": function.name, "within": 20.0}
    with ThreadPoolExecutor(1) as pool:
        killed = pool.submit(cloud.control, "POST", "lambda-crash", wanted)
        answers = []
        while not killed.done():
            answers.append(function.invoke({}))
        assert killed.result()["killed"] == 1
    errors = [answer["Payload"] for answer in answers if "FunctionError" in answer]
    assert [error["errorType"] for error in errors] == ["Runtime.ExitError"]


def test_a_module_that_cannot_be_imported_is_an_error_that_names_it(make: Make) -> None:
    answer = make("echo", "import no_such_module").invoke({})
    assert answer["Payload"]["errorType"] == "Runtime.ImportModuleError"
    assert "no_such_module" in answer["Payload"]["errorMessage"]


def test_the_largest_response_passes(make: Make) -> None:
    assert len(make("fill").invoke(6 * 1024 * 1024 - 2)["Payload"]) == 6 * 1024 * 1024 - 2


def test_a_request_above_six_megabytes_is_refused(make: Make) -> None:
    with refused("RequestTooLargeException"):
        make("echo").invoke("x" * (6 * 1024 * 1024))


def test_reserved_concurrency_of_zero_throttles(make: Make, cloud: LocalCloud) -> None:
    function = make("echo")
    client = cloud.client("lambda", attempts=1)
    client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
    with refused("TooManyRequestsException"):
        client.invoke(FunctionName=function.name, Payload=b"{}")


def _reserve(cloud: LocalCloud, function: Function, executions: int) -> None:
    client = cloud.client("lambda", attempts=1)
    client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=executions)


def test_a_hundred_executions_stay_unreserved(make: Make, cloud: LocalCloud) -> None:
    one, other = make("echo"), make("echo")
    message = r"account's UnreservedConcurrentExecution below its minimum value of \[100\]"
    try:
        _reserve(cloud, one, 600)
        _reserve(cloud, one, 700)  # in the place of what it had
        for executions in (201, 1000):
            with pytest.raises(ClientError, match=message):
                _reserve(cloud, other, executions)
        _reserve(cloud, other, 200)
    finally:
        for function in (one, other):
            cloud.client("lambda").delete_function_concurrency(FunctionName=function.name)


def test_a_new_account_reserves_nothing_and_runs_few_at_once(make: Make, cloud: LocalCloud) -> None:
    function = make("sleep")
    client = cloud.client("lambda", attempts=1)
    cloud.control("POST", "lambda-account", {"executions": 2})
    try:
        assert client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"] == 2
        with refused("InvalidParameterValueException", r"below its minimum value of \[2\]"):
            _reserve(cloud, function, 1)
        _reserve(cloud, function, 0)  # takes nothing from anybody
        client.delete_function_concurrency(FunctionName=function.name)
        with ThreadPoolExecutor(3) as pool:
            calls = [
                pool.submit(client.invoke, FunctionName=function.name, Payload=b'{"seconds": 3}') for _ in range(3)
            ]
        failures = [one.exception() for one in calls if one.exception() is not None]
        assert len(failures) == 1
        assert "TooManyRequestsException" in str(failures[0])
    finally:
        cloud.control("POST", "lambda-account", {})


def test_an_environment_is_used_again_and_two_at_once_are_two(make: Make) -> None:
    function = make("count")
    assert [function.invoke({})["Payload"] for _ in range(3)] == [1, 2, 3]
    sleeper = make("sleep")
    started = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: sleeper.invoke({"seconds": 1.5}), range(2)))
    assert time.monotonic() - started < 2.9


def test_an_update_takes_effect_and_leaves_the_running_invocation_alone(
    make: Make, cloud: LocalCloud, tmp_path: Path
) -> None:
    function = make("sleep", Environment={"Variables": {"SETTING": "before"}})
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(function.invoke, {"seconds": 2, "touch": str(tmp_path / "begun")})
        while not (tmp_path / "begun").exists():
            assert not running.done()
            time.sleep(0.02)
        cloud.client("lambda").update_function_configuration(
            FunctionName=function.name, Environment={"Variables": {"SETTING": "after"}}
        )
        assert function.invoke({"seconds": 0})["Payload"] == "after"
        assert not running.done()
        assert running.result()["Payload"] == "before"


def test_a_function_calls_aws_as_its_role(make: Make, role: str) -> None:
    arn = make("whoami").invoke({})["Payload"]
    assert f":assumed-role/{role.rpartition('/')[2]}/" in arn


def test_a_role_that_does_not_trust_lambda_is_refused(make: Make, make_role: MakeRole) -> None:
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        make("echo", Role=make_role("firehose.amazonaws.com"))


@pytest.mark.parametrize("permitted", [True, False])
def test_eventbridge_invokes_what_lets_it(make: Make, cloud: LocalCloud, permitted: bool) -> None:
    function = make("echo")
    events = cloud.client("events")
    rule = events.put_rule(Name=function.name, EventPattern=json.dumps({"source": [function.name]}))["RuleArn"]
    events.put_targets(Rule=function.name, Targets=[{"Id": "1", "Arn": variables_arn(function)}])
    if permitted:
        cloud.client("lambda").add_permission(
            FunctionName=function.name,
            StatementId="rule",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=rule,
        )
    events.put_events(Entries=[{"Source": function.name, "DetailType": "x", "Detail": "{}"}])
    if permitted:
        deadline = time.monotonic() + 60
        while not function.log() and time.monotonic() < deadline:
            time.sleep(0.05)
    else:
        # The refusal is logged where an invocation would have begun, so that there is something to wait for.
        deadline = time.monotonic() + 60
        while f"may not invoke {function.name}" not in _core_log(cloud) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert f"may not invoke {function.name}" in _core_log(cloud)
    assert bool(function.log()) is permitted
    started = {"Invocations": 1, "TriggeredRules": 1} | ({} if permitted else {"FailedInvocations": 1})
    assert sums(cloud, "AWS/Events", {"RuleName": function.name}, *EVENTS) == started
    ran = {"Invocations": 1.0, "Errors": 0.0, "Throttles": 0.0} if permitted else {}
    while (found := sums(cloud, "AWS/Lambda", {"FunctionName": function.name}, *ran)) != ran:
        assert time.monotonic() < deadline, found  # an execution is measured just after its log is written


def test_every_execution_is_measured_and_a_throttled_one_is_none(make: Make, cloud: LocalCloud) -> None:
    function = make("fail")
    client = cloud.client("lambda", attempts=1)
    function.invoke({})
    cloud.faults.add(service="lambda", operation="Invoke", error="TooManyRequestsException", resource=function.name)
    for concurrency in (1, 0):
        client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=concurrency)
        with pytest.raises(ClientError, match="TooManyRequests"):
            client.invoke(FunctionName=function.name, Payload=b"{}")

    names = ("Invocations", "Errors", "Throttles", "Duration")
    found = sums(cloud, "AWS/Lambda", {"FunctionName": function.name}, *names)
    assert found.pop("Duration") > 0
    assert found == {"Invocations": 1, "Errors": 1, "Throttles": 2}


def _core_log(cloud: LocalCloud) -> str:
    return (cloud.workdir / "logs" / "core.log").read_text()
