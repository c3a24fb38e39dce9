"""The demonstration shows the first rows of each query, at any width."""

from __future__ import annotations

import pytest

from factory_lake.query import Result
from harness.demo.run import _shown

REGISTER = "00000000-0000-4000-8000-000000000001"
COLUMNS = ("tag_name", "value_text", "factory", "gateway", "register_id", "device_name", "received_at")
ROW = ("spindle temperature", "42.5", "krakow", "line-1", REGISTER, "Press 1", "2026-03-04 10:20:30.400")
RESULT = Result(COLUMNS, (ROW,) * 12, 1.0, 0, "query-1")


@pytest.mark.parametrize(("width", "rows"), [("60", 2), ("80", 2), ("120", 8), ("200", 8), ("", 8)])
def test_rows_that_do_not_fit_become_records(width: str, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", width)

    lines = _shown("latest-value-per-tag", RESULT)

    assert f"latest-value-per-tag: 12 rows, the first {rows}" in lines
    assert "\n".join(lines).count(REGISTER) == rows
    assert all(len(line) <= int(width or 1000) for line in lines)


def test_a_short_result_is_shown_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = Result(("factory",), (("krakow",), ("lyon",)), 1.0, 0, "query-2")
    assert _shown("gateways", result) == ["gateways: 2 rows", "factory", "-------", "krakow", "lyon"]
