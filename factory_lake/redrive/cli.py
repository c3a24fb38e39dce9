"""The command line of the redrive."""

import argparse
import json
import sys
import time
import uuid
from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from factory_lake.gateway.connections import output_value, read_outputs
from factory_lake.gateway.errors import GatewayError
from factory_lake.gateway.identities import LANES, check_id
from factory_lake.reconcile.stored import StoredError
from factory_lake.redrive.errors import RedriveError
from factory_lake.redrive.findings import Findings
from factory_lake.redrive.lake import Clients, LaneNames, Settings, lanes, parts_of, prediction_of
from factory_lake.redrive.lines import KINDS, list_objects, read_lines
from factory_lake.redrive.objects import AT_ONCE, ObjectRedrive, Options
from factory_lake.redrive.permissions import policy
from factory_lake.redrive.prediction import is_deployed
from factory_lake.redrive.skipped import RangeRedrive

# A call whose answer does not come is given up within 25 s, well before another run may take its batch over.
_SENDING: dict[str, Any] = {"connect_timeout": 5, "read_timeout": 20}
_WIDTH = 150
_DONE, _PROBLEMS, _FAILED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 when everything was done; 1 when some objects could not be read or are worked on by another run; 2
        when the run could not begin or had to end.
    """
    parser = command_line()
    given = parser.parse_args(arguments)
    try:
        result: int = given.run(given)
    except (GatewayError, RedriveError, StoredError, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    return result


def _errors(given: argparse.Namespace) -> int:
    clients, settings, findings = _clients(given.local), _settings(given), Findings()
    options = Options(
        apply=given.apply,
        kinds=frozenset(given.type),
        from_day=given.from_day,
        to_day=given.to_day,
        limit=given.limit,
        gateway=given.gateway,
    )
    run = str(uuid.uuid4())
    try:
        for names in _lanes(given):
            _warn_of_other_code(clients, names, wanted=settings.predict)
            objects = list_objects(clients.s3, names.bucket, names.factory, names.lane)
            redrive = ObjectRedrive(parts_of(names, clients, settings), options, findings, run)
            redrive.redrive(objects, partial(read_lines, clients.s3))
    finally:
        # Also when the run had to end: what was put back so far was put back.
        _report(given, findings)
    return _PROBLEMS if findings.problems else _DONE


def _stream(given: argparse.Namespace) -> int:
    clients, settings, findings = _clients(given.local), _settings(given), Findings()
    from_ms, to_ms = given.since, given.until
    settled_ms = round((time.time() - given.settled_seconds) * 1000)
    if not from_ms < to_ms <= settled_ms:
        raise RedriveError(
            f"--from must be before --to, and --to at least {given.settled_seconds} s ago "
            "(--settled-seconds): what waits in the delivery stream's buffer would be put back as well"
        )
    (names,) = lanes(_outputs(given), [given.factory], given.lane)
    _warn_of_other_code(clients, names, wanted=True)
    redrive = RangeRedrive(
        clients.s3,
        parts_of(names, clients, settings),
        prediction_of(names, clients, settings),
        Options(apply=given.apply, limit=given.limit, gateway=given.gateway),
        findings,
    )
    try:
        redrive.redrive(from_ms, to_ms)
    finally:
        _report(given, findings)
    return _DONE


def _policy(given: argparse.Namespace) -> int:
    outputs = _outputs(given)
    wanted = list(_lanes(given))
    roles = output_value(outputs, "roles")
    _, partition, _, _, account, _ = roles[wanted[0].factory][wanted[0].lane]["rule"].split(":", 5)
    region = given.region or boto3.Session().region_name
    if region is None:
        raise RedriveError("--region must be given where no AWS region is configured")
    keys = (given.stream_key, given.bucket_key)
    document = policy(wanted, partition, region, account, *keys, tables=given.with_stream)
    print(json.dumps(document, indent=2))
    return _DONE


def _outputs(given: argparse.Namespace) -> dict[str, Any]:
    return read_outputs(given.outputs)


def _lanes(given: argparse.Namespace) -> Sequence[LaneNames]:
    return list(lanes(_outputs(given), given.factory, given.lane))


def _clients(local: Path | None) -> Clients:
    if local is None:
        many = Config(max_pool_connections=AT_ONCE)
        once = Config(max_pool_connections=AT_ONCE, retries={"total_max_attempts": 1}, **_SENDING)
        return Clients(
            boto3.client("s3", config=many),
            boto3.client("kinesis", config=many),
            boto3.client("kinesis", config=once),
            boto3.client("logs"),
            boto3.client("lambda"),
        )
    # Only here: a redrive on AWS needs nothing of the local cloud.
    from localcloud import LocalCloud, StartError

    try:
        cloud = LocalCloud.attach(local)
    except StartError as error:
        raise RedriveError(str(error)) from error
    return Clients(
        cloud.client("s3"),
        cloud.client("kinesis"),
        cloud.client("kinesis", attempts=1),
        cloud.client("logs"),
        cloud.client("lambda"),
    )


def _settings(given: argparse.Namespace) -> Settings:
    return Settings(
        rate=given.max_rate,
        predict=bool(given.setting) or getattr(given, "only_accepted", False),
        overrides=dict(given.setting),
    )


def _warn_of_other_code(clients: Clients, names: LaneNames, *, wanted: bool) -> None:
    if wanted and is_deployed(clients.functions, names.function) is not True:
        print(
            f"warning: {names.function} does not run the code of build/packages/transform.zip, so what is "
            "said of it here may differ; check out what was deployed and run `make package`",
            file=sys.stderr,
        )


def _report(given: argparse.Namespace, findings: Findings) -> None:
    # A log or a pipe has no width; the longest error type, rule and outcome fit on this one.
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    findings.show(console, applied=given.apply)
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(findings.to_json(), indent=2) + "\n", encoding="utf-8")


def command_line() -> argparse.ArgumentParser:
    """The arguments that the command takes."""
    parser = argparse.ArgumentParser(
        prog="python -m factory_lake.redrive",
        description="Put messages back on their lane's data stream, each once.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    errors = commands.add_parser("errors", help="what lies under errors/")
    _add_place(errors)
    _add_manner(errors)
    _add_lanes(errors)
    errors.add_argument(
        "--type",
        action="append",
        default=[],
        metavar="TYPE",
        help=f"error type: {', '.join(KINDS)}, or another (default: all)",
    )
    errors.add_argument(
        "--from-day", type=_date, default=date.min, metavar="YYYY-MM-DD", help="first day (UTC)"
    )
    errors.add_argument("--to-day", type=_date, default=date.max, metavar="YYYY-MM-DD", help="last day (UTC)")
    errors.add_argument(
        "--only-accepted",
        action="store_true",
        help="hold back what the transform would refuse again, with the function's settings",
    )
    errors.set_defaults(run=_errors)

    stream = commands.add_parser("stream", help="what a delivery stream skipped of a data stream")
    _add_place(stream)
    _add_manner(stream)
    stream.add_argument("--factory", required=True, metavar="ID")
    stream.add_argument("--lane", choices=LANES, required=True)
    stream.add_argument(
        "--from", dest="since", type=_time, required=True, metavar="TIME", help="first moment"
    )
    stream.add_argument(
        "--to", dest="until", type=_time, required=True, metavar="TIME", help="first moment behind the range"
    )
    stream.add_argument(
        "--settled-seconds",
        type=int,
        default=1800,
        metavar="SECONDS",
        help="by when a delivery stream has delivered what it read (default: %(default)s)",
    )
    stream.set_defaults(run=_stream)

    permissions = commands.add_parser("policy", help="print the IAM policy that a redrive needs")
    permissions.add_argument("--outputs", type=Path, required=True, metavar="FILE")
    _add_lanes(permissions)
    permissions.add_argument("--region", metavar="REGION")
    permissions.add_argument(
        "--with-stream", action="store_true", help="with what the command stream reads: the tables' objects"
    )
    for store in ("stream", "bucket"):
        permissions.add_argument(
            f"--{store}-key",
            action="append",
            default=[],
            metavar="ARN",
            help=f"customer managed key of the {store}s",
        )
    permissions.set_defaults(run=_policy)
    return parser


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--outputs", type=Path, required=True, metavar="FILE", help="what `terraform output -json` printed"
    )
    parser.add_argument(
        "--local", type=Path, metavar="DIR", help="the working folder of a running local cloud"
    )


def _add_lanes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--factory", action="append", default=[], metavar="ID", help="only this one (may be repeated)"
    )
    parser.add_argument("--lane", choices=LANES, help="only this one")


def _add_manner(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--apply", action="store_true", help="do it; without it, only tell what would be done"
    )
    parser.add_argument("--limit", type=_positive, metavar="N", help="put back at most so many messages")
    parser.add_argument(
        "--max-rate",
        type=_positive,
        default=500,
        metavar="N",
        help="messages a second on one data stream (default: %(default)s; a shard takes 1,000 in all)",
    )
    parser.add_argument(
        "--gateway",
        type=_gateway,
        metavar="ID",
        help="whose messages are that nothing else tells the gateway of",
    )
    parser.add_argument(
        "--setting",
        type=_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a variable of the transform's in the place of the function's own; implies --only-accepted",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the counts there")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"must be YYYY-MM-DD, got {text!r}") from error


def _time(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"must be a time like 2026-03-09T07:05:00Z, got {text!r}")
    return round(moment.timestamp() * 1000)


def _positive(text: str) -> int:
    if not text.isdecimal() or not (number := int(text)):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, got {text!r}")
    return number


def _gateway(text: str) -> str:
    try:
        return check_id("gateway", text)
    except GatewayError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, got {text!r}")
    return name, value
