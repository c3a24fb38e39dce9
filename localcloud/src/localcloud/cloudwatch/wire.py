"""CloudWatch's three protocols, read and written by the service's own model.

boto3 speaks smithy-rpc-v2-cbor, Terraform's provider 5.100 the Query protocol, other tools JSON. A request
becomes the arguments as boto3 would take them, with aware datetimes; an answer is given in the protocol in
in which it was requested. "Smithy RPC v2 CBOR protocol" and "AWS Query protocol" of the Smithy documentation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import uuid4
from xml.sax.saxutils import escape

import botocore.session
import cbor2
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

_NAMESPACE: Final = "http://monitoring.amazonaws.com/doc/2010-08-01/"

Reply = tuple[int, dict[str, str], bytes]


class ApiError(RuntimeError):
    """A call that CloudWatch refuses; the code is spelled as in the Query protocol."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True)
class Request:
    """A call: which protocol it came in, which operation it is, and its arguments."""

    protocol: str
    operation: str
    arguments: dict[str, Any]


@cache
def model() -> ServiceModel:
    """The service's model."""
    return botocore.session.get_session().get_service_model("cloudwatch")


def read(path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]) -> Request:
    """Read a request; names of headers are in lower case.

    Raises:
        ApiError: it is no call of an operation that CloudWatch has, or is malformed.
    """
    smithy = re.search(r"/operation/([^/?]+)", path)
    target = headers.get("x-amz-target", "")
    try:
        if smithy:
            operation = smithy[1]
            return Request("cbor", operation, _typed(_input(operation), cbor2.loads(body) if body else {}))
        if target:
            operation = target.rpartition(".")[2]
            return Request("json", operation, _typed(_input(operation), json.loads(body or b"{}")))
        form = parse_qs(body.decode(), keep_blank_values=True) | dict(query)
        flat = {name: values[0] if isinstance(values, list) else values for name, values in form.items()}
        operation = flat.get("Action", "")
        return Request("query", operation, _from_form(_input(operation), flat, "") or {})
    except (ValueError, TypeError, AttributeError, cbor2.CBORDecodeError) as error:
        raise ApiError("SerializationException", f"the request cannot be read: {error}") from error


def answer(request: Request, result: Mapping[str, Any]) -> Reply:
    """The answer of a call that went well; members that are None are left out."""
    shape = model().operation_model(request.operation).output_shape
    typed = {} if shape is None else _typed(shape, result)
    if request.protocol == "cbor":
        return 200, _cbor_headers(), _cbor(typed)
    if request.protocol == "json":
        return 200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(typed, default=_epoch).encode()
    inner = "" if shape is None else _xml(f"{request.operation}Result", shape, typed)
    metadata = f"<ResponseMetadata><RequestId>{uuid4()}</RequestId></ResponseMetadata>"
    name = f"{request.operation}Response"
    return 200, {"Content-Type": "text/xml"}, _document(name, inner + metadata)


def refusal(protocol: str, error: ApiError) -> Reply:
    """The answer of a call that was refused."""
    name = _exception(error.code)
    said = {"__type": name, "message": str(error)}
    fault = "Sender" if error.status < 500 else "Receiver"
    headers = {"x-amzn-query-error": f"{error.code};{fault}"}
    if protocol == "cbor":
        return error.status, {**_cbor_headers(), **headers}, _cbor(said)
    if protocol == "json":
        headers |= {"Content-Type": "application/x-amz-json-1.0", "x-amzn-errortype": name}
        return error.status, headers, json.dumps(said).encode()
    body = f"<Error><Type>{fault}</Type><Code>{escape(error.code)}</Code>"
    body += f"<Message>{escape(str(error))}</Message></Error><RequestId>{uuid4()}</RequestId>"
    return error.status, {"Content-Type": "text/xml"}, _document("ErrorResponse", body)


def protocol_of(path: str, headers: Mapping[str, str]) -> str:
    """Which protocol a request speaks that could not be read."""
    return "cbor" if "/operation/" in path else "json" if headers.get("x-amz-target") else "query"


def _input(operation: str) -> Shape:
    if operation not in model().operation_names:
        raise ApiError("InvalidAction", f"CloudWatch has no operation {operation!r}")
    shape = model().operation_model(operation).input_shape
    assert shape is not None  # noqa: S101 - every operation of the service takes something
    return shape


def _exception(code: str) -> str:
    """The model's name of the exception with a Query code, which clients of the newer protocols look for."""
    for shape in model().error_shapes:
        if code == shape.metadata.get("error", {}).get("code"):
            return shape.name
    return code


def _typed(shape: Shape, value: Any) -> Any:
    """A value without the members that are None or that the shape does not know; times as datetimes."""
    if isinstance(shape, StructureShape):
        known = {name: value[name] for name in shape.members if value.get(name) is not None}
        return {name: _typed(shape.members[name], member) for name, member in known.items()}
    if isinstance(shape, ListShape):
        return [_typed(shape.member, one) for one in value]
    if isinstance(shape, MapShape):
        return {name: _typed(shape.value, one) for name, one in value.items()}
    if shape.type_name == "timestamp":
        return _time(value)
    if shape.type_name in {"double", "float"}:
        return float(value)
    return value


def _from_form(shape: Shape, form: Mapping[str, str], prefix: str) -> Any:
    """A value from flat parameters (`Metrics.member.1.Id=m1`), None where there is none."""
    if isinstance(shape, StructureShape):
        dot = f"{prefix}." if prefix else ""
        members = {
            name: _from_form(member, form, f"{dot}{name}")
            for name, member in shape.members.items()
            if any(key == f"{dot}{name}" or key.startswith(f"{dot}{name}.") for key in form)
        }
        return {name: member for name, member in members.items() if member is not None}
    if isinstance(shape, ListShape):
        found: list[Any] = []
        while True:
            at = f"{prefix}.member.{len(found) + 1}"
            if not any(key == at or key.startswith(f"{at}.") for key in form):
                return found if found or prefix not in form else []
            found.append(_from_form(shape.member, form, at))
    text = form.get(prefix)
    return None if text is None else _scalar(shape, text)


def _scalar(shape: Shape, text: str) -> Any:
    match shape.type_name:
        case "integer" | "long":
            return int(text)
        case "double" | "float":
            return float(text)
        case "boolean":
            return text.lower() == "true"
        case "timestamp":
            return _time(text)
        case _:
            return text


def _time(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, str) and not re.fullmatch(r"[0-9.]+", value):
        read = datetime.fromisoformat(value)
        return read if read.tzinfo else read.replace(tzinfo=UTC)
    return datetime.fromtimestamp(float(value), UTC)


def _epoch(value: object) -> float:
    if not isinstance(value, datetime):
        raise TypeError(f"not a JSON value: {value!r}")
    return value.timestamp()


def _cbor(value: Any) -> bytes:
    return bytes(cbor2.dumps(value, datetime_as_timestamp=True))


def _cbor_headers() -> dict[str, str]:
    return {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}


def _document(name: str, inner: str) -> bytes:
    return f'<{name} xmlns="{_NAMESPACE}">{inner}</{name}>'.encode()


def _xml(name: str, shape: Shape, value: Any) -> str:
    if isinstance(shape, StructureShape):
        inner = "".join(_xml(member, shape.members[member], one) for member, one in value.items())
    elif isinstance(shape, ListShape):
        inner = "".join(_xml("member", shape.member, one) for one in value)
    elif isinstance(shape, MapShape):
        raise TypeError(f"{name}: maps are not written")
    elif isinstance(value, datetime):
        inner = f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"
    elif isinstance(value, bool):
        inner = "true" if value else "false"
    elif isinstance(value, float):
        inner = repr(value)
    else:
        inner = escape(str(value))
    return f"<{name}>{inner}</{name}>"
