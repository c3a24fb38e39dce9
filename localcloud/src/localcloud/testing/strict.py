"""Fakes of AWS that are called through botocore's models: what AWS would not understand fails the test."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.model import OperationModel, Shape
from botocore.validate import ParamValidator


class StrictClient:
    """A fake's methods as a boto3 client of a service has them.

    A request or an answer with a member that the service's model does not have, without a required one, or of
    another type is a `TypeError`, which no code under test takes for an error of AWS.
    """

    def __init__(self, service: str, fake: object) -> None:
        """Stand in for a client of a service; the fake has a method for each operation, by boto3's names of both."""
        self._service = service
        self._fake = fake

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation = _operations(self._service).get(name)
        if operation is None:
            raise AttributeError(f"{self._service} has no operation {name}")
        method: Callable[..., Any] = getattr(self._fake, name)

        def call(**arguments: Any) -> Any:
            _check(operation, "request", arguments, operation.input_shape)
            answer = method(**arguments)
            _check(operation, "answer", answer, operation.output_shape)
            return answer

        return call


@cache
def _operations(service: str) -> dict[str, OperationModel]:
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


def _check(operation: OperationModel, what: str, members: Any, shape: Shape | None) -> None:
    if shape is None:
        problems = f"must be empty, got {members}" if members else ""
    else:
        problems = ParamValidator().validate(members, shape).generate_report()
    if problems:
        raise TypeError(f"{operation.service_model.service_name}.{operation.name}: {what}: {problems}")
