"""Plants of one factory, for the tests of sums."""

from pathlib import Path

from factory_lake.sizing import cost
from factory_lake.sizing.plant import Assumed, Factory, read_plant
from scripts.sizingdocs import EXAMPLE_PRICES

EXACT = Assumed(headroom=1, outage_hours=1, connects_per_day=0)
#: Both lanes, as `more` of a factory.
ON_DEMAND = "lanes.measurements.stream.on_demand = true\nlanes.configuration.stream.on_demand = true"


def factory_of(tmp_path: Path, more: str = "", **rates: float) -> Factory:
    """A factory with 100 messages a second of 1000 bytes from its one gateway, or what the arguments say."""
    numbers = {
        "gateways": 1,
        "tags": 100,
        "samples_per_second": 1,
        "message_bytes": 1000,
        "configuration_per_hour": 1,
        "configuration_bytes": 1000,
        **rates,
    }
    lines = "\n".join(f"{name} = {value}" for name, value in numbers.items())
    path = tmp_path / "plant.toml"
    path.write_text(f"[factories.krakow]\n{lines}\n{more}\n")
    return read_plant(path).factories[0]


def used_by(factory: Factory, assumed: Assumed = EXACT) -> dict[str, float]:
    """What a factory uses in a month, by price."""
    quantities: dict[str, float] = {}
    for use in cost.uses_of(factory, assumed, cost.read_prices(EXAMPLE_PRICES).meters):
        quantities[use.price] = quantities.get(use.price, 0) + use.quantity
    return quantities
