"""Run many histories, report, and shrink the first that fails."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from pathlib import Path

from factory_lake.boundary import run_command
from harness.arguments import Parser, count, result_file, seed
from harness.simulation.batch import Totals, run_seeds, violations_of
from harness.simulation.generate import generate
from harness.simulation.shrink import shrink

SUMMARY = Path("build/simulation/summary.json")


def main(arguments: list[str] | None = None) -> int:
    """Run the histories, write the summary, print what failed; return 0 when the invariant held in all of them."""
    parser = Parser(prog="python -m harness.simulation", description=__doc__)
    parser.add_argument("--n", type=count, default=1000, help="how many histories (default 1000)")
    parser.add_argument("--first", type=seed, default=0, help="the first seed (default 0)")
    parser.add_argument("--processes", type=count, default=2, help="how many at a time (default 2)")
    parser.add_argument(
        "--summary", type=result_file, default=str(SUMMARY), help=f"where figures go (default {SUMMARY})"
    )
    options = parser.parse_args(arguments)
    return run_command(lambda: _play(options))


def _play(options: argparse.Namespace) -> int:
    begun = time.monotonic()
    totals = Totals()
    chunks = [
        range(first, min(first + 25, options.first + options.n))
        for first in range(options.first, options.first + options.n, 25)
    ]
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        for done in pool.imap_unordered(run_seeds, chunks):
            totals.add(done)
            if sys.stderr.isatty():
                print(f"\r{totals.counts['histories']}/{options.n}", end="", file=sys.stderr, flush=True)
    seconds = time.monotonic() - begun

    _write_summary(options.summary, totals, seconds)
    _print_totals(totals, seconds)
    if totals.failed:
        print_failure(min(totals.failed))
        return 1
    return 0


def _write_summary(path: Path, totals: Totals, seconds: float) -> None:
    names = ("histories", "fragments", "archived", "expired", "unlisted", "lost", "duplicated", "rows")
    summary = {
        **{name: totals.counts[name] for name in names},
        "failed_seeds": sorted(totals.failed),
        "cuts": dict(sorted(totals.cuts.items())),
        "seconds": round(seconds, 1),
    }
    path.write_text(json.dumps(summary, indent=2) + "\n")


def _print_totals(totals: Totals, seconds: float) -> None:
    counts = totals.counts
    print(
        f"{counts['histories']} histories, {counts['fragments']} fragments in {seconds:.0f} s\n"
        f"{counts['archived']} archived, {counts['expired']} expired before, "
        f"{counts['unlisted']} in no listing\n"
        f"{counts['lost']} lost, {counts['duplicated']} duplicated, {len(totals.failed)} histories failed\n"
        f"{counts['rows']} rows in the table of clips, one for each object of the archive"
    )


def print_failure(seed: int) -> None:
    """Print what is wrong with the history of a seed, and the smallest history that shows it."""
    print(f"\nseed {seed} fails:")
    for fault in violations_of(generate(seed))[:10]:
        print(f"  {fault}")
    minimal = shrink(generate(seed), lambda history: bool(violations_of(history)))
    print("\nthe smallest history that still fails:")
    print(json.dumps(minimal.to_json(), indent=1))
    for fault in violations_of(minimal):
        print(f"  {fault}")
    print(f"\nrun it again: python -m harness.simulation --first {seed} --n 1")


if __name__ == "__main__":
    sys.exit(main())
