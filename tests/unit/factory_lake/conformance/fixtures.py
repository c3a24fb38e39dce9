"""A context whose clients are fakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from factory_lake.clients import Clients
from factory_lake.conformance.context import Context
from factory_lake.conformance.ledger import Ledger, Place
from tests.support.strict import StrictClient


class _Clients:
    """Makes clients of one fake, whatever the service."""

    def __init__(self, fake: object) -> None:
        self._fake = fake

    def client(self, service: str, **_: Any) -> StrictClient:
        return StrictClient(service, self._fake)


def context_of(fake: object, folder: Path, seconds: float = 60.0) -> Context:
    """A run against a fake, which has a method for each operation that is called."""
    ledger = Ledger.begin(folder, "0123abcd", Place("eu-central-1", "123456789012", ""))
    return Context(cast(Clients, _Clients(fake)), ledger, "aws", seconds=seconds)
