"""Functions keep what they know between calls, and stop in time before Lambda does it."""

from __future__ import annotations

from factory_lake.conformance import functions
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_CALLS = 5


def _run(context: Context) -> None:
    name = context.shared(functions.answering)
    answers = [functions.invoke(context, name, {})[1] for _ in range(_CALLS)]
    if not any(answer["calls"] > 1 for answer in answers):
        raise Differs(f"each of {_CALLS} calls, one after the other, finds a new environment")
    left = [answer["left_ms"] for answer in answers]
    if not all(functions.TIMEOUT * 1000 - 5000 < each <= functions.TIMEOUT * 1000 for each in left):
        raise Differs(f"at their beginning calls have {left} ms left of a timeout of {functions.TIMEOUT} s")


PROBE = Probe(
    name="lambda_environment",
    belief="Calls one after the other find what the module kept from earlier ones, and the whole timeout left.",
    relied_on=("lambda_src/clip_fetch/archive.py", "lambda_src/clip_fetch/deadline.py"),
    source="AWS Lambda developer guide, Understanding the Lambda execution environment lifecycle; "
    "Python context object",
    usd=0.0001,
    run=_run,
)
