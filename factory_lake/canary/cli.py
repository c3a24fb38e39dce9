"""`factory-lake canary`."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

import typer

from factory_lake.boundary import DONE, FOUND
from factory_lake.canary.marks import ID
from factory_lake.canary.model import Report, Step
from factory_lake.canary.steps import STEPS, Canary, Plan, Told, connections_of
from factory_lake.clients import Clients
from factory_lake.errors import OptionError
from factory_lake.lake import Lake, cameras_of, mapping_at, open_lake
from factory_lake.options import FormatOption, KeyDirOption, LakeOption, ReportOption, folder, number, write_report
from factory_lake.output import Format, Table, emit, progress

app = typer.Typer(add_completion=False)

_COLUMNS = ("step", "result", "seconds", "detail", "where")


@app.command("canary")
def command(
    *,
    lake: LakeOption = None,
    factory: Annotated[
        str | None, typer.Option("--factory", metavar="ID", help=f"The factory to try. Default: {ID}.")
    ] = None,
    gateway: Annotated[
        str | None,
        typer.Option(
            "--gateway",
            metavar="ID",
            help=f"As which gateway to send, one that is not connected. Default: {ID}, or {ID}'s only one.",
        ),
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option(
            "--camera",
            metavar="ID",
            help=f"As which camera to film, one that does not film. Default: {ID}, where there is one.",
        ),
    ] = None,
    key_dir: KeyDirOption = None,
    wait: Annotated[
        float | None,
        typer.Option(
            "--wait",
            parser=number(above=True),
            metavar="SECONDS",
            help="How long each step waits at most. Default: what the lake's buffers and schedules take.",
        ),
    ] = None,
    report: ReportOption = None,
    form: FormatOption = "table",
) -> int:
    """Show that a lake works: send marked messages and footage, and look for them as users do; 1 when one is missing.

    It connects as a gateway, which ends that gateway's own connection: give the canary one of its own.
    """
    opened = open_lake(lake)
    plan = _plan(opened, factory, gateway, camera, wait)
    connections = connections_of(opened, plan, folder("--key-dir", key_dir, opened.key_dir))
    clients = Clients(opened)
    clients.client("sts").get_caller_identity()  # who has no access to AWS would send and then look in vain
    with _shown() as told:
        found = Canary(opened, clients, connections, plan, told).run()
    _print(form, found)
    write_report(report, found.to_json())
    return FOUND if found.failed else DONE


def _plan(lake: Lake, factory: str | None, gateway: str | None, camera: str | None, wait: float | None) -> Plan:
    """What is to be done, of options and the lake.

    Raises:
        OptionError: When an option is missing, or names what the lake does not have.
    """
    factories = mapping_at(lake.outputs, "gateways")
    known = ", ".join(sorted(factories)) or "none"
    if factory is None and ID not in factories:
        raise OptionError("--factory", f"must be given, since the lake has no factory {ID}; it has {known}")
    wanted = factory or ID
    if wanted not in factories:
        raise OptionError("--factory", f"must be one of {known}", factory)
    gateways = sorted(factories[wanted])
    if gateway is None:
        own = gateways if wanted == ID and len(gateways) == 1 else [one for one in gateways if one == ID]
        if not own:
            rule = f"must be given, since {wanted} has no gateway {ID}; it has {', '.join(gateways) or 'none'}"
            raise OptionError("--gateway", rule)
        gateway = own[0]
    elif gateway not in gateways:
        raise OptionError("--gateway", f"must be one of {', '.join(gateways) or 'none'}", gateway)
    cameras = [name.partition("/")[2] for name in cameras_of(lake.outputs) if name.partition("/")[0] == wanted]
    if camera is not None and camera not in cameras:
        raise OptionError("--camera", f"must be one of {', '.join(cameras) or 'none'}", camera)
    filming = camera or (ID if ID in cameras else None)
    without = f"{wanted} has no cameras" if not cameras else f"no --camera is given, and {wanted} has no camera {ID}"
    return Plan(wanted, gateway, filming, without, wait)


def _print(form: Format, found: Report) -> None:
    rows = [(step.name, step.result, step.seconds, step.detail, step.where) for step in found.steps]
    if form != "table":
        emit(form, Table(_COLUMNS, rows), document=found.to_json())
        return
    places = [(step.name, step.where) for step in found.steps if step.where]
    shown = Table(_COLUMNS[:-1], [row[:-1] for row in rows], frozenset({"detail"}))
    emit(form, shown, more=[Table(("step", "where"), places, title="\n")], notes=["", _summary(found)])


def _summary(report: Report) -> str:
    whom = f"{report.factory}/{report.gateway}"
    if report.failed:
        return f"failed for {whom}: {', '.join(report.failed)}"
    skipped = [step.name for step in report.steps if step.result == "skipped"]
    return f"everything arrived for {whom}" + (f"; not tried: {', '.join(skipped)}" if skipped else "")


@contextmanager
def _shown() -> Iterator[Told]:
    """Show what is done and waited for: a bar on a terminal, a line each elsewhere."""
    with progress(len(STEPS), "canary") as update:
        ended: dict[str, Step] = {}

        def tell(what: Step | str) -> None:
            if isinstance(what, Step):
                ended[what.name] = what
                what = " ".join(
                    [f"{what.name}: {what.result} after {what.seconds:.1f} s, {what.detail}", what.where]
                ).strip()
            if not sys.stderr.isatty():
                print(what, file=sys.stderr, flush=True)
            update(len(ended), _waiting(ended))

        yield tell


def _waiting(ended: Mapping[str, Step]) -> str:
    failed = sum(step.result == "failed" for step in ended.values())
    left = [name for name in STEPS if name not in ended]
    return ("waits for " + ", ".join(left) if left else "done") + (f"; {failed} failed" if failed else "")
