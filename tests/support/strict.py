"""Fakes of AWS that are called through botocore's models: what AWS would not understand fails the test.

The local cloud's own tests have another such client, since they share no code with these; this one runs on
every Python that the Lambda functions run on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.model import OperationModel, Shape
from botocore.validate import ParamValidator


class ModelMismatchError(BaseException):
    """A request or an answer is not one of the service's model.

    It is no ``Exception``, so that the code under test cannot take it for a failure of AWS and go on.
    """


class StrictClient:
    """A fake's methods, as a boto3 client of a service has them.

    Requests and answers are checked: a member that the model does not have, a required one that is missing
    and one of another type raise ``ModelMismatchError``.
    """

    def __init__(self, service: str, fake: object) -> None:
        """Wrap a fake, which has a method for each operation that is called, by boto3's name of it."""
        self._service = service
        self._fake = fake

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        operation = _operations(self._service).get(name)
        if operation is None:
            raise ModelMismatchError(f"{self._service} has no operation {name}")
        method: Callable[..., Any] = getattr(self._fake, name)

        def call(**arguments: Any) -> Any:
            _check(operation, "request", arguments, operation.input_shape)
            answer = method(**arguments)
            _check(operation, "answer", answer, operation.output_shape)
            return answer

        return call


@lru_cache
def _operations(service: str) -> dict[str, OperationModel]:
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


def _check(operation: OperationModel, what: str, members: Any, shape: Shape | None) -> None:
    if shape is None:
        problems = f"must be empty, got {members}" if members else ""
    else:
        problems = ParamValidator().validate(members, shape).generate_report()
    if problems:
        raise ModelMismatchError(f"{operation.service_model.service_name}.{operation.name}: {what}: {problems}")
