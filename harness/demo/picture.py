"""The picture of a report's page for the README: ``python -m harness.demo.picture --help``."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from factory_lake.errors import OptionError
from harness.browser import NoBrowserError, browser
from harness.commands import run_app
from harness.demo.gaps import PAGE

_WIDTH, _HEIGHT = 1000, 1000


def picture(
    *,
    page: Annotated[Path, typer.Option("--page", metavar="FILE", help="A page of factory-lake report.")] = Path(
        f"build/demo/{PAGE}"
    ),
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The PNG file that is written.")] = Path(
        "docs/images/report.png"
    ),
    at: Annotated[
        str, typer.Option("--at", metavar="SELECTOR", help="CSS selector of what is at the picture's top.")
    ] = "#gateways",
) -> int:
    """Take a picture of a report's page by Chromium."""
    if not page.is_file():
        raise OptionError("--page", "must be a page that factory-lake report wrote", str(page))
    out.parent.mkdir(parents=True, exist_ok=True)
    with browser(_WIDTH, _HEIGHT) as chromium:
        chromium.get(page.resolve().as_uri())
        chromium.execute_script("document.querySelector(arguments[0]).scrollIntoView()", at)
        chromium.save_screenshot(str(out))
    print(f"{out}: {out.stat().st_size:,} bytes")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Take the picture."""
    return run_app(picture, "harness.demo.picture", arguments, NoBrowserError)


if __name__ == "__main__":
    sys.exit(main())
