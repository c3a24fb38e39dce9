"""Keep the examples of docs/capacity.md and docs/cost.md as `factory-lake sizing` calculates them.

What stands between ``<!-- sizing: ... -->`` and ``<!-- end -->`` is written by
``python -m scripts.sizingdocs``; ``--check`` only says whether it is up to date.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence

from factory_lake.sizing import capacity, cost
from factory_lake.sizing.plant import read_plant
from scripts.package import ROOT

DOCS = ROOT / "docs"
EXAMPLE = DOCS / "sizing" / "plant.toml"
EXAMPLE_PRICES = DOCS / "sizing" / "prices.toml"
_PLACE = re.compile(r"(<!-- sizing: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def rendered(page: str) -> str:
    """A page with its examples as they are calculated, and the example's files as they are."""
    plant = read_plant(EXAMPLE)
    sections = {
        "capacity": capacity.report(plant),
        "cost": cost.report(plant, cost.read_prices(EXAMPLE_PRICES)),
        "plant": f"```toml\n{EXAMPLE.read_text(encoding='utf-8')}```\n",
    }
    return _PLACE.sub(lambda place: f"{place[1]}\n{sections[place[2]]}\n{place[3]}", page)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or check them; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.sizingdocs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="say whether they are up to date; write nothing")
    check = parser.parse_args(arguments).check
    behind = []
    for page in (DOCS / "capacity.md", DOCS / "cost.md"):
        text = page.read_text(encoding="utf-8")
        if (new := rendered(text)) != text:
            behind.append(page.name)
            if not check:
                page.write_text(new, encoding="utf-8")
    for name in behind:
        print(f"docs/{name} {'differs from the sizing: make docs' if check else 'written'}")
    return 1 if check and behind else 0


if __name__ == "__main__":
    sys.exit(main())
