"""The tables of docs/scale.md: what is measured, and what is calculated from docs/sizing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from factory_lake.sizing import cost, modules, quotas
from factory_lake.sizing.numbers import table, text
from factory_lake.sizing.plant import Plant, read_plant
from harness.scale.plans import CAMERAS, GATEWAYS, Size, Usage
from scripts import sizingdocs

DOCUMENT = sizingdocs.DOCS / "scale.md"
FACTORIES = (1, 10, 50, 200)
_PLACE = "(<!-- scale: {} -->\n).*?(<!-- end -->)"


@dataclass(frozen=True)
class Measured:
    """What Terraform needs for a lake."""

    factories: int
    resources: int
    state_mb: float
    plan: Usage
    empty: Usage  # a plan of as many resources that hold nothing

    @classmethod
    def of(cls, factories: int, one: Size, two: Size, plan: Usage, empty: Usage) -> Measured:
        """Calculate a lake's size from those of lakes of one and of two factories: factories are alike."""
        more = factories - 1
        resources = one.resources + more * (two.resources - one.resources)
        state = one.state_bytes + more * (two.state_bytes - one.state_bytes)
        return cls(factories, resources, state / 1e6, plan, empty)

    @property
    def cells(self) -> list[str]:
        """The row of the table."""
        return [
            str(self.factories),
            f"{self.resources:,}",
            text(self.state_mb),
            text(self.plan.seconds),
            text(self.plan.processor_seconds),
            text(self.plan.processor_seconds / self.factories),
            text(self.plan.memory_bytes / 1e9),
            text(self.empty.processor_seconds / self.factories),
        ]

    @property
    def line(self) -> str:
        """The row as a sentence."""
        factories, resources, state, seconds, processor, each, memory, empty = self.cells
        return (
            f"{factories} factories: {resources} resources, {state} MB of state; a plan takes {seconds} s, "
            f"{processor} s of a processor ({each} s a factory; {empty} s of empty resources), {memory} GB of memory"
        )


def with_measured(page: str, rows: Sequence[Measured]) -> str:
    """The page with these figures."""
    head = ["factories", "resources", "state, MB", "plan, s", "CPU, s", "a factory", "memory, GB", "empty, a factory"]
    return _put(page, "measured", table(head, [row.cells for row in rows]))


def rendered(page: str) -> str:
    """The page with what is calculated: alarms, costs and quotas."""
    plants = {factories: plant_of(factories) for factories in FACTORIES}
    prices = cost.read_prices(sizingdocs.EXAMPLE_PRICES)
    watched = [
        [
            str(factories),
            f"{sum(modules.alarms(factory) for factory in plant.factories):,}",
            cost.money(cost.bill(plant, prices).summary[-1][1][-1]),
        ]
        for factories, plant in plants.items()
    ]
    asked = {factories: quotas.rows_of(plant) for factories, plant in plants.items()}
    (first, *_) = asked.values()
    rows = []
    for index, row in enumerate(first):
        needed = [each[index] for each in asked.values()]
        limit = "differs" if row.limit is None else text(row.limit)
        rows.append(
            [row.what, limit, *(f"**{text(one.asked)}**" if one.used > 1 else text(one.asked) for one in needed)]
        )
    page = _put(page, "cost", table(["factories", "alarms", f"{prices.currency} a month"], watched))
    return _put(page, "quotas", table(["quota", "default", *map(str, FACTORIES)], rows))


def plant_of(factories: int) -> Plant:
    """A plant of so many factories like the one of docs/sizing/plant.toml that has what the plans have.

    Raises:
        ValueError: When the example has no such factory.
    """
    example = read_plant(sizingdocs.EXAMPLE)
    for factory in example.factories:
        if factory.video is not None and (factory.measurements.gateways, factory.video.cameras) == (GATEWAYS, CAMERAS):
            alike = tuple(replace(factory, name=f"factory-{number:03}") for number in range(factories))
            return replace(example, factories=alike)
    raise ValueError(f"{sizingdocs.EXAMPLE} must have a factory of {GATEWAYS} gateways and {CAMERAS} cameras")


def _put(page: str, place: str, content: str) -> str:
    return re.sub(_PLACE.format(place), lambda found: f"{found[1]}\n{content}\n{found[2]}", page, flags=re.DOTALL)
