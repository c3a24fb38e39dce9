"""Functions' roles trust Lambda for this account alone."""

from __future__ import annotations

import json

from botocore.exceptions import ClientError

from factory_lake.conformance import setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_CODE = "def handler(event, context):\n    print('conformance', event['mark'])\n    return event['mark']\n"
_OTHER = {"StringEquals": {"aws:SourceAccount": "111122223333"}}


def _run(context: Context) -> None:
    for of in ("trust", "trust-0", "trust-1"):  # Lambda would make those of itself, without a tag
        group = context.made("log_group", f"/aws/lambda/{context.name(of)}")
        context.client("logs").create_log_group(logGroupName=group, tags=context.tags)
    # Made first: when the other role has taken effect, this one has.
    foreign = setups.make_role(context, "trust-other", "lambda.amazonaws.com", condition=_OTHER)
    open_role = setups.make_role(context, "trust-open", "lambda.amazonaws.com", condition={})
    own = {"StringEquals": {"aws:SourceAccount": context.account}}
    logs = {
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": context.arn("logs", f"log-group:/aws/lambda/{context.name('trust')}:*"),
    }
    role = setups.make_role(context, "trust-own", "lambda.amazonaws.com", logs, condition=own)
    setups.with_role(context, lambda: _create(context, "trust-0", open_role), "Lambda to see a new role")
    if (code := setups.refusal(lambda: _create_soon(context, "trust", role))) != "":
        raise Differs(f"a role that trusts Lambda for aws:SourceAccount of this account is refused: {code}")
    if setups.refusal(lambda: _create(context, "trust-1", foreign)) == "":
        raise Differs("a role that trusts Lambda for another account's aws:SourceAccount is taken")
    _says_its_mark(context)


def _create_soon(context: Context, of: str, role: str) -> None:
    """Roles of one age take effect within seconds of each other."""
    last: list[ClientError] = []

    def attempt() -> bool:
        try:
            _create(context, of, role)
        except ClientError as error:
            last[:] = [error]
            return False
        return True

    ends = context.now().timestamp() + 30
    context.until(lambda: attempt() or context.now().timestamp() > ends, 60, "Lambda to take the role")
    if last and context.now().timestamp() > ends:
        raise last[0]


def _create(context: Context, of: str, role: str) -> None:
    context.client("lambda").create_function(
        FunctionName=context.made("function", context.name(of)),
        Runtime=setups.RUNTIME,
        Role=role,
        Handler="probe.handler",
        Code={"ZipFile": setups.packed({"probe.py": _CODE})},
        Tags=context.tags,
    )


def _says_its_mark(context: Context) -> None:
    functions, name = context.client("lambda"), context.name("trust")
    setups.until_active(context, name)
    answer = functions.invoke(FunctionName=name, Payload=json.dumps({"mark": context.run}).encode())
    if json.loads(answer["Payload"].read()) != context.run:
        raise Differs("a function with such a role does not answer")
    logs, group = context.client("logs"), f"/aws/lambda/{name}"
    context.until(
        lambda: logs.filter_log_events(logGroupName=group, filterPattern=context.run)["events"],
        90,
        "the function's log line, which Lambda writes as its role",
    )


PROBE = Probe(
    name="iam_trust_lambda",
    belief="Lambda assumes a role that trusts it for aws:SourceAccount of the account, writes the log as it, and does "
    "not assume one for another account.",
    relied_on=("modules/factory_pipeline/transform.tf", "modules/video_archiver/clip_fetch.tf"),
    source="AWS Lambda developer guide, Defining Lambda function permissions with an execution role",
    usd=0.0001,
    run=_run,
)
