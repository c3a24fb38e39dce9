"""What breaks on the way loses nothing: functions, the delivery engine, the data stream."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.lake import LocalLake
from tests.e2e.plant import Factory, broken_code, sample


@pytest.mark.parametrize("error", ["ServiceException", "TooManyRequestsException"])
def test_a_transform_that_fails_twice_is_tried_again(
    lake: LocalLake, factory: Callable[[str], Factory], error: str
) -> None:
    genoa = factory("genoa")
    before = genoa.counts().delivered if any(genoa.journals.iterdir()) else 0
    function = lake.outputs["transform_functions"]["genoa"]["measurements"]
    fault = lake.cloud.faults.add(service="lambda", operation="Invoke", resource=function, error=error, times=2)
    genoa.send([sample() for _ in range(20)])
    genoa.deliver()

    assert lake.cloud.faults.hits(fault) == 2
    assert genoa.reconcile().discrepancies == ()
    assert genoa.counts().delivered == before + 20


@pytest.mark.parametrize(
    "body", ["import os\n    os._exit(1)", "while True: pass", "raise RuntimeError('bug')", "return {}"]
)
def test_a_transform_that_never_answers_sends_its_batch_to_the_errors_prefix(
    lake: LocalLake, factory: Callable[[str], Factory], body: str
) -> None:
    turin = factory("turin")
    before = turin.counts().rejected if any(turin.journals.iterdir()) else 0
    with broken_code(lake, lake.outputs["transform_functions"]["turin"]["measurements"], body):
        turin.send([sample() for _ in range(10)])
        turin.deliver()

    counts = turin.counts()
    assert counts.lost == counts.duplicated == 0
    assert counts.rejected == before + 10  # with their original bytes: the reconciliation compares them


def test_a_stream_that_is_unavailable_sends_messages_to_the_error_action(
    lake: LocalLake, factory: Callable[[str], Factory]
) -> None:
    porto = factory("porto")
    lake.cloud.faults.add(
        service="kinesis",
        operation="PutRecord",
        resource=lake.outputs["data_streams"]["porto"]["configuration"],
        error="ProvisionedThroughputExceededException",
        times=None,
    )
    try:
        porto.send([b'{"recipe":"A-100"}', b"not JSON at all"], "configuration")
    finally:
        lake.cloud.faults.clear()
    porto.send([b'{"recipe":"A-101"}'], "configuration")
    porto.deliver()

    counts = porto.counts("configuration")
    assert (counts.sent, counts.error_action, counts.delivered, counts.lost) == (3, 2, 1, 0)
