"""Numbers as people read them."""

import math


def text(value: float) -> str:
    """Three significant digits, thousands apart: 0.0123, 12.3, 12,345."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    shown = f"{value:,.{digits}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def percent(part: float) -> str:
    """A part of a whole."""
    return "<1%" if 0 < part < 0.01 else f"{part:.0%}"


def table(header: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in lines)
