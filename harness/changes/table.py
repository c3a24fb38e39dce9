"""The table of changes in docs/changes.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.changes.plans import Outcome
from harness.lake.terraform import REPOSITORY
from scripts.moduledocs import updated

PAGE = REPOSITORY / "docs" / "changes.md"
BEGIN = "<!-- Made by `make changes` from plans against an applied lake: begin -->"
END = "<!-- Made by `make changes` from plans against an applied lake: end -->"


def render(outcomes: Iterable[Outcome]) -> str:
    """One row for each input and change, in the order of the cases."""
    lines = ["| input | from | to | what the plan says | what it means |", "|---|---|---|---|---|"]
    for outcome in outcomes:
        case = outcome.case
        for path in case.inputs:
            cells = (f"`{path}`", case.before, case.after, outcome.verdict, case.meaning)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def missing(inputs: Iterable[str], outcomes: Sequence[Outcome]) -> list[str]:
    """Inputs that no row is about; a row about `<path>.*` is about all that the object has."""
    known = {path for outcome in outcomes for path in outcome.case.inputs}
    return sorted(path for path in inputs if not any(_covers(one, path) for one in known))


def _covers(pattern: str, path: str) -> bool:
    return path.startswith(pattern.removesuffix("*")) if pattern.endswith(".*") else path == pattern


def write(table: str, page: Path = PAGE) -> None:
    """Put a table between the marks of a page."""
    page.write_text(updated(page, table, BEGIN, END), encoding="utf-8")
