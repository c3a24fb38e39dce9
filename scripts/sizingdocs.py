"""Keep the examples of docs/capacity.md and docs/cost.md as `factory-lake sizing` calculates them.

`make docs` writes what is between ``<!-- sizing: ... -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import re

from factory_lake.sizing import capacity, cost, ways
from factory_lake.sizing.plant import read_plant
from scripts.package import ROOT

DOCS = ROOT / "docs"
PAGES = (DOCS / "capacity.md", DOCS / "cost.md")
EXAMPLE = DOCS / "sizing" / "plant.toml"
EXAMPLE_PRICES = DOCS / "sizing" / "prices.toml"
_PLACE = re.compile(r"(<!-- sizing: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def rendered(page: str) -> str:
    """A page with its examples as they are calculated, and the example's files as they are."""
    plant, prices = read_plant(EXAMPLE), cost.read_prices(EXAMPLE_PRICES)
    sections = {
        "capacity": capacity.report(plant),
        "cost": cost.report(plant, prices),
        "ways": ways.report(plant, prices),
        "plant": f"```toml\n{EXAMPLE.read_text(encoding='utf-8')}```\n",
    }
    return _PLACE.sub(lambda place: f"{place[1]}\n{sections[place[2]]}\n{place[3]}", page)
