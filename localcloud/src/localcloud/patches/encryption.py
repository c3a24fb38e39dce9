"""Services ask KMS about the keys that their resources are encrypted with.

Wrapped in ``ministack.app.SERVICE_HANDLERS``, after IAM has allowed the call itself; they recorded keys and
did not ask KMS:

* ``s3``: GenerateDataKey for a put, Decrypt for a get, both for the parts of an upload (S3 User Guide,
  "Using server-side encryption with AWS KMS keys"). The encryption context is the bucket with a bucket key,
  and the object without. Only those subresources of an object that hold its data count.
* ``kinesis``: GenerateDataKey for producers, Decrypt for consumers (Kinesis Data Streams guide, "Permissions
  to use user-generated KMS keys").
* ``logs``: a key is only taken if its policy lets CloudWatch Logs use it for the log group (CloudWatch Logs
  guide, "Encrypt log data in CloudWatch Logs using AWS KMS"). AssociateKmsKey and DisassociateKmsKey were
  missing.
* ``lambda``: the caller who sets a function's key must be allowed CreateGrant and Encrypt, and who reads its
  environment Decrypt; others get an error in its place (Lambda guide, "Securing Lambda environment
  variables"). The function's role needs nothing: Lambda uses the grant.

Kinesis Video Streams and Athena, which are this package's own, ask by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from ministack.core import responses, router
from ministack.services import cloudwatch_logs, kinesis, s3

from localcloud.keys import Use, refusal, service_may
from localcloud.patches.requests import members_of, operation_of
from localcloud.settings import ACCOUNT, REGION

Answer: TypeAlias = tuple[int, dict[str, str], Any]
Handler: TypeAlias = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Answer]]
Check: TypeAlias = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], "Answer | None"]

DECRYPT: Final = ("kms:Decrypt",)
ENCRYPT: Final = ("kms:GenerateDataKey",)
BOTH: Final = (*DECRYPT, *ENCRYPT)
_KEY_HEADER: Final = "x-amz-server-side-encryption-aws-kms-key-id"
# What may be in the query of a request for an object's data.
_OF_DATA: Final = frozenset({"versionId", "partNumber", "uploadId", "uploads", "x-id"})
_STREAM_ACTIONS: Final = {
    "PutRecord": ENCRYPT,
    "PutRecords": ENCRYPT,
    "GetRecords": DECRYPT,
    "SubscribeToShard": DECRYPT,
}
_LOGS_ACTIONS: Final = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:DescribeKey",
)


def install(app: Any) -> None:
    """Wrap the handlers."""
    for service, check in {"s3": _s3, "kinesis": _kinesis, "logs": _logs, "lambda": _lambda}.items():
        app.SERVICE_HANDLERS[service] = _checked(app.SERVICE_HANDLERS[service], check)
    app.SERVICE_HANDLERS["lambda"] = _hiding_environments(app.SERVICE_HANDLERS["lambda"])


def _checked(handler: Handler, check: Check) -> Handler:
    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Answer:
        return check(method, path, headers, body, query) or await handler(method, path, headers, body, query)

    return handle


def key_for_writing(bucket: str, headers: Mapping[str, str] | None = None) -> str | None:
    """The KMS key that an object put into a bucket is encrypted with, if it is one."""
    given = headers or {}
    if given.get("x-amz-server-side-encryption") == "AES256":
        return None
    named = given.get(_KEY_HEADER) or s3._bucket_default_sse_headers(bucket).get(_KEY_HEADER)
    return str(named) if named else None


def key_of_object(bucket: str, key: str) -> str | None:
    """The KMS key that an object is encrypted with, if it is one."""
    item = s3._buckets.get(bucket, {}).get("objects", {}).get(key)
    return item["preserved_headers"].get(_KEY_HEADER) if item and item.get("preserved_headers") else None


def s3_use(bucket: str, key: str, kms_key: str, actions: tuple[str, ...]) -> Use:
    """What S3 asks of KMS for an object."""
    by_bucket = "<BucketKeyEnabled>true</BucketKeyEnabled>" in s3._bucket_encryption.get(bucket, "")
    arn = f"arn:aws:s3:::{bucket}" if by_bucket else f"arn:aws:s3:::{bucket}/{key}"
    return Use(kms_key, actions, "s3", {"aws:s3:arn": arn})


def _s3(method: str, path: str, headers: dict[str, str], _body: bytes, query: dict[str, Any]) -> Answer | None:
    bucket, _, key = path.lstrip("/").partition("/")
    if not key or set(query) - _OF_DATA - {name for name in query if name.lower().startswith("x-amz-")}:
        return None
    uses: list[tuple[str, str, str | None, tuple[str, ...]]] = []
    if method == "GET" and "uploadId" not in query:
        uses = [(bucket, key, key_of_object(bucket, key), DECRYPT)]
    elif method == "PUT" and (source := headers.get("x-amz-copy-source")):
        from_bucket, _, from_key = unquote(source).lstrip("/").partition("?")[0].partition("/")
        uses = [
            (from_bucket, from_key, key_of_object(from_bucket, from_key), DECRYPT),
            (bucket, key, key_for_writing(bucket, headers), ENCRYPT),
        ]
    elif method in ("PUT", "POST"):
        actions = BOTH if "uploadId" in query else ENCRYPT
        uses = [(bucket, key, key_for_writing(bucket, headers), actions)]
    caller = router.extract_access_key_id(headers, query)
    for of_bucket, of_key, kms_key, wanted in uses:
        if kms_key and (why := refusal(caller, s3_use(of_bucket, of_key, kms_key, wanted))):
            answer: Answer = s3._error("AccessDenied", why, 403)
            return answer
    return None


def _kinesis(_: str, __: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Answer | None:
    operation = operation_of(headers)
    actions = _STREAM_ACTIONS.get(operation)
    if actions is None:
        return None
    request = members_of(body)
    if operation == "GetRecords":
        state = kinesis._shard_iterators.get(request.get("ShardIterator"))
        stream = kinesis._streams.get(state["stream"]) if state else None
    else:
        _, stream = kinesis._resolve_stream(request)
    if stream is None or stream.get("EncryptionType") != "KMS" or not stream.get("KeyId"):
        return None
    use = Use(stream["KeyId"], actions, "kinesis", {"aws:kinesis:arn": stream["StreamARN"]})
    why = refusal(router.extract_access_key_id(headers, query), use)
    return _error("KMSAccessDeniedException", why, 400) if why else None


def _logs(_: str, __: str, headers: dict[str, str], body: bytes, ___: dict[str, Any]) -> Answer | None:
    operation = operation_of(headers)
    if operation not in ("CreateLogGroup", "AssociateKmsKey", "DisassociateKmsKey"):
        return None
    request = members_of(body)
    key = request.get("kmsKeyId")
    if not key:
        return _associated(operation, request)
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{request.get('logGroupName')}"
    if service_may(f"logs.{REGION}.amazonaws.com", Use(key, _LOGS_ACTIONS, "logs", {"aws:logs:arn": arn})):
        return _associated(operation, request)
    message = f"The specified KMS key does not exist or is not allowed to be used with Arn '{arn}'"
    return _error("AccessDeniedException", message, 400)


def _associated(operation: str, request: Mapping[str, Any]) -> Answer | None:
    """The answer of AssociateKmsKey and DisassociateKmsKey, which MiniStack lacks, once it is done."""
    if operation == "CreateLogGroup":
        return None
    group = cloudwatch_logs._log_groups.get(request.get("logGroupName"))
    if group is None:
        return _error("ResourceNotFoundException", "The specified log group does not exist.", 400)
    group["kmsKeyId"] = request.get("kmsKeyId")
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, b""


def _lambda(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Answer | None:
    parts = path.strip("/").split("/")
    creates = method == "POST" and parts[1:] == ["functions"]
    if not (creates or (method == "PUT" and parts[-1] == "configuration")):
        return None
    request = members_of(body)
    key = request.get("KMSKeyArn")
    if not key:
        return None
    name = request.get("FunctionName") if creates else parts[2]
    context = {"aws:lambda:FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"}
    use = Use(key, ("kms:CreateGrant", "kms:Encrypt"), "lambda", context)
    why = refusal(router.extract_access_key_id(headers, query), use)
    return _error("KMSAccessDeniedException", why, 502) if why else None


def _hiding_environments(handler: Handler) -> Handler:
    """Lambda's handler, which shows a function's environment to those alone who may decrypt it."""

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Answer:
        status, answered, content = await handler(method, path, headers, body, query)
        if method != "GET" or "/functions/" not in path or not isinstance(content, bytes):
            return status, answered, content
        shown = members_of(content)
        configuration = shown.get("Configuration", shown)
        key = configuration.get("KMSKeyArn")
        if key and configuration.get("Environment"):
            use = Use(key, DECRYPT, "lambda", {"aws:lambda:FunctionArn": configuration["FunctionArn"]})
            why = refusal(router.extract_access_key_id(headers, query), use)
            if why:
                configuration["Environment"] = {"Error": {"ErrorCode": "AccessDeniedException", "Message": why}}
                content = json.dumps(shown).encode()
        return status, answered, content

    return handle


def _error(code: str, message: str, status: int) -> Answer:
    answer: Answer = responses.error_response_json(code, message, status)
    return answer
