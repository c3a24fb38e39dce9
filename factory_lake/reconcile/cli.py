"""`factory-lake reconcile`."""

from typing import Annotated

import typer

from factory_lake.boundary import DONE, FOUND
from factory_lake.clients import Clients
from factory_lake.gateway.identities import Lane
from factory_lake.lake import open_lake
from factory_lake.options import (
    FormatOption,
    JournalDirOption,
    LakeOption,
    ReportOption,
    folder,
    number,
    whole,
    write_report,
)
from factory_lake.output import emit
from factory_lake.reconcile.expectation import BlankStrings, Rules
from factory_lake.reconcile.objects import Buckets, StoredObjects, reconcile

app = typer.Typer(add_completion=False)

_SETTINGS = "Settings of the transform functions, where they are not the defaults"


@app.command("reconcile")
def command(
    *,
    lake: LakeOption = None,
    journal_dir: JournalDirOption = None,
    report: ReportOption = None,
    wait: Annotated[
        float,
        typer.Option(
            "--wait", parser=number(), metavar="SECONDS", help="Look again for so long while messages are missing."
        ),
    ] = 0,
    past_days: Annotated[
        int, typer.Option("--past-days", parser=whole(0), metavar="N", rich_help_panel=_SETTINGS)
    ] = Rules.past_days,
    future_days: Annotated[
        int, typer.Option("--future-days", parser=whole(0), metavar="N", rich_help_panel=_SETTINGS)
    ] = Rules.future_days,
    blank_measurements: Annotated[
        BlankStrings, typer.Option("--blank-measurements", rich_help_panel=_SETTINGS)
    ] = "reject",
    blank_configuration: Annotated[
        BlankStrings, typer.Option("--blank-configuration", rich_help_panel=_SETTINGS)
    ] = "reject",
    form: FormatOption = "table",
) -> int:
    """Find every message of the gateways' journals in the lake; 1 when one is not as it should be."""
    opened = open_lake(lake)
    journals = folder("--journal-dir", journal_dir, opened.journal_dir)
    blanks: dict[Lane, BlankStrings] = {"measurements": blank_measurements, "configuration": blank_configuration}
    stored = StoredObjects(Clients(opened).client("s3"), Buckets.from_outputs(opened.outputs))
    result = reconcile(stored, journals, Rules(past_days, future_days, blanks), wait)
    emit(form, result.table(), document=result.to_json(), notes=result.notes())
    write_report(report, result.to_json())
    return DONE if result.is_clean else FOUND
