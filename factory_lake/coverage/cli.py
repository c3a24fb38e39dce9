"""`factory-lake coverage`."""

from typing import Annotated, Any

import typer

from factory_lake.boundary import DONE, FOUND
from factory_lake.clients import Clients
from factory_lake.coverage import text
from factory_lake.coverage.collect import LEARN_DAYS, Scope, collect
from factory_lake.lake import open_lake
from factory_lake.options import (
    FactoriesOption,
    FormatOption,
    LakeOption,
    ReportOption,
    number,
    parse_moment_ms,
    whole,
    write_report,
)
from factory_lake.output import emit

app = typer.Typer(add_completion=False)

_MOST_GAPS = 50


@app.command()
def coverage(
    *,
    from_ms: Annotated[Any, typer.Option("--from", parser=parse_moment_ms, metavar="TIME", help="First moment.")],
    to_ms: Annotated[
        Any, typer.Option("--to", parser=parse_moment_ms, metavar="TIME", help="First moment behind the range.")
    ],
    lake: LakeOption = None,
    factories: FactoriesOption = None,
    gateways: Annotated[
        list[str] | None, typer.Option("--gateway", metavar="ID", help="Only this gateway; may be repeated.")
    ] = None,
    tags: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="NAME", help="Only this tag: its name, or <device>/<name>; may be repeated."),
    ] = None,
    cameras: Annotated[
        list[str] | None, typer.Option("--camera", metavar="ID", help="Only this camera; may be repeated.")
    ] = None,
    every: Annotated[
        float | None,
        typer.Option(
            "--every",
            parser=number(above=True),
            metavar="SECONDS",
            help="Time between two samples of every tag. Default: learned from each tag's history.",
        ),
    ] = None,
    learn_days: Annotated[
        int,
        typer.Option(
            "--learn-days", parser=whole(0), metavar="N", help="Days before the range to learn tags' habits from."
        ),
    ] = LEARN_DAYS,
    most_gaps: Annotated[
        int, typer.Option("--gaps", parser=whole(0), metavar="N", help="How many gaps the table shows.")
    ] = _MOST_GAPS,
    report: ReportOption = None,
    form: FormatOption = "table",
) -> int:
    """Tell what arrived of each gateway, tag and camera, and why the rest did not.

    1 when something is missing without a cause.
    """
    opened = open_lake(lake)
    scope = Scope(
        from_ms,
        to_ms,
        tuple(factories or ()),
        tuple(gateways or ()),
        tuple(tags or ()),
        tuple(cameras or ()),
        None if every is None else max(1, round(every * 1000)),
        learn_days,
    )
    found = collect(opened, Clients(opened), scope).coverage
    if form == "csv":
        emit(form, text.gap_table(found))
    else:
        first, *more = text.tables(found, most_gaps)
        emit(form, first, document=found.to_json(), more=more, notes=["", *text.notes(found, most_gaps)])
    write_report(report, found.to_json())
    return FOUND if found.total_ms("unexplained") else DONE
