"""The command line: `capacity`, `cost`, and `docs`, which keeps the pages' examples as they are printed."""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from factory_lake.module_interface import REPOSITORY
from factory_lake.sizing import capacity, cost
from factory_lake.sizing.plant import PlantError, read_plant

DOCS = REPOSITORY / "docs"
EXAMPLE = DOCS / "sizing" / "plant.toml"
EXAMPLE_PRICES = DOCS / "sizing" / "prices.toml"
_PLACE = re.compile(r"(<!-- sizing: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m factory_lake.sizing", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    sums = commands.add_parser("capacity", help="what a plant asks of each part, beside its limit")
    sums.add_argument("plant", type=Path, help="TOML, as docs/sizing/plant.toml")
    bill = commands.add_parser("cost", help="what a plant uses in a month, times prices")
    bill.add_argument("plant", type=Path, help="TOML, as docs/sizing/plant.toml")
    bill.add_argument("prices", type=Path, help="TOML, as docs/sizing/prices.toml")
    pages = commands.add_parser("docs", help="write the examples of docs/capacity.md and docs/cost.md")
    pages.add_argument("--check", action="store_true", help="write nothing; fail when a page is behind")
    given = parser.parse_args(arguments)
    try:
        if given.command == "docs":
            return _docs(check=given.check)
        plant = read_plant(given.plant)
        if given.command == "capacity":
            print(capacity.report(plant))
        else:
            print(cost.report(plant, cost.read_prices(given.prices)))
    except (PlantError, cost.PriceError, OSError, ValueError) as error:
        print(f"sizing: {error}", file=sys.stderr)
        return 1
    return 0


def rendered(page: str) -> str:
    """A page with its examples as the tool prints them, and the example's files as they are."""
    plant = read_plant(EXAMPLE)
    sections = {
        "capacity": capacity.report(plant),
        "cost": cost.report(plant, cost.read_prices(EXAMPLE_PRICES)),
        "plant": f"```toml\n{EXAMPLE.read_text(encoding='utf-8')}```\n",
    }
    return _PLACE.sub(lambda place: f"{place[1]}\n{sections[place[2]]}\n{place[3]}", page)


def _docs(*, check: bool) -> int:
    behind = []
    for page in (DOCS / "capacity.md", DOCS / "cost.md"):
        text = page.read_text(encoding="utf-8")
        if (new := rendered(text)) != text:
            behind.append(page.name)
            if not check:
                page.write_text(new, encoding="utf-8")
    for name in behind:
        print(f"sizing: docs/{name} {'is behind the tool: make docs' if check else 'written'}")
    return 1 if check and behind else 0


if __name__ == "__main__":
    sys.exit(main())
