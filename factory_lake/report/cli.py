"""`factory-lake report`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from factory_lake.boundary import DONE, FOUND
from factory_lake.canary.marks import without_canary
from factory_lake.clients import Clients
from factory_lake.coverage.collect import Scope, collect
from factory_lake.coverage.model import HARMLESS, STATES
from factory_lake.errors import OptionError
from factory_lake.lake import mapping_at, open_lake
from factory_lake.module_interface import REPOSITORY
from factory_lake.options import FactoriesOption, FormatOption, LakeOption, or_now_ms, parse_moment_ms, whole
from factory_lake.output import Table, emit, progress
from factory_lake.report.gather import Wishes, file_of, gather
from factory_lake.report.page import render
from factory_lake.report.words import duration
from factory_lake.sizing.cost import read_prices

app = typer.Typer(add_completion=False)

#: Prices that are used where none are given; the page says what they are.
EXAMPLE_PRICES = REPOSITORY / "docs" / "sizing" / "prices.toml"
_DAYS_MS = 7 * 86_400_000
#: S3 signs for no longer.
_MAX_LINK_HOURS = 168


def _hours(text: str) -> int:
    hours = whole(1)(text)
    if hours > _MAX_LINK_HOURS:
        raise typer.BadParameter(
            f"must be at most {_MAX_LINK_HOURS} hours, since S3 signs for no longer, got {text!r}"
        )
    return hours


@app.command("report")
def command(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder that the pages are written into.")],
    lake: LakeOption = None,
    from_ms: Annotated[
        Any,
        typer.Option(
            "--from", parser=parse_moment_ms, metavar="TIME", help="First moment. Default: 7 days before the last one."
        ),
    ] = None,
    to_ms: Annotated[
        Any,
        typer.Option(
            "--to", parser=parse_moment_ms, metavar="TIME", help="First moment behind the range. Default: now."
        ),
    ] = None,
    factories: FactoriesOption = None,
    prices: Annotated[
        Path | None,
        typer.Option(
            "--prices", metavar="PRICES", help="TOML, as docs/sizing/prices.toml, which is the default where it is."
        ),
    ] = None,
    link_hours: Annotated[
        int,
        typer.Option(
            "--link-hours", parser=_hours, metavar="HOURS", help="How long links to clips last, 168 at most."
        ),
    ] = 24,
    embed: Annotated[
        bool, typer.Option("--embed", help="Put small clips into the page, the newest ones, instead of links.")
    ] = False,
    form: FormatOption = "table",
) -> int:
    """Write a page for each factory: what arrived, what is missing and why; 1 when something is unexplained."""
    opened = open_lake(lake)
    known = sorted(mapping_at(opened.outputs, "gateways"))
    for factory in factories or ():
        if factory not in known:
            raise OptionError("--factory", f"must be one of {', '.join(known)}", factory)
    end_ms = or_now_ms(to_ms)
    begin_ms = end_ms - _DAYS_MS if from_ms is None else from_ms
    if prices is None and EXAMPLE_PRICES.is_file():
        prices = EXAMPLE_PRICES
    wishes = Wishes(None if prices is None else read_prices(prices), link_hours, embed)
    out.mkdir(parents=True, exist_ok=True)
    clients = Clients(opened)
    wanted = list(dict.fromkeys(factories or without_canary(known)))
    rows = []
    unexplained = 0
    with progress(len(wanted), "pages") as moved:
        for number, factory in enumerate(wanted):
            moved(number, factory)
            collected = collect(opened, clients, Scope(begin_ms, end_ms, (factory,)))
            coverage = collected.coverage
            facts = gather(opened, clients, coverage, collected.failures[factory], factory, wishes)
            page = render(coverage, facts)
            file = file_of(out, factory)
            file.write_text(page, encoding="utf-8")
            missing = {state: coverage.total_ms(state) for state in STATES if state not in HARMLESS}
            unexplained += missing["unexplained"]
            rows.append((factory, file, len(page.encode()), sum(missing.values()), missing["unexplained"]))
        moved(len(wanted), "done")
    if form == "table":
        shown = [(factory, file, size, duration(lost), duration(none)) for factory, file, size, lost, none in rows]
        columns = ("factory", "page", "bytes", "missing", "unexplained")
        emit(form, Table(columns, shown, right=frozenset({"missing", "unexplained"})))
    else:
        emit(form, Table(("factory", "page", "bytes", "missing_ms", "unexplained_ms"), rows))
    return FOUND if unexplained else DONE
