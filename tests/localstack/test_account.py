"""The reconciliation of every message reads a lake through a real S3 API, page by page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from factory_lake.gateway.identities import LANES
from factory_lake.reconcile import Buckets
from tests.localstack.conftest import Stack
from tests.support.fixture_lake import FixtureLake, row, sample

_MORE_THAN_A_PAGE = 1001


@pytest.fixture
def lake(stack: Stack, new_bucket: Callable[[], str], tmp_path: Path) -> FixtureLake:
    """An empty lake, in buckets of its own."""
    return FixtureLake(stack.client("s3"), tmp_path / "journals", Buckets({lane: new_bucket() for lane in LANES}))


def test_every_message_is_found_in_its_place(lake: FixtureLake) -> None:
    lake.send(sample(1.5), sample(2.5), b"not JSON", sample(3.5))
    lake.store_rows(row(1.5), row(2.5))
    lake.store_failures(b"not JSON")
    lake.store_error_action(sample(3.5))

    total = lake.reconcile().total

    assert (total.sent, total.delivered, total.rejected, total.error_action) == (4, 2, 1, 1)
    assert (total.lost, total.duplicated) == (0, 0)


# Against the embedded cloud, the delivery's tests have pages enough.
@pytest.mark.parametrize("stack", [pytest.param("localstack", marks=pytest.mark.localstack)], indirect=True)
@pytest.mark.usefixtures("listed_onwards")
def test_no_object_is_missed_behind_the_first_page(lake: FixtureLake) -> None:
    payloads = [f"not JSON {number}".encode() for number in range(_MORE_THAN_A_PAGE)]
    lake.send(*payloads)
    for payload in payloads:
        lake.store_failures(payload)

    assert lake.reconcile().total.rejected == _MORE_THAN_A_PAGE


def test_a_message_that_is_nowhere_is_lost(lake: FixtureLake) -> None:
    lake.send(sample(1.5))

    assert lake.reconcile().total.lost == 1
