"""Athena as it is not."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tests.conformance.breaks import Break, IsOn


def _nothing_ends_a_query(is_on: IsOn) -> None:
    service: Any = import_module("localcloud.athena.service")
    query = service.Query

    def made(*arguments: Any, **named: Any) -> Any:
        return query(*arguments, **({**named, "scan_limit": None} if is_on() else named))

    service.Query = made


BREAKS = [Break("athena_scan_limit", _nothing_ends_a_query)]
