"""`factory-lake config show|diff|history`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer

from factory_lake.canary.marks import without_canary
from factory_lake.clients import Clients
from factory_lake.config.documents import Difference, differences
from factory_lake.config.stored import AT_ONCE, SEARCH_DAYS, StoredMessages, day_of
from factory_lake.config.timeline import Interval, Message, in_force, intervals
from factory_lake.errors import OptionError
from factory_lake.lake import mapping_at, open_lake, output_at
from factory_lake.options import FactoriesOption, FormatOption, Group, LakeOption, or_now_ms, parse_moment_ms, whole
from factory_lake.output import Table, emit
from factory_lake.reconcile.lossless_json import NotTakenError, Object
from factory_lake.reconcile.stored import StoredError

app = typer.Typer(cls=Group, add_completion=False, help="Tell which configuration was in force when.")

_HISTORY = timedelta(days=31)
_EVER = date.min

_GatewaysOption = Annotated[
    list[str] | None, typer.Option("--gateway", metavar="ID", help="Only this gateway; may be repeated.")
]
_DaysOption = Annotated[
    int | None,
    typer.Option(
        "--days",
        parser=whole(0),
        metavar="N",
        help=f"How many days back to search. Default: {SEARCH_DAYS}; with --merge, all.",
    ),
]
_MergeOption = Annotated[
    bool,
    typer.Option("--merge", help="Read messages as merge patches (RFC 7396), each a change of those before it."),
]


@app.command()
def show(
    *,
    at: Annotated[
        Any,
        typer.Option("--at", parser=parse_moment_ms, metavar="TIME", help="The moment. Default: now."),
    ] = None,
    factories: FactoriesOption = None,
    gateways: _GatewaysOption = None,
    days: _DaysOption = None,
    merge: _MergeOption = False,
    lake: LakeOption = None,
    form: FormatOption = "table",
) -> None:
    """Show the configuration of each gateway at a moment."""
    scope = _scope(lake, factories, gateways, days, merged=merge)
    at_ms = or_now_ms(at)
    found = scope.in_force(at_ms)
    rows = [(one.factory, one.gateway, _time(one.from_ms), one.text) for one in found]
    emit(
        form,
        Table(("factory", "gateway", "received_at", "message"), rows),
        notes=[*scope.notes(found, at_ms), f"{len(rows)} configurations at {_time(at_ms)} UTC"],
    )


@app.command()
def diff(
    *,
    from_ms: Annotated[Any, typer.Option("--from", parser=parse_moment_ms, metavar="TIME", help="The first moment.")],
    to_ms: Annotated[
        Any, typer.Option("--to", parser=parse_moment_ms, metavar="TIME", help="The other moment. Default: now.")
    ] = None,
    factories: FactoriesOption = None,
    gateways: _GatewaysOption = None,
    days: _DaysOption = None,
    merge: _MergeOption = False,
    lake: LakeOption = None,
    form: FormatOption = "table",
) -> None:
    """Show what differs between the configurations at two moments: paths, old and new values."""
    scope = _scope(lake, factories, gateways, days, merged=merge)
    to_ms = or_now_ms(to_ms)
    _check_range(from_ms, to_ms)
    before, after = ({_sender(one): one for one in scope.in_force(moment)} for moment in (from_ms, to_ms))
    rows = [
        (factory, gateway or None, each.kind, each.path, each.old, each.new)
        for factory, gateway in sorted({*before, *after})
        for each in _between(before.get((factory, gateway)), after.get((factory, gateway)))
    ]
    emit(
        form,
        Table(("factory", "gateway", "change", "path", "old", "new"), rows),
        notes=[
            *scope.notes(list(after.values()), to_ms),
            f"{len(rows)} differences between {_time(from_ms)} and {_time(to_ms)} UTC",
        ],
    )


@app.command()
def history(
    *,
    from_ms: Annotated[
        Any,
        typer.Option(
            "--from",
            parser=parse_moment_ms,
            metavar="TIME",
            help=f"First moment. Default: {_HISTORY.days} days before the last one.",
        ),
    ] = None,
    to_ms: Annotated[
        Any,
        typer.Option(
            "--to", parser=parse_moment_ms, metavar="TIME", help="First moment behind the range. Default: now."
        ),
    ] = None,
    factories: FactoriesOption = None,
    gateways: _GatewaysOption = None,
    days: _DaysOption = None,
    merge: _MergeOption = False,
    lake: LakeOption = None,
    form: FormatOption = "table",
) -> None:
    """List the configurations that were in force in a range of time, and how many keys each one changed."""
    scope = _scope(lake, factories, gateways, days, merged=merge)
    end_ms = or_now_ms(to_ms)
    begin_ms = end_ms - _HISTORY // timedelta(milliseconds=1) if from_ms is None else from_ms
    _check_range(begin_ms, end_ms)
    timeline = scope.timeline(begin_ms, end_ms)
    befores = {(_sender(after), after.from_ms, after.text): before for before, after in _pairs(timeline)}
    rows = []
    for one in timeline:
        if one.until_ms is not None and one.until_ms <= begin_ms:
            continue
        before = befores.get((_sender(one), one.from_ms, one.text))
        kinds = [each.kind for each in _between(before, one)] if before else []
        counts = [kinds.count(kind) if before else None for kind in ("added", "removed", "changed")]
        until = None if one.until_ms is None else _time(one.until_ms)
        rows.append((one.factory, one.gateway, _time(one.from_ms), until, *counts, one.text))
    columns = ("factory", "gateway", "valid_from", "valid_until", "added", "removed", "changed", "message")
    emit(
        form,
        Table(columns, rows),
        notes=[f"{len(rows)} configurations between {_time(begin_ms)} and {_time(end_ms)} UTC"],
    )


@dataclass
class _Scope:
    """Whose configuration a command asks for, and how far back it looks."""

    stored: StoredMessages
    #: The gateways of each factory that the search goes on for; none where the lake does not say which there are.
    wanted: Mapping[str, Collection[str]]
    gateways: Collection[str] | None
    days: int | None
    merged: bool

    def in_force(self, at_ms: int) -> list[Interval]:
        """The configuration of each gateway at a moment."""
        return in_force(self._intervals(self._until(at_ms)), at_ms)

    def timeline(self, begin_ms: int, end_ms: int) -> list[Interval]:
        """The configurations of a range, with the one of each gateway that was in force at its beginning."""
        messages = self._until(begin_ms)
        for factory in self.wanted:
            for day in self.stored.days(factory, day_of(begin_ms), day_of(end_ms)):
                messages += [one for one in self.stored.of_day(factory, day) if begin_ms < one.received_ms < end_ms]
        return self._intervals(messages)

    def notes(self, found: Sequence[Interval], at_ms: int) -> list[str]:
        """The gateways without a configuration, in sentences."""
        there = {_sender(one) for one in found}
        missing = [
            f"{factory}/{one}"
            for factory in self.wanted
            for one in self.wanted[factory]
            if (factory, one) not in there
        ]
        if not missing:
            return []
        since = "ever" if self.first(at_ms) == _EVER else f"since {self.first(at_ms)}"
        return [f"No message {since} until then: {', '.join(missing)}"]

    def first(self, at_ms: int) -> date:
        """The day that a search for what was in force ends at."""
        days = self.days if self.days is not None or self.merged else SEARCH_DAYS
        if days is None or days >= (day_of(at_ms) - _EVER).days:
            return _EVER
        return day_of(at_ms) - timedelta(days=days)

    def _until(self, at_ms: int) -> list[Message]:
        """What tells the configurations at a moment: each gateway's last message, or all of them to merge."""
        found: list[Message] = []
        for factory, wanted in self.wanted.items():
            found += self.stored.until(factory, at_ms, self.first(at_ms), () if self.merged else wanted)
        if self.merged:
            return found
        # What else was read is not all that came before.
        return list({one.sender: one for one in sorted(found, key=lambda one: one.order)}.values())

    def _intervals(self, messages: Sequence[Message]) -> list[Interval]:
        chosen = [one for one in messages if self.gateways is None or one.gateway in self.gateways]
        try:
            return intervals(chosen, merged=self.merged)
        except NotTakenError as error:
            raise StoredError(f"s3://{self.stored.bucket}", f"has a message that is not JSON: {error}") from error


def _scope(
    lake: Path | None,
    factories: Sequence[str] | None,
    gateways: Sequence[str] | None,
    days: int | None,
    *,
    merged: bool,
) -> _Scope:
    opened = open_lake(lake)
    bucket = str(output_at(opened.outputs, "buckets", "configuration"))
    served = mapping_at(opened.outputs, "gateways")
    known = sorted({*served, *opened.outputs.get("left_behind", {})})
    for factory in factories or ():
        if factory not in known:
            raise OptionError(
                "--factory", f"must be one of {', '.join(known) or 'none: the lake has no factory'}", factory
            )
    in_service = {factory: without_canary(served.get(factory, ())) for factory in sorted(set(factories or known))}
    stored = StoredMessages(Clients(opened).client("s3", connections=AT_ONCE), bucket)
    return _Scope(stored, _wanted(in_service, gateways), gateways, days, merged)


def _wanted(in_service: Mapping[str, Collection[str]], gateways: Collection[str] | None) -> dict[str, list[str]]:
    """The gateways to look for, by factory; one that is in service nowhere may have been anywhere."""
    if gateways is None:
        return {factory: list(own) for factory, own in in_service.items()}
    everywhere = {gateway for own in in_service.values() for gateway in own}
    wanted = {
        factory: sorted({one for one in gateways if one in own or one not in everywhere})
        for factory, own in in_service.items()
    }
    return {factory: some for factory, some in wanted.items() if some}


def _check_range(begin_ms: int, end_ms: int) -> None:
    if begin_ms >= end_ms:
        raise OptionError("--from, --to", "--from must be before --to")


def _sender(interval: Interval) -> tuple[str, str]:
    return interval.factory, interval.gateway or ""


def _pairs(timeline: Sequence[Interval]) -> list[tuple[Interval, Interval]]:
    """Each interval with the one before it, of one gateway."""
    return [(before, after) for before, after in pairwise(timeline) if _sender(before) == _sender(after)]


def _between(before: Interval | None, after: Interval | None) -> list[Difference]:
    """What differs; a gateway without a configuration has an empty one."""
    nothing = Object(())
    return list(differences(before.document if before else nothing, after.document if after else nothing))


def _time(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).replace(tzinfo=None).isoformat(" ", "milliseconds")
