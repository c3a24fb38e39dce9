"""Gives a repeated call of Terraform's the answer that its first attempt had.

Under the bursts of an apply, an answer is now and then lost between Hypercorn and the AWS SDK for Go, which
then sends the same call again: same `amz-sdk-invocation-id`, higher attempt in `amz-sdk-request`. A call that
creates something was done by then, and would be refused because the thing exists. Loopback should lose
nothing, so an ASGI layer in front of the services remembers what succeeded and says it again. It does so for
Terraform alone: other clients must cope with lost answers by themselves, as on AWS.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from localcloud.control import AsgiApp

_KEPT = 256
_SUCCESS = range(200, 300)

Messages = list[dict[str, Any]]


def layer(app: AsgiApp) -> AsgiApp:
    """Put the memory of answers in front of ``app``."""
    answers: OrderedDict[bytes, Messages] = OrderedDict()

    async def with_memory(scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        invocation = headers.get(b"amz-sdk-invocation-id")
        if invocation is None or b"Terraform" not in headers.get(b"user-agent", b""):
            await app(scope, receive, send)
            return
        if invocation in answers and not headers.get(b"amz-sdk-request", b"").startswith(b"attempt=1;"):
            for message in answers[invocation]:
                await send(message)
            return
        messages: Messages = []

        async def remember(message: dict[str, Any]) -> None:
            messages.append(message)
            if not message.get("more_body") and messages[0].get("status") in _SUCCESS and len(messages) > 1:
                # Before the answer leaves: what is lost on the way must be known already.
                answers[invocation] = messages
                while len(answers) > _KEPT:
                    answers.popitem(last=False)
            await send(message)

        await app(scope, receive, remember)

    return with_memory
