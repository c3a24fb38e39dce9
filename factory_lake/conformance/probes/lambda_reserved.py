"""Where a factory reserves one concurrent run, no two archivers work at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError

from factory_lake.conformance import measures
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import CouldNotTell, Differs, Probe

_HELD_SECONDS = 6


def _run(context: Context) -> None:
    name, _ = measures.make_function(context, "reserved")
    functions = context.client("lambda")
    try:
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    except ClientError as error:
        if error.response["Error"]["Code"] == "InvalidParameterValueException":
            raise CouldNotTell("the account has no concurrency to reserve; its quota must be raised first") from error
        raise
    refusals: list[ClientError] = []

    def is_refused() -> bool:
        try:
            measures.invoke(context, name)
        except ClientError as error:
            refusals.append(error)
        return bool(refusals)

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(measures.invoke, context, name, seconds=_HELD_SECONDS)
        context.until(
            lambda: is_refused() or held.done(), 4 * _HELD_SECONDS, "a refusal, or the end of the first call"
        )
    # A short call may be under way when the long one comes: then that one is refused.
    failure = held.exception()
    if isinstance(failure, ClientError):
        refusals.append(failure)
    elif failure is not None:
        raise failure
    if not refusals:
        raise Differs("no second invocation beside a running one is refused")
    code, reason = refusals[0].response["Error"]["Code"], refusals[0].response.get("Reason")
    if (code, reason) != ("TooManyRequestsException", "ReservedFunctionConcurrentInvocationLimitExceeded"):
        raise Differs(f"a second invocation beside a running one is refused with {code}, {reason}")


PROBE = Probe(
    name="lambda_reserved",
    belief=(
        "With a reserved concurrency of 1 an invocation beside a running one is refused, with TooManyRequestsException"
        " for the reason ReservedFunctionConcurrentInvocationLimitExceeded."
    ),
    relied_on=("modules/video_archiver/clip_fetch.tf",),
    source="Lambda developer guide, Configuring reserved concurrency for a function",
    usd=0.001,
    run=_run,
)
