"""Run many mutations; print the first that fails as a test's input."""

from __future__ import annotations

import itertools
import multiprocessing
import sys
import time
from collections.abc import Iterable
from random import SystemRandom

from harness.arguments import Parser, count
from harness.arguments import seed as parse_seed
from harness.fuzz.rounds import MESSAGES, Case, Counts, run_numbered

# The same on every platform and Python.
_PROCESSES = multiprocessing.get_context("spawn")


def main(arguments: list[str] | None = None) -> int:
    """Run, say what was seen, print what failed; return 0 when every message got the answer that it gets alone."""
    parser = Parser(prog="python -m harness.fuzz", description=__doc__)
    parser.add_argument("--n", type=count, default=100_000, help="how many messages (default 100000)")
    parser.add_argument("--seed", type=parse_seed, help="the first round's seed (default: by chance)")
    parser.add_argument("--processes", type=count, default=2, help="how many at a time (default 2)")
    options = parser.parse_args(arguments)
    seed = SystemRandom().randrange(10**9) if options.seed is None else options.seed

    print(f"{options.n} messages on Python {sys.version.split()[0]}, from seed {seed} on", flush=True)
    begun = time.monotonic()
    sizes = [MESSAGES] * (options.n // MESSAGES) + [options.n % MESSAGES] * bool(options.n % MESSAGES)
    rounds = list(zip(itertools.count(seed), sizes))
    if options.processes == 1 or len(rounds) == 1:
        counts = _sum(map(run_numbered, rounds), options.n)
    else:
        with _PROCESSES.Pool(options.processes) as pool:
            counts = _sum(pool.imap_unordered(run_numbered, rounds, chunksize=4), options.n)
    seconds = time.monotonic() - begun

    end = "one answered otherwise than alone" if counts.case else "each answered as it is alone"
    print(
        f"{counts.messages} messages in {seconds:.0f} s: {counts.accepted} accepted, "
        f"{counts.fast} of them by the fast path\n{end}"
    )
    if counts.case is None:
        return 0
    _print_failure(*counts.case)
    return 1


def _sum(all_counts: Iterable[Counts], messages: int) -> Counts:
    """Add up until a message fails; show how far it is on a terminal."""
    total = Counts()
    for counts in all_counts:
        total.add(counts)
        if sys.stderr.isatty():
            print(f"\r{total.messages}/{messages}", end="", file=sys.stderr, flush=True)
        if total.case is not None:
            break
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    return total


def _print_failure(seed: int, case: Case) -> None:
    small = case.smallest()
    differences = small.differences()
    if differences is None:
        raise AssertionError(f"the case of seed {seed} does not fail again: {case}")
    alone, behind = differences
    print(f"\nseed {seed}: a message gets another answer once others have gone before it\n")
    print(f"  alone:  {alone}")
    print(f"  behind: {behind}")
    print(f"\nthe input for a test (FOUND in tests/unit/transform/test_mutations.py):\n\n{small.spelled()}")
    print(f"\nrun it again: python -m harness.fuzz --seed {seed} --n {MESSAGES}")


if __name__ == "__main__":
    sys.exit(main())
