"""Fixtures of the transform's tests."""

from __future__ import annotations

import pytest

from tests.unit.transform.support import Lane


@pytest.fixture
def measurements() -> Lane:
    """A measurements lane with default settings."""
    return Lane("measurements")


@pytest.fixture
def configuration() -> Lane:
    """A configuration lane with default settings."""
    return Lane("configuration")
