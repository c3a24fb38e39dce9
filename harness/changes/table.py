"""The table of changes in docs/changes.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.changes.plans import Outcome
from harness.lake.terraform import REPOSITORY

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


def written(page: Path = PAGE) -> str:
    """The table that a page holds.

    Raises:
        ValueError: When the page lacks its marks.
    """
    text = page.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"{page} must hold these two lines once each: {BEGIN} and {END}")
    return text.split(BEGIN)[1].split(END)[0].strip()


def write(table: str, page: Path = PAGE) -> None:
    """Put a table between the marks of a page."""
    old = written(page)
    page.write_text(page.read_text(encoding="utf-8").replace(old, table) if old else _inserted(page, table))


def _inserted(page: Path, table: str) -> str:
    before, after = page.read_text(encoding="utf-8").split(END)
    return f"{before.rstrip()}\n\n{table}\n\n{END}{after}"
