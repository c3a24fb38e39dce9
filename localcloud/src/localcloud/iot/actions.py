"""The rule actions Kinesis and S3, done by the services' own APIs as the action's role.

Sources, AWS IoT Core developer guide: "Kinesis Data Streams" and "S3" under "Rule actions", and "Error
handling (error action)".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from localcloud.credentials import AssumeRoleError, Credentials, assume_role
from localcloud.iot.sql import EvaluationError, Message, SqlError, Template, parse_template
from localcloud.loopback import Loopback, ServiceError
from localcloud.settings import ACCOUNT, REGION

_SERVICE: Final = "iot.amazonaws.com"
_CANNED_ACLS: Final = frozenset(
    {
        "private",
        "public-read",
        "public-read-write",
        "aws-exec-read",
        "authenticated-read",
        "bucket-owner-read",
        "bucket-owner-full-control",
        "log-delivery-write",
    }
)


class ActionError(RuntimeError):
    """An action failed; the message is the error document's ``errorMessage``."""


@dataclass(frozen=True)
class RuleIdentity:
    """The rule that an action acts for."""

    name: str

    @property
    def arn(self) -> str:
        """The rule's ARN, which the services' trust policies see as ``aws:SourceArn``."""
        return f"arn:aws:iot:{REGION}:{ACCOUNT}:rule/{self.name}"

    def credentials(self, role_arn: str) -> Credentials:
        """A session of the action's role."""
        return assume_role(role_arn, service=_SERVICE, source_arn=self.arn)


class Action(Protocol):
    """What an action says of itself, and what it does."""

    @property
    def kind(self) -> str:
        """``failedAction`` of the error document."""
        ...

    @property
    def resource(self) -> str:
        """``failedResource`` of the error document."""
        ...

    async def run(self, result: bytes, message: Message, rule: RuleIdentity, api: Loopback) -> None:
        """Hand over what the rule's statement gave.

        Raises:
            ActionError: it could not.
        """
        ...


@dataclass(frozen=True)
class KinesisAction:
    """Puts a record into a data stream."""

    stream: str
    partition_key: Template
    role_arn: str

    kind = "KinesisAction"

    @property
    def resource(self) -> str:
        """The stream's name."""
        return self.stream

    async def run(self, result: bytes, message: Message, rule: RuleIdentity, api: Loopback) -> None:
        """PutRecord.

        Raises:
            ActionError: it failed.
        """
        try:
            record = {
                "StreamName": self.stream,
                "PartitionKey": self.partition_key.render(message),
                "Data": base64.b64encode(result).decode(),
            }
            await api.json_call("kinesis", "Kinesis_20131202.PutRecord", record, rule.credentials(self.role_arn))
        except (AssumeRoleError, EvaluationError, ServiceError) as error:
            where = f"Action: kinesis, Name: {self.stream}"
            raise ActionError(_failure("send a record to Kinesis", error, message, where)) from error


@dataclass(frozen=True)
class S3Action:
    """Writes an object."""

    bucket: str
    key: Template
    canned_acl: str | None
    role_arn: str

    kind = "S3Action"

    @property
    def resource(self) -> str:
        """The bucket's name."""
        return self.bucket

    async def run(self, result: bytes, message: Message, rule: RuleIdentity, api: Loopback) -> None:
        """PutObject.

        Raises:
            ActionError: it failed.
        """
        headers = {"x-amz-acl": self.canned_acl} if self.canned_acl else {}
        key = ""
        try:
            key = self.key.render(message)
            await api.put_object(self.bucket, key, result, headers, rule.credentials(self.role_arn))
        except (AssumeRoleError, EvaluationError, ServiceError) as error:
            where = f'Action: s3, Bucket: {self.bucket}, Key: "{key}"'
            raise ActionError(_failure("put an object into S3", error, message, where)) from error


def parse_action(action: Mapping[str, Any]) -> Action:
    """An action as CreateTopicRule has it.

    Raises:
        SqlError: a template is not supported.
        ValueError: the action is not supported, or lacks something.
    """
    kind = next(iter(action), "")
    if len(action) != 1 or kind not in {"kinesis", "s3"}:
        raise ValueError(f"rule action must be one of kinesis, s3 here, got {sorted(action)}")
    members: Mapping[str, str] = action[kind]
    known = {
        "kinesis": {"streamName", "partitionKey", "roleArn"},
        "s3": {"bucketName", "key", "cannedAcl", "roleArn"},
    }[kind]
    if unknown := set(members) - known:
        raise ValueError(f"{kind} action: {sorted(unknown)} not supported")
    if missing := known - {"cannedAcl"} - {name for name, value in members.items() if value}:
        raise ValueError(f"{kind} action: {sorted(missing)} missing")
    if kind == "kinesis":
        if "${" in members["streamName"]:
            raise SqlError("kinesis action: streamName takes no substitution template here")
        return KinesisAction(members["streamName"], parse_template(members["partitionKey"]), members["roleArn"])
    canned_acl = members.get("cannedAcl") or None
    if canned_acl is not None and canned_acl not in _CANNED_ACLS:
        raise ValueError(f"s3 action: cannedAcl must be one of {sorted(_CANNED_ACLS)}, got {canned_acl!r}")
    if "${" in members["bucketName"]:
        raise SqlError("s3 action: bucketName takes no substitution template here")
    return S3Action(members["bucketName"], parse_template(members["key"]), canned_acl, members["roleArn"])


def error_document(
    rule: RuleIdentity, message: Message, source_ip: str, failures: list[tuple[Action, ActionError]]
) -> bytes:
    """What the error action gets: one document per rule and message."""
    document = {
        "ruleName": rule.name,
        "topic": message.topic,
        "cloudwatchTraceId": message.trace_id,
        "clientId": message.client_id or "N/A",
        "sourceIp": source_ip,
        "base64OriginalPayload": base64.b64encode(message.payload).decode(),
        "failures": [
            {"failedAction": action.kind, "failedResource": action.resource, "errorMessage": str(error)}
            for action, error in failures
        ],
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _failure(what: str, error: Exception, message: Message, where: str) -> str:
    said = f" (Status Code: {error.status}; Error Code: {error.code})" if isinstance(error, ServiceError) else ""
    arrival = f"Message arrived on: {message.topic}, {where}"
    return f"Failed to {what}. The error received was {error}{said}. {arrival}"
