"""The command line of the account."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from factory_lake.gateway.connections import read_outputs
from factory_lake.gateway.errors import GatewayError
from factory_lake.gateway.identities import LANES, Lane
from factory_lake.reconcile.edge import Buckets, Lake, take_account
from factory_lake.reconcile.expectation import BlankStrings, Rules
from factory_lake.reconcile.stored import StoredError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def main(arguments: Sequence[str] | None = None) -> int:
    """Take the account of a lake and print it.

    Returns:
        0 when every message is where it should be, once; 1 when not; 2 when the account could not be taken.
    """
    given = command_line().parse_args(arguments)
    console = Console()
    try:
        lake = Lake(_s3(given.local), Buckets.from_outputs(read_outputs(given.outputs)))
        account = take_account(lake, given.journal_dir, _rules(given), given.wait)
    except (GatewayError, StoredError, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    account.show(console)
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(account.to_json(), indent=2) + "\n", encoding="utf-8")
    return 0 if account.is_clean else 1


def _s3(local: Path | None) -> "S3Client":
    if local is None:
        return boto3.client("s3")
    # Only here: an account of a lake on AWS needs nothing of the local cloud.
    from localcloud import LocalCloud, StartError

    try:
        client: S3Client = LocalCloud.attach(local).client("s3")
    except StartError as error:
        raise GatewayError(str(error)) from error
    return client


def _rules(given: argparse.Namespace) -> Rules:
    blanks: dict[Lane, BlankStrings] = dict.fromkeys(LANES, "reject")
    blanks["measurements"] = given.blank_measurements
    blanks["configuration"] = given.blank_configuration
    return Rules(given.past_days, given.future_days, blanks)


def command_line() -> argparse.ArgumentParser:
    """The arguments that the command takes."""
    parser = argparse.ArgumentParser(
        prog="python -m factory_lake.reconcile",
        description="Find every message of the gateways' journals in the lake.",
    )
    parser.add_argument(
        "--outputs", type=Path, required=True, metavar="FILE", help="what `terraform output -json` printed"
    )
    parser.add_argument(
        "--journal-dir", type=Path, required=True, metavar="DIR", help="where the journals are"
    )
    parser.add_argument(
        "--local", type=Path, metavar="DIR", help="the working folder of a running local cloud"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the whole account there")
    parser.add_argument(
        "--wait",
        type=float,
        default=0,
        metavar="SECONDS",
        help="look again for so long while messages are missing",
    )
    settings = parser.add_argument_group(
        "settings of the transform functions, where they are not the defaults"
    )
    settings.add_argument("--past-days", type=int, default=Rules.past_days, metavar="N")
    settings.add_argument("--future-days", type=int, default=Rules.future_days, metavar="N")
    for lane in LANES:
        settings.add_argument(f"--blank-{lane}", choices=get_args(BlankStrings), default="reject")
    return parser
