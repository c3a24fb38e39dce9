"""S3 tells that an object does not exist only to those who may list its bucket; to others it says 403.

Wraps ``ministack.app.SERVICE_HANDLERS["s3"]``, which said 404 to everybody. Such a read names no prefix, so a caller
whose permission to list has a condition on ``s3:prefix`` gets 403 as well (S3 API reference, GetObject and HeadObject:
"If you don't have the s3:ListBucket permission, Amazon S3 returns an HTTP status code 403").
"""

from __future__ import annotations

from typing import Any, Final

from ministack.core import iam_evaluator, router
from ministack.services import s3

from localcloud.settings import REGION

_ABSENT: Final = 404


def install(app: Any) -> None:
    """Wrap the handler."""
    handler = app.SERVICE_HANDLERS["s3"]

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        answer = await handler(method, path, headers, body, query)
        bucket, _, key = path.lstrip("/").partition("/")
        if method not in ("GET", "HEAD") or not key or answer[0] != _ABSENT or bucket not in s3._buckets:
            return answer
        caller = router.extract_access_key_id(headers, query)
        arn = f"arn:aws:s3:::{bucket}"
        if iam_evaluator.enforce(caller, "s3:ListBucket", "s3", REGION, resource_arn=arn) is None:
            return answer
        refused = s3._error("AccessDenied", "Access Denied", 403)
        return (*refused[:2], b"") if method == "HEAD" else refused

    app.SERVICE_HANDLERS["s3"] = handle
