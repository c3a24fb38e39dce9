"""What a run found, as a page and as JSON that can be sent to others: no account number and no ARN is in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

from factory_lake.conformance.deletion import Leftover
from factory_lake.conformance.probe import Probe

State = Literal["held", "differs", "could not tell"]
STATES: Final[tuple[State, ...]] = ("held", "differs", "could not tell")

#: What names an account, or lets in to it, each with what stands in its place. The order matters: ARNs hold accounts.
_MASKS: Final = (
    (re.compile(r"arn:aws[a-z-]*:[^\s\"'<>,)\]}]*"), "<ARN>"),
    (re.compile(r"\b[a-z0-9]+(?:-ats)?\.iot\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?"), "<endpoint>"),
    (re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b"), "<key ID>"),
    (re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])"), "<64 hexadecimal digits>"),
    (re.compile(r"(?<!\d)\d{12}(?!\d)"), "<12 digits>"),
    (re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])"), "<address>"),
)


@dataclass(frozen=True)
class Outcome:
    """How a probe ended."""

    probe: Probe
    state: State
    seen: str  # what differs, or what kept it from telling; empty where the belief holds
    seconds: float


@dataclass(frozen=True)
class Run:
    """A run that has ended."""

    run: str
    region: str
    account: str
    is_local: bool
    began: datetime
    seconds: float
    outcomes: Sequence[Outcome]
    leftovers: Sequence[Leftover]

    def of(self, state: State) -> list[Outcome]:
        """The outcomes of one kind."""
        return [outcome for outcome in self.outcomes if outcome.state == state]


def masked(text: str, account: str) -> str:
    """A text without what names the account."""
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    return text.replace(account, "<account>") if account else text


def estimate(probes: Iterable[Probe]) -> float:
    """What probes cost at most, in USD."""
    return round(sum(probe.usd for probe in probes), 4)


def summary(run: Run) -> dict[str, Any]:
    """The figures of a run."""
    return {
        "probes": len(run.outcomes),
        "held": len(run.of("held")),
        "differ": len(run.of("differs")),
        "could_not_tell": len(run.of("could not tell")),
        "leftovers": len(run.leftovers),
        "usd_estimate": estimate(outcome.probe for outcome in run.outcomes),
    }


def write(run: Run, folder: Path) -> Path:
    """Write `report.md` and `summary.json`; the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_text(json.dumps(summary(run), indent=2) + "\n", encoding="utf-8")
    page = folder / "report.md"
    page.write_text(masked("\n".join(_page(run)) + "\n", run.account), encoding="utf-8")
    return page


def _page(run: Run) -> Iterable[str]:
    counts = summary(run)
    yield "# What AWS does as the lake relies on"
    yield ""
    where = "a local cloud" if run.is_local else f"AWS, {run.region}"
    yield f"- run {run.run} on {where}, {run.began:%Y-%m-%d %H:%M} UTC, {run.seconds:.0f} s, boto3 {version('boto3')}"
    yield (
        f"- {counts['probes']} probes: {counts['held']} held, {counts['differ']} differ, "
        f"{counts['could_not_tell']} could not tell; {counts['leftovers']} resources left"
    )
    yield f"- at most {counts['usd_estimate']:.2f} USD by the probes' own estimates"
    for state, heading in (("differs", "AWS differs"), ("could not tell", "Could not tell")):
        outcomes = run.of(state)  # type: ignore[arg-type] # one of STATES
        if outcomes:
            yield from ("", f"## {heading}")
        for outcome in outcomes:
            yield from ("", f"### {outcome.probe.name}", "", f"- belief: {outcome.probe.belief}")
            yield f"- {'seen' if state == 'differs' else 'why'}: {_one_line(outcome.seen)}"
            yield f"- relied on by: {', '.join(f'`{path}`' for path in outcome.probe.relied_on)}"
            yield f"- source: {outcome.probe.source}"
    if run.leftovers:
        yield from ("", "## Left behind", "")
        yield from (f"- {left.entry.kind} `{left.entry.identifier}`: {left.why}" for left in run.leftovers)
    held = run.of("held")
    if held:
        yield from ("", "## Held", "", "| probe | belief | s |", "|---|---|--:|")
        for outcome in held:
            yield f"| {outcome.probe.name} | {cell(outcome.probe.belief)} | {outcome.seconds:.0f} |"


def cell(text: str) -> str:
    """A text as a cell of a Markdown table, in which nothing of it is a mark."""
    return re.sub(r"([|<*])", r"\\\1", text)


def _one_line(text: str) -> str:
    return " ".join(text.split())
