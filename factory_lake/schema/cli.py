"""`factory-lake schema`: whether a change of the tables' schema files breaks what is there."""

from dataclasses import astuple
from pathlib import Path
from typing import Annotated

import typer

from factory_lake.boundary import DONE, FOUND
from factory_lake.errors import OptionError
from factory_lake.module_interface import REPOSITORY
from factory_lake.options import FormatOption, Group
from factory_lake.output import Table, emit
from factory_lake.schema.comparison import compare
from factory_lake.schema.files import at_ref, in_folder

app = typer.Typer(cls=Group, add_completion=False, help="Check changes of the tables' schema files.")

_COLUMNS = ("table", "place", "breaks", "rule", "way out")


@app.callback()
def _group() -> None:
    """The help text is the app's own."""


@app.command()
def check(
    *,
    against: Annotated[
        str,
        typer.Option("--against", metavar="REF", help="A git ref, or a folder of schema files: the last release's."),
    ],
    schema_dir: Annotated[
        Path | None, typer.Option("--schema-dir", metavar="DIR", help="The schema files. Default: the repository's.")
    ] = None,
    form: FormatOption = "table",
) -> int:
    """Compare schema files with released ones; exit with 1 where a change breaks files, queries or messages."""
    folder = schema_dir or REPOSITORY / "glue_schemas"
    if not folder.is_dir():
        raise OptionError("--schema-dir", "must be a folder of schema files", str(folder))
    released = in_folder(Path(against)) if Path(against).is_dir() else at_ref(against, folder)
    findings = compare(released, in_folder(folder))
    if findings or form != "table":
        emit(form, Table(_COLUMNS, [astuple(finding) for finding in findings], prose=frozenset({"rule", "way out"})))
    else:
        print(f"The schema files break nothing of {against}.")
    return FOUND if findings else DONE
