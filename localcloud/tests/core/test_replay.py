"""A repeated call of Terraform's gets its first answer; all others are served anew."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from localcloud import replay

TERRAFORM = b"APN/1.0 HashiCorp/1.0 Terraform/1.11.4"


class Service:
    """Counts the calls that reach it; the first succeeds, the others are refused, since the thing exists."""

    def __init__(self, first_status: int = 200) -> None:
        self.calls = 0
        self.first_status = first_status

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        self.calls += 1
        status = self.first_status if self.calls == 1 else 400
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % self.calls})


def statuses(service: Service, *calls: tuple[bytes, bytes, bytes]) -> list[int]:
    """The statuses of calls given as invocation ID, amz-sdk-request and user agent."""
    layered = replay.layer(service)
    statuses: list[int] = []

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def play() -> None:
        for invocation, attempt, agent in calls:
            headers = [(b"amz-sdk-invocation-id", invocation), (b"amz-sdk-request", attempt), (b"user-agent", agent)]
            await layered({"type": "http", "headers": headers}, None, send)

    asyncio.run(play())
    return statuses


def test_a_second_attempt_gets_the_first_answer() -> None:
    service = Service()
    calls = [(b"a", b"attempt=1; max=25", TERRAFORM), (b"a", b"attempt=2; max=25", TERRAFORM)]
    assert statuses(service, *calls) == [200, 200]
    assert service.calls == 1


@pytest.mark.parametrize(
    ("invocation", "attempt", "agent"),
    [
        pytest.param(b"b", b"attempt=1; max=25", TERRAFORM, id="another call"),
        pytest.param(b"a", b"attempt=2; max=25", b"Boto3/1.43", id="another client"),
    ],
)
def test_other_calls_are_served(invocation: bytes, attempt: bytes, agent: bytes) -> None:
    service = Service()
    first = (b"a", b"attempt=1; max=25", agent)
    assert statuses(service, first, (invocation, attempt, agent)) == [200, 400]


def test_a_call_that_failed_is_tried_again() -> None:
    service = Service(first_status=503)
    calls = [(b"a", b"attempt=1; max=25", TERRAFORM), (b"a", b"attempt=2; max=25", TERRAFORM)]
    statuses(service, *calls)
    assert service.calls == 2
