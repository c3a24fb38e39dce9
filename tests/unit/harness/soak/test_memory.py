"""Whose memory a process's is."""

from __future__ import annotations

import os

from harness.soak.memory import Memory, resident_mb

LISTING = """\
  100   100 204800 python -m localcloud.server --workdir build/soak/lake/cloud --port 0
  101   100 102400 python -m localcloud.firehose --endpoint e --workdir w
  102   100  51200 python bootstrap.py
  103   100  51200 python bootstrap.py
  200   200  10240 python -m harness.soak
  300   300 999999 python -m localcloud.server --workdir somewhere/else
"""


def test_processes_of_the_cloud_count_by_what_they_are_and_others_not() -> None:
    assert resident_mb(LISTING, 100, 200) == {
        "core": 200.0,
        "delivery engine": 100.0,
        "functions": 100.0,
        "driver": 10.0,
    }


def test_the_peak_is_that_of_the_sum() -> None:
    listings = iter([f"1 1 {kib} serve" for kib in (1024, 3072, 2048)])
    memory = Memory(1, lambda: next(listings))
    for _ in range(3):
        memory.sample()
    assert [sum(sample.values()) for sample in (memory.first, memory.peak, memory.last)] == [1.0, 3.0, 2.0]


def test_this_process_is_seen() -> None:
    with Memory(os.getpgrp()) as memory:
        memory.sample()
    assert memory.last["driver"] > 1
