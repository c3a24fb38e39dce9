"""The probes that there are."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from functools import cache
from importlib import import_module

from factory_lake.conformance import probes
from factory_lake.conformance.probe import Probe
from factory_lake.errors import OptionError


@cache
def all_probes() -> tuple[Probe, ...]:
    """Every probe, by name."""
    names = sorted(found.name for found in pkgutil.iter_modules(probes.__path__))
    return tuple(import_module(f"{probes.__name__}.{name}").PROBE for name in names)


def chosen(names: Sequence[str]) -> list[Probe]:
    """The probes that `--only` names, by their own names or by their families'; all of them without.

    Raises:
        OptionError: When there is none of a name.
    """
    every = all_probes()
    for name in names:
        if not any(name in (probe.name, probe.family) for probe in every):
            families = ", ".join(sorted({probe.family for probe in every}))
            rule = f"must be a probe (`factory-lake conformance list`) or one of the families {families}"
            raise OptionError("--only", rule, name)
    return [probe for probe in every if not names or probe.name in names or probe.family in names]
