"""Account for every frame that cameras filmed: ``python -m harness.camera --help``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from botocore.exceptions import ClientError, ParamValidationError

from factory_lake.boundary import DONE, FOUND, run_command
from factory_lake.errors import LakeError, OptionError
from factory_lake.lake import DEFAULT_LOCAL, open_lake, output_at
from harness.camera.journal import Journal
from harness.camera.reconciliation import as_json, reconcile
from localcloud import LocalCloud, StartError


def main(arguments: list[str] | None = None) -> int:
    """Decode all archived clips of a factory and account for every frame in a journal.

    Returns:
        0 when every frame is in exactly one clip, 1 when not, 2 when that could not be found out.
    """
    parser = argparse.ArgumentParser(prog="python -m harness.camera", description=__doc__)
    parser.add_argument("--lake", type=Path, default=DEFAULT_LOCAL, help="the local lake's folder")
    parser.add_argument("--factory", required=True, help="factory ID")
    parser.add_argument("--journal", type=Path, help="default: cameras.jsonl in the lake's folder")
    options = parser.parse_args(arguments)
    return run_command(lambda: _account(options), StartError)


def _account(options: argparse.Namespace) -> int:
    lake = open_lake(options.lake)
    path = options.journal or options.lake / "cameras.jsonl"
    try:
        journal = list(Journal(path).read())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OptionError("--journal", f"must be a camera's journal, got {path} ({error})") from error
    if not journal:
        raise OptionError("--journal", f"must say what was sent, got {path}, which says nothing")
    bucket = str(output_at(lake.outputs, "buckets", "clips"))
    try:
        result = reconcile(
            journal, LocalCloud.attach(options.lake / "cloud").client("s3"), bucket, options.factory
        )
    except (ClientError, ParamValidationError) as error:
        raise LakeError("bucket", f"must be the clips bucket, got {bucket!r} ({error})") from error
    print(as_json(result))
    return DONE if result.is_exact else FOUND


if __name__ == "__main__":
    sys.exit(main())
