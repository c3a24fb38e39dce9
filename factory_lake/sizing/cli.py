"""`factory-lake sizing capacity|cost|ways`."""

from pathlib import Path
from typing import Annotated

import typer

from factory_lake.boundary import DONE, FOUND
from factory_lake.options import FormatOption, Group
from factory_lake.output import Table, emit
from factory_lake.sizing import capacity as sums
from factory_lake.sizing import cost as bills
from factory_lake.sizing import ways as comparisons
from factory_lake.sizing.cost import money
from factory_lake.sizing.numbers import text
from factory_lake.sizing.plant import read_plant
from factory_lake.sizing.rows import FITS, HEADER, shortages

app = typer.Typer(
    cls=Group, add_completion=False, help="What a plant asks of the lake, and what that costs, by your own numbers."
)

_Plant = Annotated[Path, typer.Argument(metavar="PLANT", help="TOML, as docs/sizing/plant.toml.")]
_Prices = Annotated[Path, typer.Argument(metavar="PRICES", help="TOML, as docs/sizing/prices.toml.")]
_PROSE = frozenset({"what", "sum"})
_RIGHT = frozenset({"asked", "limit", "used"})


@app.command()
def capacity(plant: _Plant, *, form: FormatOption = "table") -> int:
    """Show what a plant asks of each part, beside its limit; 1 when something is too little."""
    sections = sums.sections(read_plant(plant))
    short = [line for section in sections for line in shortages(section.rows)]
    if form == "table":
        for section in sections:
            notes = [*(f"- {line}." for line in section.expectations)]
            notes += [f"Too little: {line}." for line in shortages(section.rows)] or [FITS]
            rows = [row.cells for row in section.rows]
            emit(form, Table(HEADER, rows, _PROSE, section.title, _RIGHT), notes=[*notes, ""])
    else:
        every = [
            (section.title, row.what, row.sum, row.asked, row.limit, row.used, row.remedy)
            for section in sections
            for row in section.rows
        ]
        emit(form, Table(("factory", *HEADER, "remedy"), every))
    return FOUND if short else DONE


@app.command()
def cost(
    plant: _Plant,
    prices: _Prices,
    *,
    form: FormatOption = "table",
) -> None:
    """Show what a plant uses in a month, times prices."""
    bill = bills.bill(read_plant(plant), bills.read_prices(prices))
    columns = ("group", "price", "sum", "quantity", "a unit", bill.currency)
    uses = Table(columns, bill.uses)
    summary = Table(("factory", *bills.GROUPS, bill.currency), [(name, *amounts) for name, amounts in bill.summary])
    if form != "table":
        emit(form, uses, document={"by_factory": summary.records(), "uses": uses.records()})
        return
    amounts = [(name, *map(money, each)) for name, each in bill.summary]
    shown = [
        (price, words, text(quantity), text(unit), money(amount))
        for _, price, words, quantity, unit, amount in bill.uses
    ]
    right = frozenset(columns[3:]) | frozenset(summary.columns[1:])
    emit(
        form,
        Table(summary.columns, amounts, title=f"Prices: {bill.title}. A month costs", right=right),
        more=[Table(columns[1:], shown, frozenset({"sum"}), "\nA month uses", right)],
        notes=["", bills.said_of_samples(bill)],
    )


@app.command()
def ways(plant: _Plant, prices: _Prices, *, form: FormatOption = "table") -> int:
    """Compare ways to send and keep messages, in batches or not, over Basic Ingest or not; 1 when none fits."""
    read = read_plant(plant)
    made = comparisons.compare(read, bills.read_prices(prices))
    currency = made.prices.currency
    if form == "table":
        of_factories = [
            Table(
                comparisons.LOAD_HEADER,
                [load.cells for load in loads],
                title=f"\n{comparisons.title(name, read.assumed)}",
                right=frozenset(comparisons.LOAD_HEADER) - {"streams", "limited by"},
            )
            for name, loads in made.loads.items()
        ]
        title = f"Prices: {made.prices.title}. {currency} a month for messages\n{comparisons.LEGEND}"
        costs = Table(made.header, made.rows, title=title, right=frozenset(made.header) - {"Basic Ingest"})
        emit(form, costs, more=of_factories, notes=["", *made.notes])
    else:
        columns = ("samples a publish", "Basic Ingest", "streams", "hours kept", currency)
        rows = [
            (
                *(way.samples, way.basic_ingest, way.streams, way.hours, way.amount, way.by_million),
                *(not way.shortages, way is made.cheapest, "; ".join(map(str, way.shortages))),
            )
            for way in made.ways
        ]
        table = Table((*columns, f"{currency} a million samples", "fits", "cheapest", "why not"), rows)
        loads = [vars(load) for of_one in made.loads.values() for load in of_one]
        emit(form, table, document={"ways": table.records(), "loads": loads})
    return DONE if made.cheapest else FOUND
