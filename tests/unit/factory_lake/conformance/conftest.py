"""A run without AWS."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from factory_lake.clients import Clients
from factory_lake.conformance.context import Context
from factory_lake.conformance.ledger import Ledger, Place


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.begin(tmp_path, "0a1b2c3d", Place("eu-central-1", "123456789012", ""))


@pytest.fixture
def context(ledger: Ledger) -> Context:
    return Context(cast("Clients", None), ledger, "aws")
