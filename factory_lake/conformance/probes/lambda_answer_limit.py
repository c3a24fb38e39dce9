"""The transform splits what it answers, since an answer beyond 6 MB is an error of the function."""

from __future__ import annotations

from factory_lake.conformance import functions
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_LIMIT = 6 * 1024 * 1024


def _run(context: Context) -> None:
    name = context.shared(functions.answering)
    error, answer = functions.invoke(context, name, {"size": _LIMIT - 2})  # with its quotes exactly the limit
    if error:
        raise Differs(f"an answer of {_LIMIT} bytes is an error: {answer.get('errorType')}")
    error, answer = functions.invoke(context, name, {"size": _LIMIT + 1024 * 1024})
    if not error:
        raise Differs("an answer of 7 MiB is given")
    if "ResponseSizeTooLarge" not in str(answer.get("errorType")):
        raise Differs(f"an answer of 7 MiB is the error {answer.get('errorType')}")


PROBE = Probe(
    name="lambda_answer_limit",
    belief="A function's answer has at most 6 MiB; a larger one is the error Function.ResponseSizeTooLarge.",
    relied_on=("lambda_src/transform/batch.py",),
    source="AWS Lambda developer guide, Lambda quotas",
    usd=0.0002,
    run=_run,
)
