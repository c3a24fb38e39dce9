"""IAM: calls that were allowed though no policy allows them, and resources that policies name otherwise.

Replaced in ``ministack.core.iam_actions``:

* ``extract_iam_action``: a call whose operation was not recognised was only authenticated, then allowed. It
  is an operation of its own now, which nothing short of ``<service>:*`` allows.
* ``extract_resource_arn``: calls on a log stream were checked against the log group's ARN, which on AWS is
  ``...:log-group:<group>:log-stream:<stream>`` (Service Authorization Reference, "CloudWatch Logs"); Glue's
  calls on a table were checked against the database alone, where AWS wants the table, its database and the
  catalog ("Glue resource ARNs": all ancestors), and those on a database not against the catalog; Kinesis'
  GetRecords was checked against the StreamARN that the call may name, not against the stream that its iterator
  reads.
* ``s3_service_context``: lacked the key that a write names (``s3:x-amz-server-side-encryption-aws-kms-key-id``).

Replaced in ``ministack.core.iam_evaluator``:

* ``enforce``: checks the further ARNs of Glue's calls.
* ``_conditions_met``: a malformed condition was met. It never is now.
* ``resolve_credential``: the key that localstack-client signs with was unknown; it is the root's as well.

Replaced in ``ministack.app``:

* ``pin_request_origin``: the loopback interface counts as TLS (``aws:SecureTransport``). The cloud speaks
  plain HTTP, so that the statements which deny that would deny every role everything.
"""

from __future__ import annotations

import dataclasses
from contextvars import ContextVar
from typing import Any, Final

from ministack.core import iam_actions, iam_evaluator
from ministack.services import kinesis, sts

from localcloud.patches.requests import members_of, operation_of
from localcloud.settings import ACCESS_KEY

_LOG_STREAM_ACTIONS: Final = frozenset({"CreateLogStream", "DeleteLogStream", "GetLogEvents", "PutLogEvents"})
_NAMES_OF_TABLES: Final = ("TableName", "Name")

_KEY_HEADER: Final = "x-amz-server-side-encryption-aws-kms-key-id"

_LOCALSTACK_KEY: Final = "accesskey"
_LOCALSTACK_SECRET: Final = "secretkey"  # noqa: S105 - a constant of localstack-client

_also: ContextVar[tuple[str, ...]] = ContextVar("also_checked_arns", default=())


def install(app: Any) -> None:
    """Put the corrections into MiniStack."""
    _name_every_action()
    _name_resources()
    _name_key_of_writes()
    _check_ancestors()
    _refuse_malformed_conditions()
    _know_localstack_client()
    app.pin_request_origin = lambda address, _secure: iam_evaluator.pin_request_origin(address, True)


def _name_every_action() -> None:
    extract = iam_actions.extract_iam_action

    def extract_iam_action(service: str, *rest: Any) -> str | None:
        action: str | None = extract(service, *rest)
        namespace = iam_actions.SERVICE_TO_IAM_NAMESPACE.get(service)
        # A service without a namespace there is an extension's, which authorizes its calls itself.
        return f"{namespace}:UnknownOperation" if action is None and namespace else action

    iam_actions.extract_iam_action = extract_iam_action


def _name_resources() -> None:
    extract = iam_actions.extract_resource_arn

    def extract_resource_arn(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any
    ) -> str:
        arn = str(extract(service, method, path, headers, body, *rest))
        operation = operation_of(headers)
        if service == "logs" and operation in _LOG_STREAM_ACTIONS and arn != "*":
            return f"{arn}:log-stream:{_text(body, 'logStreamName')}"
        if service == "kinesis" and operation == "GetRecords":
            # An iterator that is unknown belongs to no stream.
            state = kinesis._shard_iterators.get(_text(body, "ShardIterator"))
            return str(state["stream_arn"]) if state else "*"
        if service == "glue":
            _, region, account = rest
            names = _table_names(operation, body)
            prefix = f"arn:aws:glue:{region}:{account}"
            catalog = (f"{prefix}:catalog",) if names or operation.endswith("Database") else ()
            _also.set((*catalog, f"{prefix}:database/{names[0]}") if names else catalog)
            return f"{prefix}:table/{'/'.join(names)}" if names else arn
        return arn

    iam_actions.extract_resource_arn = extract_resource_arn


def _name_key_of_writes() -> None:
    known = iam_actions.s3_service_context

    def s3_service_context(action: str, query: Any, path: str, headers: dict[str, str]) -> Any:
        context = known(action, query, path, headers)
        key = headers.get(_KEY_HEADER)
        return {**(context or {}), f"s3:{_KEY_HEADER}": key} if key else context

    iam_actions.s3_service_context = s3_service_context


def _table_names(operation: str, body: bytes) -> tuple[str, str] | None:
    """Database and table of a Glue call on a table or on its versions or partitions."""
    database = _text(body, "DatabaseName")
    if not database or not ("Table" in operation or "Partition" in operation):
        return None
    if operation == "GetTables":
        return database, "*"
    table = next((name for member in _NAMES_OF_TABLES if (name := _text(body, member))), "")
    if not table and isinstance(given := members_of(body).get("TableInput"), dict):
        table = str(given.get("Name", ""))
    return (database, table) if table else None


def _text(body: bytes, member: str) -> str:
    value = members_of(body).get(member)
    return value if isinstance(value, str) else ""


def _check_ancestors() -> None:
    check = iam_evaluator.enforce

    def enforce(
        access_key: str, action: str, service: str, region: str, resource_arn: str = "*", **context: Any
    ) -> Any:
        for arn in (resource_arn, *(_also.get() if service == "glue" and action != "glue:TagResource" else ())):
            denied = check(access_key, action, service, region, resource_arn=arn, **context)
            if denied is not None:
                return denied
        return None

    iam_evaluator.enforce = enforce


def _refuse_malformed_conditions() -> None:
    met = iam_evaluator._conditions_met

    def conditions_met(conditions: Any, context: Any) -> bool:
        if not isinstance(conditions, dict) or not all(isinstance(each, dict) for each in conditions.values()):
            return False
        return bool(met(conditions, context))

    iam_evaluator._conditions_met = conditions_met


def _know_localstack_client() -> None:
    resolve = iam_evaluator.resolve_credential

    def resolve_credential(access_key: str, *rest: Any, **named: Any) -> Any:
        if access_key != _LOCALSTACK_KEY:
            return resolve(access_key, *rest, **named)
        root = resolve(ACCESS_KEY, *rest, **named)
        if isinstance(root, iam_evaluator.CredentialResolutionError):
            return root
        return dataclasses.replace(root, access_key_id=access_key, secret_access_key=_LOCALSTACK_SECRET)

    iam_evaluator.resolve_credential = sts.resolve_credential = resolve_credential
