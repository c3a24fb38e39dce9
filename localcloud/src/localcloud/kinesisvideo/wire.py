"""Requests and answers of Kinesis Video Streams on the wire, by the API models that botocore ships.

A request is refused for anything that its model does not allow: botocore's own validator checks members,
types and what is required, and here the rest of the model (patterns, choices, upper bounds) is checked too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

from localcloud.kinesisvideo.semantics import InvalidArgumentError

SERVICES = ("kinesisvideo", "kinesis-video-archived-media")


@cache
def operations() -> Mapping[str, OperationModel]:
    """Every operation of the two APIs, by its path."""
    session = botocore.session.get_session()
    models = [session.get_service_model(service) for service in SERVICES]
    found = (model.operation_model(name) for model in models for name in model.operation_names)
    return {operation.http["requestUri"]: operation for operation in found}


def parse(operation: OperationModel, body: bytes) -> dict[str, Any]:
    """The members of a request.

    Raises:
        InvalidArgumentError: the body is not what the model says; names every member that breaks a rule.
    """
    try:
        request = json.loads(body or b"{}")
    except ValueError as error:
        raise InvalidArgumentError(f"The request is not JSON: {error}.") from error
    shape = operation.input_shape
    if not isinstance(request, dict) or not isinstance(shape, StructureShape):
        raise InvalidArgumentError("The request must be a JSON object.")
    report = ParamValidator().validate(request, shape)
    faults = [report.generate_report()] if report.has_errors() else list(_faults(request, shape, ""))
    if faults:
        raise InvalidArgumentError("; ".join(faults))
    return request


def _faults(value: Any, shape: Shape, path: str) -> Iterator[str]:
    """What of the model botocore's validator leaves unchecked."""
    if isinstance(shape, StructureShape):
        for name, member in value.items():
            yield from _faults(member, shape.members[name], f"{path}.{name}".lstrip("."))
        return
    if isinstance(shape, ListShape):
        for index, member in enumerate(value):
            yield from _faults(member, shape.member, f"{path}[{index}]")
    elif isinstance(shape, MapShape):
        for key, member in value.items():
            yield from _faults(key, shape.key, f"{path} key")
            yield from _faults(member, shape.value, f"{path}[{key}]")
    most = shape.metadata.get("max")
    size = len(value) if isinstance(value, str | list | dict) else value
    if most is not None and size > most:
        yield f"{path} must be at most {most}, got {size}"
    if isinstance(shape, StringShape):
        pattern, choices = shape.metadata.get("pattern"), shape.enum
        if pattern and not _pattern(pattern).fullmatch(value):
            yield f"{path} must match {pattern}, got {value!r}"
        if choices and value not in choices:
            yield f"{path} must be one of {', '.join(choices)}, got {value!r}"


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """A model's pattern; Python has no classes by Unicode property, but nearly the same by other names."""
    for theirs, ours in ((r"\p{L}", r"\w"), (r"\p{N}", r"\d"), (r"\p{Z}", r"\s")):
        pattern = pattern.replace(theirs, ours)
    return re.compile(pattern)


def milliseconds(timestamp: Any) -> float:
    """A request's timestamp, JSON number of epoch seconds, in milliseconds (microseconds kept)."""
    if isinstance(timestamp, bool) or not isinstance(timestamp, int | float):
        raise InvalidArgumentError(f"A timestamp must be a number of seconds, got {timestamp!r}.")
    return round(timestamp * 1000, 3)


def error(code: str, status: int, message: str) -> tuple[int, dict[str, str], bytes]:
    """An error answer: the code in the header, as the services' own answers have it."""
    headers = {
        "Content-Type": "application/json",
        "x-amzn-ErrorType": f"{code}:http://internal.amazon.com/coral/com.amazonaws.kinesisvideo/",
    }
    return status, headers, json.dumps({"Message": message}).encode()


def answer(body: Mapping[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """An answer of members."""
    return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()
