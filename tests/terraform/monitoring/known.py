"""The metrics that exist: those that AWS documents, and those that the functions emit when they are run."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clip_fetch.run import run
from clip_fetch.settings import Shard
from tests.support.clip_fetch_aws import SETTINGS, T0, Aws, footage
from tests.terraform.terraform_tree import REPOSITORY
from tests.unit.transform.support import Lane

_DOCUMENTED = Path(__file__).parent / "aws_metrics.toml"
#: The folder with a page for each alarm.
RUNBOOK = REPOSITORY / "docs" / "runbook"


@dataclass(frozen=True, order=True)
class Metric:
    """What tells one metric from another, but for the dimensions' values.

    Attributes:
        namespace: Such as `AWS/Lambda`.
        name: Such as `Errors`.
        dimensions: Names of all its dimensions, sorted. A metric with others is another metric.
    """

    namespace: str
    name: str
    dimensions: tuple[str, ...]

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Iterable[str]) -> "Metric":
        """A metric with its dimensions in any order."""
        return cls(namespace, name, tuple(sorted(dimensions)))


def documented() -> set[Metric]:
    """What AWS's guides list."""
    pages: list[dict[str, Any]] = tomllib.loads(_DOCUMENTED.read_text(encoding="utf-8"))["page"]
    return {Metric.of(page["namespace"], name, page["dimensions"]) for page in pages for name in page["metrics"]}


def in_the_runbook() -> set[Metric]:
    """What the runbook has people read: `metric NAMESPACE NAME STATISTIC Name=DIMENSION,Value=...`."""
    pages = [REPOSITORY / "docs" / "operations.md", *RUNBOOK.glob("*.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    commands = re.findall(r"^metric (\S+) (\S+) \S+((?: Name=\w+,Value=\S+)+)$", text, re.MULTILINE)
    assert len(commands) == len(re.findall(r"^metric ", text, re.MULTILINE))
    return {
        Metric.of(namespace, name, re.findall(r"Name=(\w+),", dimensions)) for namespace, name, dimensions in commands
    }


def emitted() -> set[Metric]:
    """What the functions' embedded metrics hold when they run.

    They are run here: the transform on a batch of each lane, of which messages are refused, and the archiver
    over a camera that sends.
    """
    lines: list[dict[str, Any]] = []
    for lane in (Lane("measurements"), Lane("configuration")):
        lane.answers("{}", "no JSON")
        lines += lane.metrics
    aws = Aws()
    aws.fragments["lake_krakow_press-1"] = footage(10)
    aws.now_ms = T0 + 60_000
    run(SETTINGS, Shard(), aws.dependencies(), aws.timing(), aws.report(), "run-1")
    lines += [line for line in aws.lines() if "_aws" in line]
    return {metric for line in lines for metric in read_embedded(line)}


def read_embedded(line: Mapping[str, Any]) -> Iterable[Metric]:
    """The metrics of a line ("Specification: Embedded metric format"), with each of their dimension sets."""
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for dimensions in directive["Dimensions"]:
            assert all(isinstance(line[dimension], str) for dimension in dimensions)
            for definition in directive["Metrics"]:
                assert isinstance(line[definition["Name"]], (int, float))
                yield Metric.of(directive["Namespace"], definition["Name"], dimensions)
