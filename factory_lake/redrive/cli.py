"""`factory-lake redrive errors|stream|policy`."""

import json
import sys
import time
import uuid
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from factory_lake.boundary import DONE, FOUND
from factory_lake.clients import Clients
from factory_lake.errors import FactoryLakeError, LakeError, OptionError
from factory_lake.gateway.identities import Lane, check_id
from factory_lake.lake import Lake, open_lake, owner_of
from factory_lake.options import (
    FactoriesOption,
    FormatOption,
    Group,
    LakeOption,
    LaneOption,
    ReportOption,
    parse_moment_ms,
    whole,
    write_report,
)
from factory_lake.output import Format, emit
from factory_lake.redrive.findings import Findings
from factory_lake.redrive.lake import LaneClients, LaneNames, Settings, lanes, parts_of, prediction_of
from factory_lake.redrive.lines import KINDS, list_objects, read_lines
from factory_lake.redrive.objects import AT_ONCE, ObjectRedrive, Options
from factory_lake.redrive.permissions import policy
from factory_lake.redrive.prediction import is_deployed
from factory_lake.redrive.skipped import RangeRedrive

app = typer.Typer(cls=Group, add_completion=False, help="Redrive messages onto their lane's data stream, each once.")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"must be YYYY-MM-DD, got {text!r}") from error


def _gateway(text: str) -> str:
    try:
        return check_id("gateway", text)
    except FactoryLakeError as error:
        raise typer.BadParameter(str(error)) from error


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise typer.BadParameter(f"must be NAME=VALUE, got {text!r}")
    return name, value


_Apply = Annotated[bool, typer.Option("--apply", help="Do it; without it, only say what would be done.")]
_Limit = Annotated[
    int | None, typer.Option("--limit", parser=whole(1), metavar="N", help="Redrive at most so many messages.")
]
_MaxRate = Annotated[
    int,
    typer.Option(
        "--max-rate",
        parser=whole(1),
        metavar="N",
        help="Messages a second on one data stream, a larger one counted by the KiB; a shard takes 1,000 in all.",
    ),
]
_Gateway = Annotated[
    str | None,
    typer.Option(
        "--gateway", parser=_gateway, metavar="ID", help="The gateway of messages of which nothing else names it."
    ),
]
_Overrides = Annotated[
    list[Any] | None,
    typer.Option(
        "--setting",
        parser=_setting,
        metavar="NAME=VALUE",
        help="A variable in the place of the function's own; implies --only-accepted; may be repeated.",
    ),
]


@app.command()
def errors(
    *,
    lake: LakeOption = None,
    factories: FactoriesOption = None,
    lane: LaneOption = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="TYPE", help=f"Error type: {', '.join(KINDS)}, or another; may be repeated."),
    ] = None,
    from_day: Annotated[
        Any, typer.Option("--from-day", parser=_day, metavar="YYYY-MM-DD", help="First day (UTC).")
    ] = None,
    to_day: Annotated[Any, typer.Option("--to-day", parser=_day, metavar="YYYY-MM-DD", help="Last day (UTC).")] = None,
    only_accepted: Annotated[
        bool,
        typer.Option(
            "--only-accepted", help="Hold back what the transform would refuse again, with the function's settings."
        ),
    ] = False,
    apply: _Apply = False,
    limit: _Limit = None,
    max_rate: _MaxRate = 500,
    gateway: _Gateway = None,
    overrides: _Overrides = None,
    report: ReportOption = None,
    form: FormatOption = "table",
) -> int:
    """Redrive what lies under errors/; 1 when objects cannot be read or another run works on them."""
    opened, findings = open_lake(lake), Findings()
    wanted = list(lanes(opened.outputs, factories or (), lane))
    clients = _clients(opened)
    settings = Settings(max_rate, bool(overrides) or only_accepted, dict(overrides or ()))
    options = Options(
        apply=apply,
        kinds=frozenset(kinds or ()),
        from_day=from_day or date.min,
        to_day=to_day or date.max,
        limit=limit,
        gateway=gateway,
    )
    run = str(uuid.uuid4())
    try:
        for names in wanted:
            _warn_of_other_code(clients, names, wanted=settings.predict)
            objects = list_objects(clients.s3, names.bucket, names.factory, names.lane)
            redrive = ObjectRedrive(parts_of(names, clients, settings), options, findings, run)
            redrive.redrive(objects, partial(read_lines, clients.s3))
    finally:
        # Also when the run had to end: it says what was done so far.
        _tell(form, findings, report, applied=apply)
    return FOUND if findings.problems else DONE


@app.command()
def stream(
    *,
    lake: LakeOption = None,
    factory: Annotated[str, typer.Option("--factory", metavar="ID", help="The factory.")],
    lane: Annotated[Lane, typer.Option("--lane", help="The lane.")],
    from_ms: Annotated[Any, typer.Option("--from", parser=parse_moment_ms, metavar="TIME", help="First moment.")],
    to_ms: Annotated[
        Any, typer.Option("--to", parser=parse_moment_ms, metavar="TIME", help="First moment behind the range.")
    ],
    settled_seconds: Annotated[
        int,
        typer.Option(
            "--settled-seconds",
            parser=whole(0),
            metavar="SECONDS",
            help="By when a delivery stream has delivered what it read.",
        ),
    ] = 1800,
    apply: _Apply = False,
    limit: _Limit = None,
    max_rate: _MaxRate = 500,
    gateway: _Gateway = None,
    overrides: _Overrides = None,
    report: ReportOption = None,
    form: FormatOption = "table",
) -> int:
    """Redrive what a delivery stream skipped of a data stream."""
    settled_ms = round((time.time() - settled_seconds) * 1000)
    if not from_ms < to_ms <= settled_ms:
        raise OptionError(
            "--from, --to",
            f"--from must be before --to, and --to at least {settled_seconds} s ago "
            "(--settled-seconds): what waits in the delivery stream's buffer would be redriven as well",
        )
    opened, findings = open_lake(lake), Findings()
    (names,) = lanes(opened.outputs, [factory], lane)
    clients, settings = _clients(opened), Settings(max_rate, bool(overrides), dict(overrides or ()))
    _warn_of_other_code(clients, names, wanted=True)
    redrive = RangeRedrive(
        clients.s3,
        parts_of(names, clients, settings),
        prediction_of(names, clients, settings),
        Options(apply=apply, limit=limit, gateway=gateway),
        findings,
    )
    try:
        redrive.redrive(from_ms, to_ms)
    finally:
        _tell(form, findings, report, applied=apply)
    return DONE


@app.command("policy")
def show_policy(
    *,
    lake: LakeOption = None,
    factories: FactoriesOption = None,
    lane: LaneOption = None,
    region: Annotated[
        str | None, typer.Option("--region", metavar="REGION", help="Where the lake is. Default: the region in use.")
    ] = None,
    with_stream: Annotated[
        bool, typer.Option("--with-stream", help="With what `redrive stream` reads: the tables' objects.")
    ] = False,
    stream_keys: Annotated[
        list[str] | None, typer.Option("--stream-key", metavar="ARN", help="Customer managed key of the streams.")
    ] = None,
    bucket_keys: Annotated[
        list[str] | None, typer.Option("--bucket-key", metavar="ARN", help="Customer managed key of the buckets.")
    ] = None,
    function_keys: Annotated[
        list[str] | None, typer.Option("--function-key", metavar="ARN", help="Customer managed key of the functions.")
    ] = None,
) -> None:
    """Print the IAM policy that a redrive needs."""
    opened = open_lake(lake)
    wanted = list(lanes(opened.outputs, factories or (), lane))
    if not wanted:
        raise LakeError(opened.place, "must have a factory, since the policy is for factories' lanes")
    partition, account = owner_of(opened.outputs, wanted[0].factory, wanted[0].lane)
    where = region or Clients(opened).region
    if where is None:
        raise OptionError("--region", "must be given where no AWS region is set")
    keys = (stream_keys or (), bucket_keys or (), function_keys or ())
    print(json.dumps(policy(wanted, partition, where, account, *keys, tables=with_stream), indent=2))


def _clients(lake: Lake) -> LaneClients:
    clients = Clients(lake)
    return LaneClients(
        clients.client("s3", connections=AT_ONCE),
        clients.client("kinesis", connections=AT_ONCE),
        clients.client("kinesis", connections=AT_ONCE, attempts=1),
        clients.client("logs"),
        clients.client("lambda"),
    )


def _warn_of_other_code(clients: LaneClients, names: LaneNames, *, wanted: bool) -> None:
    if wanted and is_deployed(clients.functions, names.function) is not True:
        print(
            f"warning: {names.function} does not run the code of build/packages/transform.zip, so what is "
            "said of it here may differ; check out what was deployed and run `make package`",
            file=sys.stderr,
        )


def _tell(form: Format, findings: Findings, report: Path | None, *, applied: bool) -> None:
    emit(form, findings.table(), document=findings.to_json(), notes=findings.notes(applied=applied))
    write_report(report, findings.to_json())
