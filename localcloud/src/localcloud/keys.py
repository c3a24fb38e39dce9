"""KMS as the services ask it: whether a caller may use the key that a resource is encrypted with.

On AWS a service that stores encrypted data calls KMS with its caller's permissions, and names itself
(``kms:ViaService``) and the resource (the encryption context). Identity policies and the key policy must both allow it
(KMS Developer Guide, "Key policies", "AWS KMS condition keys"). MiniStack keeps keys and evaluates calls of KMS
itself, but no other service asked it. Nothing is really encrypted here: what is checked is who may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ministack.core import iam_evaluator
from ministack.services import kms

from localcloud.credentials import as_service
from localcloud.settings import ACCOUNT, REGION


@dataclass(frozen=True)
class Use:
    """What a service asks of KMS.

    Attributes:
        key: ARN, ID or alias of the key.
        actions: What is done with it, as ``kms:Decrypt``.
        service: The service's part of ``kms:ViaService``, as ``s3``.
        context: The encryption context.
    """

    key: str
    actions: Sequence[str]
    service: str
    context: Mapping[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> dict[str, object]:
        """The condition keys of the request to KMS."""
        return {
            "kms:ViaService": f"{self.service}.{REGION}.amazonaws.com",
            "kms:CallerAccount": ACCOUNT,
            "kms:EncryptionContextKeys": list(self.context),
            **{f"kms:EncryptionContext:{name}": value for name, value in self.context.items()},
        }


def refusal(access_key: str, use: Use) -> str | None:
    """Why KMS refuses the caller that signed with this key, in the words that services pass on; None if it does not.

    A key that AWS manages (``alias/aws/...``) is everybody's in the account, by its service.
    """
    if "alias/aws/" in use.key:
        return None
    key = kms._resolve_key(use.key)
    if key is None:
        return f"The key {use.key} does not exist."
    if key["KeyState"] != "Enabled":
        return f"{key['Arn']} is {key['KeyState']}."
    for action in use.actions:
        denied = iam_evaluator.enforce(
            access_key, action, "kms", REGION, resource_arn=key["Arn"], service_context=use.keys
        )
        if denied is not None:
            who = getattr(denied, "principal_arn", "")
            return f"User: {who} is not authorized to perform: {action} on resource: {key['Arn']}"
    return None


def service_may(service: str, use: Use) -> bool:
    """Whether the key policy lets a service principal use the key in its own name, as CloudWatch Logs does."""
    key = kms._resolve_key(use.key)
    if key is None or key["KeyState"] != "Enabled":
        return False
    return all(
        iam_evaluator.evaluate_resource_policy(
            key["Policy"], as_service(service, action, key["Arn"], use.keys), service=service
        ).decision
        == "Allow"
        for action in use.actions
    )
