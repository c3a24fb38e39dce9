"""Terraform and a redrive tell by a digest which code a function runs."""

from __future__ import annotations

import base64
import hashlib

from factory_lake.conformance import functions, setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe


def _run(context: Context) -> None:
    name = context.shared(functions.answering)
    package = setups.packed({"probe.py": functions.CODE})
    wanted = base64.b64encode(hashlib.sha256(package).digest()).decode()
    found = context.client("lambda").get_function_configuration(FunctionName=name)["CodeSha256"]
    if found != wanted:
        raise Differs("CodeSha256 is not the SHA-256 of the package that was uploaded")


PROBE = Probe(
    name="lambda_code_digest",
    belief="A function's CodeSha256 is the SHA-256 of the uploaded package, in base64.",
    relied_on=("modules/factory_pipeline/transform.tf", "factory_lake/redrive/prediction.py"),
    source="AWS Lambda API reference, FunctionConfiguration",
    usd=0.0001,
    run=_run,
)
