"""One invocation of the transform function."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from localcloud.firehose.clients import CALL_ERRORS, LAMBDA_SECONDS, error_code, is_stale
from localcloud.firehose.errors import InvocationError, RoleRefusedError

_CODES = {
    "AccessDenied": "Lambda.InvokeAccessDenied",
    "AccessDeniedException": "Lambda.InvokeAccessDenied",
    "ENILimitReachedException": "Lambda.ENILimitReachedException",
    "ResourceNotFoundException": "Lambda.ResourceNotFound",
    "TooManyRequestsException": "Lambda.InvokeLimitExceeded",
}
"""Lambda's errors under the codes that Firehose gives them (Developer Guide, "Lambda invocation errors")."""


def invoke(client: Callable[[], Any], function_arn: str, event: dict[str, Any]) -> bytes:
    """The function's answer.

    Raises:
        InvocationError: The function could not be invoked, failed or did not answer in time.
        ClientError, BotoCoreError: No service answered, or the role's session has ended: not the function's
        fault.
    """
    try:
        response = client().invoke(
            FunctionName=function_arn,
            InvocationType="RequestResponse",
            Payload=json.dumps(event, separators=(",", ":")).encode(),
        )
        payload: bytes = response["Payload"].read()
    except ReadTimeoutError as error:
        raise InvocationError(
            "Lambda.FunctionRequestTimedOut", f"the function did not answer within {LAMBDA_SECONDS} s"
        ) from error
    except RoleRefusedError as error:
        raise InvocationError("Lambda.AssumeRoleAccessDenied", str(error)) from error
    except CALL_ERRORS as error:
        if is_stale(error) or not isinstance(error, ClientError):
            raise
        code = error_code(error)
        raise InvocationError(_CODES.get(code, "Lambda.InvocationFailure"), str(error)) from error
    if response.get("FunctionError"):
        raise InvocationError(
            "Lambda.FunctionError", f"the function was invoked and returned an error ({response['FunctionError']})"
        )
    return payload
