"""`factory-lake sizing capacity|cost`."""

from pathlib import Path
from typing import Annotated

import typer

from factory_lake.boundary import DONE, FOUND
from factory_lake.options import FormatOption, Group
from factory_lake.output import Table, emit
from factory_lake.sizing import capacity as sums
from factory_lake.sizing import cost as bills
from factory_lake.sizing.cost import money
from factory_lake.sizing.numbers import text
from factory_lake.sizing.plant import read_plant
from factory_lake.sizing.rows import FITS, HEADER, shortages

app = typer.Typer(
    cls=Group, add_completion=False, help="What a plant asks of the lake, and what that costs, by your own numbers."
)

_Plant = Annotated[Path, typer.Argument(metavar="PLANT", help="TOML, as docs/sizing/plant.toml.")]
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
    prices: Annotated[Path, typer.Argument(metavar="PRICES", help="TOML, as docs/sizing/prices.toml.")],
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
    )
