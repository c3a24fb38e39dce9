"""`factory-lake conformance`: whether AWS behaves as the lake relies on, tried in an account."""

from __future__ import annotations

import json
import math
import re
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from factory_lake.boundary import DONE, FOUND
from factory_lake.clients import Clients
from factory_lake.conformance import report
from factory_lake.conformance.catalog import all_probes, chosen
from factory_lake.conformance.context import Context
from factory_lake.conformance.deletion import Leftover, delete_all, survivors
from factory_lake.conformance.ledger import Ledger, Place
from factory_lake.conformance.policy import documents
from factory_lake.conformance.probe import Probe
from factory_lake.conformance.resources import KINDS, PREFIX
from factory_lake.conformance.run import delete_run, newest_first, run_probes
from factory_lake.errors import OptionError
from factory_lake.lake import Lake, LocalAccess, Outputs, open_lake
from factory_lake.options import FormatOption, Group, number, whole
from factory_lake.output import Table, emit, progress

app = typer.Typer(
    cls=Group,
    add_completion=False,
    help="Try whether AWS behaves as the lake relies on, and leave nothing behind.",
)

_FOLDER = Path("build/conformance")
_THREADS = 16
_POLICY = re.compile(r"arn:[a-z-]+:iam::(?:\d{12}|aws):policy/.+")
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-\d+")

_Region = Annotated[
    str | None, typer.Option("--region", metavar="REGION", help="Where on AWS; a local lake has its own.")
]
_Local = Annotated[
    Path | None, typer.Option("--local", metavar="DIR", help="A local lake's folder: try that instead of AWS.")
]
_Boundary = Annotated[
    str | None,
    typer.Option("--permissions-boundary", metavar="ARN", help="The boundary that every role must have."),
]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
_Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where ledgers and the report go.")]


@app.callback(invoke_without_command=True)
def conformance(
    command: typer.Context,
    *,
    region: _Region = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="Only this probe, or this family; may be repeated."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Delete nothing; `conformance clean` does it later.")] = False,
    yes: _Yes = False,
    most_usd: Annotated[
        float, typer.Option("--most-usd", parser=number(), metavar="USD", help="Begin nothing that may cost more.")
    ] = 2.0,
    threads: Annotated[
        int, typer.Option("--threads", parser=whole(1), metavar="N", help="How many probes at a time.")
    ] = _THREADS,
    boundary: _Boundary = None,
    local: _Local = None,
    out: _Out = _FOLDER,
) -> int | None:
    """Run the probes, write report.md and summary.json, and delete what was made.

    Exit code 1: AWS differs, a probe could not tell, or something is left behind.
    """
    if command.invoked_subcommand is not None:
        return None
    settings = _Settings(keep=keep, yes=yes, most_usd=most_usd, threads=threads, boundary=boundary)
    return _run(chosen(only or ()), region, local, out, settings)


def conformance_on(local: Path, only: Sequence[str], out: Path) -> int:
    """Run probes on a local lake, and return the exit code."""
    return _run(chosen(only), None, local, out, _Settings())


@dataclass(frozen=True)
class _Settings:
    """How a run is made."""

    keep: bool = False
    yes: bool = False
    most_usd: float = math.inf
    threads: int = _THREADS
    boundary: str | None = None


def _run(probes: Sequence[Probe], region: str | None, local: Path | None, out: Path, settings: _Settings) -> int:
    usd, keep, threads = report.estimate(probes), settings.keep, settings.threads
    if usd > settings.most_usd:
        rule = f"is below the estimate of {usd:.2f} USD for these probes"
        raise OptionError("--most-usd", rule, settings.most_usd)
    _check_boundary(settings.boundary)
    access, clients, place, partition = _reach(region, local)
    where = f"the local lake {local}" if access else f"AWS, {place.region}"
    _say(f"{len(probes)} probes on {where}; at most {usd:.2f} USD{' on AWS' if access else ''}, half an hour")
    _say(f"what they make is named {PREFIX}... and is {'kept' if keep else 'deleted at the end'}")
    if access is None:
        _confirm("Begin?", yes=settings.yes)
    ledger = Ledger.begin(out, secrets.token_hex(4), place)
    context = Context(clients, ledger, partition, local=access, connections=threads, boundary=settings.boundary)
    began, began_at = time.monotonic(), datetime.now(UTC)
    left: list[Leftover] = []
    try:
        outcomes = _tried(context, probes, out / "run.log", settings)
    finally:
        if keep:
            _say(f"kept: `{_clean_command(region, local, out)}` deletes it")
        else:
            left = _delete(context, ledger, _clean_command(region, local, out))
    run = report.Run(
        ledger.run, place.region, place.account, access is not None, began_at, time.monotonic() - began, outcomes, left
    )
    page = report.write(run, out)
    _show(run, page)
    return DONE if len(run.of("held")) == len(outcomes) and not left else FOUND


def _tried(context: Context, probes: Sequence[Probe], log: Path, settings: _Settings) -> list[report.Outcome]:
    def tell_stopping() -> None:
        _say("stopping" if settings.keep else "stopping: what was made is being deleted")

    with progress(len(probes), "probes") as show:

        def tell(ended: int, outcome: report.Outcome) -> None:
            show(ended, outcome.probe.name)
            if not sys.stderr.isatty():
                _say(f"{ended}/{len(probes)} {outcome.probe.name}: {outcome.state}")

        return run_probes(context, probes, settings.threads, log, tell, tell_stopping)


@app.command()
def clean(*, region: _Region = None, yes: _Yes = False, local: _Local = None, out: _Out = _FOLDER) -> int:
    """Delete what runs have left that were killed or kept, also runs of other machines.

    It looks into the ledgers and for the kit's names in the region. End runs that are under way first.
    """
    access, clients, place, partition = _reach(region, local)
    ledgers = [ledger for ledger in Ledger.all_in(out) if ledger.place == place]
    context = Context(clients, Ledger(out / "clean", "clean", place), partition, local=access)
    entries = list(dict.fromkeys([*newest_first(ledgers), *survivors(context, KINDS, PREFIX)]))
    if not entries:
        for ledger in ledgers:
            ledger.close()
        print("nothing is left")
        return DONE
    for entry in entries:
        _say(f"{entry.kind} {entry.identifier}")
    if access is None:
        _confirm(f"Delete these {len(entries)}?", yes=yes)
    with progress(len(entries), "deleting") as show:
        left = delete_all(context, entries, ledgers, show)
    known = {one.entry for one in left}
    left += [
        Leftover(entry, "deleted, and still listed")
        for entry in survivors(context, KINDS, PREFIX)
        if entry not in known
    ]
    for ledger in ledgers:
        if not ledger.outstanding():
            ledger.close()
    _tell_left(left)
    print(f"{len(entries) - len(left)} deleted, {len(left)} left")
    return FOUND if left else DONE


@app.command()
def policy(
    region: Annotated[str, typer.Option("--region", metavar="REGION", help="Where the kit is to run.")],
    account: Annotated[str, typer.Option("--account", metavar="ID", help="The account. Default: any.")] = "*",
    partition: Annotated[
        str, typer.Option("--partition", metavar="PARTITION", help="The region's partition.")
    ] = "aws",
    *,
    boundary: _Boundary = None,
) -> None:
    """Print the IAM policies of who runs the kit: what it does, on resources of its own names, and no more."""
    _check_boundary(boundary)
    for document in documents(partition, _checked(region), account, boundary):
        print(json.dumps(document, indent=2))


@app.command("list")
def list_probes(form: FormatOption = "table") -> None:
    """List the probes: what each tries, and what it costs."""
    every = all_probes()
    table = Table(
        ("probe", "belief", "USD"),
        [(probe.name, probe.belief, f"{probe.usd:.4f}") for probe in every],
        prose=frozenset({"belief"}),
        right=frozenset({"USD"}),
    )
    document = [
        {
            "probe": probe.name,
            "belief": probe.belief,
            "relied_on": list(probe.relied_on),
            "source": probe.source,
            "usd": probe.usd,
        }
        for probe in every
    ]
    emit(form, table, document=document, notes=[f"{len(every)} probes, {report.estimate(every):.2f} USD at most"])


def _reach(region: str | None, local: Path | None) -> tuple[LocalAccess | None, Clients, Place, str]:
    """How the place is reached, and the account's number and partition there."""
    if local is not None:
        lake = open_lake(local)
        if lake.local is None:
            raise OptionError("--local", "must be a local lake's folder", str(local))
        if region not in (None, lake.local.region):
            raise OptionError("--region", f"must be the local lake's, {lake.local.region}, or be left out", region)
        clients, where, endpoint = Clients(lake), lake.local.region, lake.local.endpoint
    else:
        if region is None:
            raise OptionError("--region", "must be given for AWS; --local names a local lake")
        _checked(region)
        lake = Lake("AWS", Outputs({}, "AWS"))
        clients, where, endpoint = Clients(lake, region=region), region, ""
    caller = clients.client("sts").get_caller_identity()
    return lake.local, clients, Place(where, caller["Account"], endpoint), caller["Arn"].split(":")[1]


def _check_boundary(boundary: str | None) -> None:
    if boundary is not None and not _POLICY.fullmatch(boundary):
        raise OptionError("--permissions-boundary", "must be the ARN of a policy", boundary)


def _checked(region: str) -> str:
    if not _REGION.fullmatch(region):
        raise OptionError("--region", "must be a region like eu-central-1", region)
    return region


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise OptionError("--yes", "must be given where nobody can be asked (standard input is no terminal)")
    typer.confirm(question, abort=True, err=True)


def _delete(context: Context, ledger: Ledger, command: str) -> list[Leftover]:
    with _told_how_to_clean(command), progress(len(ledger.outstanding()), "deleting") as show:
        left = delete_run(context, ledger, show)
    _tell_left(left)
    _say(f"deleted, {len(left)} resources left" + (f": `{command}` tries again" if left else ""))
    return left


@contextmanager
def _told_how_to_clean(command: str) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _say(f"not everything is deleted: `{command}` does the rest")
        raise


def _clean_command(region: str | None, local: Path | None, out: Path) -> str:
    where = f"--local {local}" if local else f"--region {region}"
    return f"factory-lake conformance clean {where}" + ("" if out == _FOLDER else f" --out {out}")


def _tell_left(left: list[Leftover]) -> None:
    for one in left:
        _say(f"left: {one.entry.kind} {one.entry.identifier} ({one.why})")


def _show(run: report.Run, page: Path) -> None:
    counts: dict[str, Any] = report.summary(run)
    others = [outcome for state in ("differs", "could not tell") for outcome in run.of(state)]
    table = Table(
        ("probe", "outcome", "seen"),
        [(each.probe.name, each.state, report.masked(" ".join(each.seen.split()), run.account)) for each in others],
        prose=frozenset({"seen"}),
    )
    if others:
        emit("table", table)
    print(
        f"{counts['probes']} probes: {counts['held']} held, {counts['differ']} differ, "
        f"{counts['could_not_tell']} could not tell; {counts['leftovers']} resources left"
    )
    print(f"report: {page}")


def _say(text: str) -> None:
    print(text, file=sys.stderr)
