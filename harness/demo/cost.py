"""What a million samples cost by the ways to send them, for the example of docs/cost.md."""

from collections.abc import Iterable, Mapping

from factory_lake.output import Table
from factory_lake.sizing.cost import money, read_prices
from factory_lake.sizing.plant import read_plant
from factory_lake.sizing.ways import Way, compare
from scripts.sizingdocs import EXAMPLE, EXAMPLE_PRICES

# Samples of a publish, and whether over Basic Ingest.
_WAYS = {"single": (1, False), "basic_ingest": (1, True), "batch14": (14, False)}


def by_million_samples() -> dict[str, float]:
    """USD for the messages of a million samples.

    The first three ways have on-demand streams, which take any plant; the best is the cheapest way that fits.
    """
    made = compare(read_plant(EXAMPLE), read_prices(EXAMPLE_PRICES))
    hours = made.ways[0].hours  # that the default and a repair ask for
    amounts = {
        name: _one(made.ways, samples, basic_ingest=basic_ingest, hours=hours).by_million
        for name, (samples, basic_ingest) in _WAYS.items()
    }
    assert made.cheapest is not None  # noqa: S101  # the example's tests say that a way fits
    return {name: round(amount, 3) for name, amount in {**amounts, "best": made.cheapest.by_million}.items()}


def table(cost: Mapping[str, float]) -> Table:
    """The amounts for a reader."""
    title = "USD for the messages of a million samples of docs/sizing/plant.toml:"
    return Table([name.replace("_", " ") for name in cost], [[money(amount) for amount in cost.values()]], title=title)


def _one(ways: Iterable[Way], samples: int, *, basic_ingest: bool, hours: int) -> Way:
    wanted = (samples, basic_ingest, True, hours)
    (found,) = [way for way in ways if (way.samples, way.basic_ingest, way.on_demand, way.hours) == wanted]
    return found
