"""The gaps' part of the demonstration: one of each kind is caused in a factory of their own, and has a name."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from factory_lake.cli import main as factory_lake
from factory_lake.coverage.times import iso
from factory_lake.report.gather import file_of
from harness.demo.steps import StepError, Steps
from harness.lake import LocalLake
from harness.lake.targets import Targets
from harness.outages.gateway import Pace
from harness.outages.judge import Verdict
from harness.outages.kinds import KINDS
from harness.outages.run import FACTORY, Extent, Outages
from harness.workers import Workers

#: Gateways that have one outage after the other; together they have each kind once.
GATEWAYS = 2
PAGE = "report.html"
_PACE = Pace(period_ms=1000, steady=4, missing=5)
_SHOWN_GAPS = 12
# One camera's footage is that much older.
_BEFORE_MS = 390_000


@dataclass
class Gaps:
    """Outages beside the demonstration, and what a coverage says of them."""

    lake: LocalLake
    folder: Path
    verdict: Verdict = field(default_factory=Verdict)
    _workers: Workers = field(default_factory=Workers)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Cause outages until the context ends, or every kind has had its turn."""
        targets = Targets(self.lake, [FACTORY], self.folder / "outages")
        rounds = -(-len(KINDS) // GATEWAYS)
        with Outages(targets, Extent(GATEWAYS, rounds=rounds, has_minutes=False), _PACE) as outages:
            self._outages = outages
            outages.start()
            self._workers.start(partial(self._judge, outages), "coverage")
            try:
                yield
            finally:
                outages.stop()
                self._workers.join()

    def finish(self) -> None:
        """Wait until the coverage is judged."""
        self._workers.join()
        self._workers.check()
        for line in self.verdict.wrong:
            Steps.note(line)

    def show(self) -> None:
        """Print the gaps and write the pages."""
        begin, end = iso(self._outages.begin_ms - _BEFORE_MS), iso(self._outages.end_ms)
        words = ["--lake", str(self.lake.describe()), "--from", begin, "--to", end]
        self._run("coverage", *words, "--factory", FACTORY, "--gaps", str(_SHOWN_GAPS))
        self._run("report", *words, "--out", str(self.folder))
        shutil.copyfile(file_of(self.folder, FACTORY), self.folder / PAGE)
        Steps.note(f"{self.folder / PAGE}: the page of {FACTORY}; those of the others are beside it")

    @staticmethod
    def _run(*words: str) -> None:
        """Run a command; 1 says that something is unexplained, which the verdict counts."""
        code = factory_lake(list(words))
        if code > 1:
            raise StepError(f"factory-lake {words[0]}", f"exit code {code}")

    def _judge(self, outages: Outages) -> None:
        outages.await_rounds()
        self.verdict = outages.finish()
