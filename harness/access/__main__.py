"""`python -m harness.access`: keep the tables of docs/security.md as expected.toml and the probes are."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from harness.access.table import DOCUMENT, render


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the document, or check it; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.access", description="Write the tables of who may do what."
    )
    parser.add_argument("--check", action="store_true", help="say whether they are up to date; write nothing")
    options = parser.parse_args(arguments)
    before = DOCUMENT.read_text(encoding="utf-8")
    after = render(before)
    if after == before:
        return 0
    if options.check:
        print(f"{DOCUMENT}: its tables differ from harness/access; run 'make docs'", file=sys.stderr)
        return 1
    DOCUMENT.write_text(after, encoding="utf-8")
    print(f"{DOCUMENT}  written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
