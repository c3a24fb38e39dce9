"""What commands print: tables that fit, or one record below the other; JSON; CSV; progress.

Identifiers (client IDs, topics, keys, ARNs) are never broken or cut: what is printed of them is one unbroken
piece that can be copied. Only prose is wrapped, at blanks. Where standard output is no terminal a table has
no width to fit, so each row is one line, unless `COLUMNS` says otherwise.
"""

import csv
import json
import os
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Protocol, TextIO

from rich.cells import cell_len

Format = Literal["table", "json", "csv"]

# Between columns; the narrower one where a table fits no other way.
_GAP, _NARROW_GAP = "  ", " "
# Prose narrower than this is harder to read than a record.
_LEAST_PROSE = 16


@dataclass(frozen=True)
class Table:
    """Rows for a reader."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    prose: frozenset[str] = frozenset()  # columns that may be wrapped at blanks; all others are printed in one piece
    title: str = ""
    # Columns of numbers that are texts already; columns of numbers are found by themselves.
    right: frozenset[str] = frozenset()

    def records(self) -> list[dict[str, object]]:
        """The rows as mappings, as JSON has them."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def emit(
    form: Format, table: Table, *, document: object = None, more: Sequence[Table] = (), notes: Sequence[str] = ()
) -> None:
    """Print a command's result to standard output.

    JSON shows `document` where that is more than the table's rows; only `table` has `more` and `notes`.
    """
    if form == "json":
        print(
            json.dumps(table.records() if document is None else document, indent=2, default=_plain, ensure_ascii=False)
        )
    elif form == "csv":
        write_csv(table, sys.stdout)
    else:
        width = output_width()
        for each in (table, *more):
            print("\n".join(layout(each, width)))
        for note in notes:
            print("\n".join(_wrapped(printable(note), width) if width else [printable(note)]))


def write_csv(table: Table, target: TextIO) -> None:
    """Write a table as CSV: a header, then the rows, None as an empty field."""
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([text_of(value) for value in row] for row in table.rows)


def output_width() -> int | None:
    """How wide standard output is; None where nothing says it."""
    if os.environ.get("COLUMNS", "").isdecimal():
        return max(20, int(os.environ["COLUMNS"]))
    try:
        return max(20, os.get_terminal_size(sys.stdout.fileno()).columns) if sys.stdout.isatty() else None
    except (OSError, ValueError):
        return None


def layout(table: Table, width: int | None) -> Iterator[str]:
    """The lines of a table, or of its records where it does not fit."""
    for line in table.title.splitlines():
        yield from [printable(line)] if width is None else _wrapped(printable(line), width)
    cells = [["NULL" if value is None else printable(text_of(value)) for value in row] for row in table.rows]
    # Headings of several words are wrapped before columns move together, and both before records.
    for gap, wraps in ((_GAP, False), (_GAP, True), (_NARROW_GAP, True)):
        widths = _fitting(table, cells, width, len(gap), wraps=wraps)
        if widths is not None:
            yield from _rows(table, cells, widths, gap)
            return
    yield from _records(table, cells, width or 0)


def text_of(value: object) -> str:
    """A value as text; None is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ", "milliseconds")
    return str(value)


def printable(text: str) -> str:
    """The text with control characters spelled out, so that no message can steer the terminal."""
    return text if text.isprintable() else "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


class Update(Protocol):
    """Moves a progress bar."""

    def __call__(self, completed: int, description: str) -> None:
        """Show how much is done, and in words what."""


@contextmanager
def progress(total: int | None, description: str) -> Iterator[Update]:
    """A progress bar on standard error; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda completed, description: None  # noqa: ARG005 - the names that callers may use
        return
    # Here: it takes longer to import than all else of this module.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
    )
    task = bar.add_task(description, total=total)
    with bar:
        yield lambda completed, description: bar.update(task, completed=completed, description=description)


def _fitting(
    table: Table, cells: Sequence[Sequence[str]], width: int | None, gap: int, *, wraps: bool
) -> list[int] | None:
    """How wide the columns are, prose narrowed as far as it must be; None when they do not fit."""
    widths, least = [], {}
    for at, name in enumerate(table.columns):
        column = [row[at] for row in cells]
        heading = max(map(cell_len, name.split() if wraps else [name]), default=0)
        widths.append(max([heading, *map(cell_len, column)]))
        if name in table.prose:
            words = (cell_len(word) for cell in column for word in cell.split())
            least[at] = min(widths[at], max([heading, _LEAST_PROSE, *words]))
    if width is None:
        return widths
    beyond = sum(widths) + gap * (len(widths) - 1) - width
    while beyond > 0 and (wide := [at for at in least if widths[at] > least[at]]):
        widths[max(wide, key=lambda at: widths[at])] -= 1
        beyond -= 1
    return widths if beyond <= 0 else None


def _rows(table: Table, cells: Sequence[Sequence[str]], widths: Sequence[int], gap: str) -> Iterator[str]:
    right = [
        name in table.right or _is_numeric([row[at] for row in table.rows]) for at, name in enumerate(table.columns)
    ]
    headings = [_wrapped(name, width) for name, width in zip(table.columns, widths, strict=True)]
    yield from _lines(headings, widths, right, gap)
    yield gap.join("-" * width for width in widths)
    for row in cells:
        wrapped = [
            _wrapped(cell, width) if name in table.prose else [cell]
            for name, cell, width in zip(table.columns, row, widths, strict=True)
        ]
        yield from _lines(wrapped, widths, right, gap)


def _lines(cells: Sequence[Sequence[str]], widths: Sequence[int], right: Sequence[bool], gap: str) -> Iterator[str]:
    for number in range(max(map(len, cells), default=0)):
        parts = []
        for lines, width, is_right in zip(cells, widths, right, strict=True):
            text = lines[number] if number < len(lines) else ""
            blanks = " " * (width - cell_len(text))
            parts.append(blanks + text if is_right else text + blanks)
        yield gap.join(parts).rstrip()


def _records(table: Table, cells: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    names = max(map(cell_len, table.columns))
    for row in cells:
        for name, cell in zip(table.columns, row, strict=True):
            head = f"{name}{' ' * (names - cell_len(name))}{_GAP}"
            lines = _wrapped(cell, max(width - cell_len(head), _LEAST_PROSE)) if name in table.prose else [cell]
            if cell_len(lines[0]) > width - cell_len(head) and cell_len(lines[0]) < width:
                # On a line of its own it is in one piece on the screen too.
                yield name
                yield from lines
            else:
                yield head + lines[0]
                yield from (" " * cell_len(head) + line for line in lines[1:])
        yield ""


def _is_numeric(values: Sequence[object]) -> bool:
    there = [value for value in values if value is not None]
    return bool(there) and all(
        isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in there
    )


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]


def _plain(value: object) -> Any:
    """What JSON has no type for: times, and decimals, which keep their digits as text."""
    return dict(value) if isinstance(value, Mapping) else text_of(value)
