"""The rule actions Firehose, Kinesis and S3, done by the services' own APIs as the action's role.

Sources, AWS IoT Core developer guide: "Firehose", "Kinesis Data Streams" and "S3" under "Rule actions", and "Error
handling (error action)".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from localcloud.credentials import AssumeRoleError, Credentials, assume_role
from localcloud.iot.sql import EvaluationError, Message, SqlError, Template, parse_template
from localcloud.loopback import Loopback, ServiceError
from localcloud.settings import ACCOUNT, REGION

_SERVICE: Final = "iot.amazonaws.com"

# What each action has: what it must have, the resource first, and what else it may have, with the values that are
# taken, the default first.
_MEMBERS: Final[Mapping[str, tuple[tuple[str, ...], Mapping[str, tuple[Any, ...]]]]] = {
    "firehose": (
        ("deliveryStreamName", "roleArn"),
        {"separator": ("", "\n", "\t", "\r\n", ","), "batchMode": (False,)},
    ),
    "kinesis": (("streamName", "partitionKey", "roleArn"), {}),
    "s3": (("bucketName", "key", "roleArn"), {"cannedAcl": ("private",)}),
}


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


@dataclass(frozen=True)
class Action:
    """An action of a rule; ``kind`` and ``resource`` are what the error document says of it."""

    kind: ClassVar[str]

    resource: str
    role_arn: str

    async def run(self, result: bytes, message: Message, rule: RuleIdentity, api: Loopback) -> None:
        """Hand over what the rule's statement gave.

        Raises:
            ActionError: it could not.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class KinesisAction(Action):
    """Puts a record into the data stream ``resource``."""

    kind = "KinesisAction"

    partition_key: Template

    async def run(self, result: bytes, message: Message, rule: RuleIdentity, api: Loopback) -> None:
        """PutRecord; raises as every action."""
        try:
            record = {
                "StreamName": self.resource,
                "PartitionKey": self.partition_key.render(message),
                "Data": base64.b64encode(result).decode(),
            }
            await api.json_call("kinesis", "Kinesis_20131202.PutRecord", record, rule.credentials(self.role_arn))
        except (AssumeRoleError, EvaluationError, ServiceError) as error:
            where = f"Action: kinesis, Name: {self.resource}"
            raise ActionError(_failure("send a record to Kinesis", error, message, where)) from error


@dataclass(frozen=True)
class FirehoseAction(Action):
    """Puts a record into the delivery stream ``resource``, with the separator behind it."""

    kind = "FirehoseAction"

    separator: str

    async def run(self, result: bytes, message: Message, rule: RuleIdentity, api: Loopback) -> None:
        """PutRecord; raises as every action."""
        try:
            data = base64.b64encode(result + self.separator.encode()).decode()
            record = {"DeliveryStreamName": self.resource, "Record": {"Data": data}}
            await api.json_call("firehose", "Firehose_20150804.PutRecord", record, rule.credentials(self.role_arn))
        except (AssumeRoleError, ServiceError) as error:
            where = f"Action: firehose, Name: {self.resource}"
            raise ActionError(_failure("send a record to Firehose", error, message, where)) from error


@dataclass(frozen=True)
class S3Action(Action):
    """Writes an object into the bucket ``resource``."""

    kind = "S3Action"

    key: Template

    async def run(self, result: bytes, message: Message, rule: RuleIdentity, api: Loopback) -> None:
        """PutObject; raises as every action."""
        key = ""
        try:
            key = self.key.render(message)
            await api.put_object(self.resource, key, result, rule.credentials(self.role_arn))
        except (AssumeRoleError, EvaluationError, ServiceError) as error:
            where = f'Action: s3, Bucket: {self.resource}, Key: "{key}"'
            raise ActionError(_failure("put an object into S3", error, message, where)) from error


def parse_action(action: Mapping[str, Any]) -> Action:
    """An action as CreateTopicRule has it.

    Raises:
        SqlError: a template is not supported.
        ValueError: the action is not supported, or lacks something.
    """
    kind = next(iter(action), "")
    if len(action) != 1 or kind not in _MEMBERS:
        raise ValueError(f"rule action must be one of {', '.join(_MEMBERS)} here, got {sorted(action)}")
    members: Mapping[str, Any] = action[kind]
    required, optional = _MEMBERS[kind]
    if unknown := set(members) - {*required, *optional}:
        raise ValueError(f"{kind} action: {sorted(unknown)} not supported")
    if missing := set(required) - {name for name, value in members.items() if value}:
        raise ValueError(f"{kind} action: {sorted(missing)} missing")
    name = required[0]
    if "${" in members[name]:
        raise SqlError(f"{kind} action: {name} takes no substitution template here")
    for member, only in optional.items():
        if members.get(member, only[0]) not in only:
            rule = " or ".join(map(repr, only))
            raise ValueError(f"{kind} action: {member} must be {rule} here, got {members[member]!r}")
    if kind == "firehose":
        return FirehoseAction(members[name], members["roleArn"], members.get("separator", ""))
    make = KinesisAction if kind == "kinesis" else S3Action
    return make(members[name], members["roleArn"], parse_template(members[required[1]]))


def error_document(
    rule: RuleIdentity, message: Message, source_ip: str, failures: list[tuple[Action, ActionError]]
) -> bytes:
    """What the error action gets: one document per rule and message."""
    document = {
        "ruleName": rule.name,
        "topic": message.received_on,
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
    arrival = f"Message arrived on: {message.received_on}, {where}"
    return f"Failed to {what}. The error received was {error}{said}. {arrival}"
