"""What a plan of the lake watches and shows: its alarms and dashboards, and the metrics that they ask for."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.terraform.monitoring.known import Metric
from tests.terraform.terraform_tree import MOCK_PROVIDER, TerraformTree

# A lake with all there is: cameras, several schedules, a factory without video, a topic.
_ROOT = """
module "lake" {
  source = "../../modules/lake"

  name         = "plant-lake"
  csr_dir      = "../prod/tests/testdata/csr"
  packages_dir = "../../modules/lake/tests/testdata/packages"
  alarm_topic  = { emails = ["on-call@example.com"] }

  runbook_base_url = "https://git.example.com/lake/docs/runbook"

  factories = {
    krakow = {
      gateways = ["line-1", "line-2"]
      cameras  = { press-1 = {}, oven = { retention_hours = 48 } }
      video    = { shards = 6 }
    }
    lyon = {
      gateways = ["press-shop"]
      lanes    = { configuration = { stream = { on_demand = true } } }
    }
  }
}
"""
_TEST = 'run "plan" {\n  command = plan\n}\n'

_SEARCH = re.compile(r"SEARCH\('\{\"(?P<namespace>[^\"]+)\",(?P<dimensions>[^}]+)\} (?P<terms>[^']+)', '\w+', \d+\)")
# `Property="value"`, or `Property=("one" OR "other")`.
_TERM = re.compile(r'(\w+)=("[^"]*"|\("[^"]*"(?: OR "[^"]*")*\))')
_TERMS = re.compile(rf"{_TERM.pattern}(?: {_TERM.pattern})*")
_SELECT = re.compile(
    r"SELECT SUM\((?P<name>\w+)\) FROM SCHEMA\(\"(?P<namespace>[^\"]+)\", (?P<dimensions>[^)]+)\) "
    r"WHERE (?P<dimension>\w+) = '(?P<value>[^']*)'"
)
_IDENTIFIER = re.compile(r"\b[a-z]\w*\b")


@dataclass(frozen=True)
class Question:
    """A metric that is asked for.

    Attributes:
        metric: Which.
        values: Values of its dimensions, as far as they are given.
    """

    metric: Metric
    values: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str | None]) -> "Question":
        """One with dimensions that have a value, or None for any."""
        values = tuple(sorted((key, value) for key, value in dimensions.items() if value is not None))
        return cls(Metric.of(namespace, name, dimensions), values)


def plan_lake(tree: TerraformTree) -> list[dict[str, Any]]:
    """Plan a lake with the mocked provider; its resources as `resource_changes` of the plan's JSON."""
    folder = tree.add_root("monitoring", {"main.tf": _ROOT, "plan.tftest.hcl": MOCK_PROVIDER + _TEST})
    tree.init(folder)
    printed = tree.run(folder, "test", "-json", "-verbose")
    plans = [json.loads(line) for line in printed.splitlines() if '"type":"test_plan"' in line]
    (plan,) = plans
    changes: list[dict[str, Any]] = plan["test_plan"]["resource_changes"]
    return changes


def questions_of_alarm(alarm: Mapping[str, Any]) -> Iterator[Question]:
    """The metrics of an alarm, of one or of an expression.

    Raises:
        ValueError: The expression uses what is not there, or is of an unknown form.
    """
    if alarm["metric_name"] is not None:
        yield Question.of(alarm["namespace"], alarm["metric_name"], alarm["dimensions"])
        return
    queries = {query["id"]: query for query in alarm["metric_query"]}
    for query in queries.values():
        for metric in query["metric"]:
            yield Question.of(metric["namespace"], metric["metric_name"], metric["dimensions"])
        if query["expression"] is not None:
            yield from questions_of_expression(query["expression"], set(queries) - {query["id"]})


def questions_of_graph(metrics: list[list[Any]]) -> Iterator[Question]:
    """The metrics of a graph: the rows of its property `metrics` (CloudWatch, "Dashboard body structure").

    Raises:
        ValueError: A row is of an unknown form, or an expression uses what is not there.
    """
    ids = {row[-1]["id"] for row in metrics if isinstance(row[-1], dict) and "id" in row[-1]}
    for row in metrics:
        options = row[-1] if isinstance(row[-1], dict) else {}
        if "expression" in options:
            yield from questions_of_expression(options["expression"], ids - {options["id"]})
            continue
        named = row[:-1] if options else row
        if len(named) < 2 or len(named) % 2:
            raise ValueError(f"neither an expression nor namespace, name and dimensions: {row}")
        yield Question.of(named[0], named[1], dict(zip(named[2::2], named[3::2], strict=True)))


def questions_of_expression(expression: str, ids: set[str]) -> Iterator[Question]:
    """The metrics that an expression looks for itself; those of arithmetic are rows that must be there.

    Raises:
        ValueError: A search or query of a form that is not known, or a name that nothing has.
    """
    if expression.startswith("SEARCH("):
        if (found := _SEARCH.fullmatch(expression)) is None:
            raise ValueError(f"a search of a form that is not known: {expression}")
        if _TERMS.fullmatch(found["terms"]) is None:
            raise ValueError(f"a search for what is not a list of properties: {expression}")
        terms = {name: re.findall(r'"([^"]*)"', values) for name, values in _TERM.findall(found["terms"])}
        names = terms.pop("MetricName")
        dimensions = dict.fromkeys(found["dimensions"].split(","))
        if strangers := terms.keys() - dimensions.keys():
            raise ValueError(f"a search for dimensions that its metric has not, {strangers}: {expression}")
        for name in names:
            for values in itertools.product(*terms.values()):
                yield Question.of(found["namespace"], name, {**dimensions, **dict(zip(terms, values, strict=True))})
    elif expression.startswith("SELECT "):
        if (found := _SELECT.fullmatch(expression)) is None:
            raise ValueError(f"a query of a form that is not known: {expression}")
        dimensions = dict.fromkeys(found["dimensions"].split(", "))
        if found["dimension"] not in dimensions:
            raise ValueError(f"a query for a dimension that its metric has not: {expression}")
        yield Question.of(found["namespace"], found["name"], {**dimensions, found["dimension"]: found["value"]})
    elif strangers := set(_IDENTIFIER.findall(expression)) - ids:
        raise ValueError(f"an expression of what is not there, {strangers}: {expression}")
