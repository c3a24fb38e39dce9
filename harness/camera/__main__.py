"""Find every frame that cameras filmed in the archive: ``python -m harness.camera --help``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import ClientError, ParamValidationError

from factory_lake.boundary import DONE, FOUND
from factory_lake.errors import LakeError, OptionError
from factory_lake.lake import DEFAULT_LOCAL, open_lake, output_at
from harness.camera.journal import Journal
from harness.camera.reconciliation import as_json, reconcile
from harness.commands import run_app
from localcloud import LocalCloud


def command(
    *,
    factory: Annotated[str, typer.Option("--factory", metavar="ID", help="The cameras' factory.")],
    journal: Annotated[
        Path | None,
        typer.Option("--journal", metavar="FILE", help="What was sent. Default: cameras.jsonl of the lake."),
    ] = None,
    folder: Annotated[Path, typer.Option("--lake", metavar="DIR", help="The local lake's folder.")] = DEFAULT_LOCAL,
) -> int:
    """Decode all archived clips of a factory, and find every frame of a journal in them."""
    lake = open_lake(folder)
    path = journal or folder / "cameras.jsonl"
    try:
        sent = list(Journal(path).read())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OptionError("--journal", f"must be a camera's journal, got {path} ({error})") from error
    if not sent:
        raise OptionError("--journal", f"must say what was sent, got {path}, which says nothing")
    bucket = str(output_at(lake.outputs, "buckets", "clips"))
    try:
        result = reconcile(sent, LocalCloud.attach(folder / "cloud").client("s3"), bucket, factory)
    except (ClientError, ParamValidationError) as error:
        raise LakeError("bucket", f"must be the clips bucket, got {bucket!r} ({error})") from error
    print(as_json(result))
    return DONE if result.is_exact else FOUND


def main(arguments: list[str] | None = None) -> int:
    """Reconcile.

    Returns:
        0 when every frame is in exactly one clip, 1 when not, 2 when that could not be found out.
    """
    return run_app(command, "harness.camera", arguments)


if __name__ == "__main__":
    sys.exit(main())
