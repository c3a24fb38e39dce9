"""Every metric that an alarm or a dashboard asks for exists, of a resource that exists.

CloudWatch takes any name without a word, and an alarm on a metric that does not exist never sounds.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.terraform.monitoring import known
from tests.terraform.monitoring.planned import (
    Question,
    questions_of_alarm,
    questions_of_expression,
    questions_of_graph,
)

# One worker for all, so that the lake is planned once.
pytestmark = [pytest.mark.terraform, pytest.mark.timeout(300), pytest.mark.xdist_group("monitoring")]

EXISTING = known.documented() | known.emitted()

# Which resources' names a dimension's values are, by namespace and dimension.
_NAMED = {
    ("AWS/Kinesis", "StreamName"): ("aws_kinesis_stream", "name"),
    ("AWS/Firehose", "DeliveryStreamName"): ("aws_kinesis_firehose_delivery_stream", "name"),
    ("AWS/Lambda", "FunctionName"): ("aws_lambda_function", "function_name"),
    ("AWS/IoT", "RuleName"): ("aws_iot_topic_rule", "name"),
    ("AWS/Events", "RuleName"): ("aws_cloudwatch_event_rule", "name"),
    ("AWS/Athena", "WorkGroup"): ("aws_athena_workgroup", "name"),
    ("AWS/S3", "BucketName"): ("aws_s3_bucket", "bucket"),
}
_OWN = {"Factory": {"krakow", "lyon"}, "Lane": {"measurements", "configuration"}, "Camera": {"press-1", "oven"}}


class Lake:
    """Resources of a plan, by type: what they are planned to be."""

    def __init__(self, changes: list[dict[str, Any]]) -> None:
        self._changes = changes

    def of(self, kind: str) -> list[dict[str, Any]]:
        """All that are managed, of a type."""
        return [
            change["change"]["after"]
            for change in self._changes
            if (change["mode"], change["type"]) == ("managed", kind)
        ]

    def widgets(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """All widgets, each with where it is."""
        for dashboard in self.of("aws_cloudwatch_dashboard"):
            for widget in json.loads(dashboard["dashboard_body"])["widgets"]:
                yield f"{dashboard['dashboard_name']}: {widget['properties'].get('title')}", widget

    def questions(self) -> Iterator[tuple[str, Question]]:
        """All metrics that are asked for, each with who asks."""
        for alarm in self.of("aws_cloudwatch_metric_alarm"):
            for question in questions_of_alarm(alarm):
                yield alarm["alarm_name"], question
        for place, widget in self.widgets():
            if widget["type"] == "metric":
                for question in questions_of_graph(widget["properties"]["metrics"]):
                    yield place, question


@pytest.fixture(scope="module")
def lake(planned: list[dict[str, Any]]) -> Lake:
    """The lake that planned.py describes."""
    return Lake(planned)


def test_every_metric_that_is_asked_for_exists(lake: Lake) -> None:
    """By namespace, name and exact set of dimensions."""
    missing = {(place, question.metric) for place, question in lake.questions() if question.metric not in EXISTING}
    assert missing == set()


def test_every_value_of_a_dimension_names_something_that_is_planned(lake: Lake) -> None:
    wrong = set()
    for place, question in lake.questions():
        for dimension, value in question.values:
            kind = _NAMED.get((question.metric.namespace, dimension))
            names = _OWN[dimension] if kind is None else {each[kind[1]] for each in lake.of(kind[0])}
            if value not in names:
                wrong.add((place, question.metric.name, dimension, value))
    assert wrong == set()


def test_nothing_was_looked_up_that_is_not_used(lake: Lake) -> None:
    """So the list of documented metrics stays one that somebody checked."""
    used = {question.metric for _, question in lake.questions()} | known.in_the_runbook()
    assert known.documented() - used == set()


@pytest.mark.parametrize(
    ("namespace", "name", "dimensions"),
    [
        ("AWS/Firehose", "DeliveryToS3.Freshness", ["DeliveryStreamName"]),
        ("AWS/FireHose", "DeliveryToS3.DataFreshness", ["DeliveryStreamName"]),
        ("AWS/Firehose", "DeliveryToS3.DataFreshness", ["StreamName"]),
        ("AWS/IoT", "Failure", ["RuleName"]),
        ("FactoryLake", "RecordsRejected", ["Factory"]),
        ("FactoryLake", "SecondsToLoose", ["Factory", "Camera"]),
        ("Plant", "SecondsToLoss", ["Factory", "Camera"]),
        ("FactoryLake", "SecondsToLoss", ["Camera"]),
    ],
)
def test_a_metric_that_is_misspelt_or_has_other_dimensions_does_not_exist(
    namespace: str, name: str, dimensions: list[str]
) -> None:
    """What the first test would say of it."""
    graph = [[namespace, name, *(word for dimension in dimensions for word in (dimension, "x"))]]
    alarm = {"metric_name": name, "namespace": namespace, "dimensions": dict.fromkeys(dimensions, "x")}
    for question in (*questions_of_graph(graph), *questions_of_alarm(alarm)):
        assert question.metric not in EXISTING


@pytest.mark.parametrize(
    "expression",
    [
        "rejected / recieved",
        "SEARCH('{FactoryLake,Factory} MetricName=\"Clips\"', 'Sum', 300)",
        'SEARCH(\'{"FactoryLake",Factory} MetricName="Clips" Camera="oven"\', \'Sum\', 300)',
        'SEARCH(\'{"AWS/IoT",RuleName} MetricName=("Failure" "Success")\', \'Sum\', 300)',
        "SELECT SUM(Failure) FROM \"AWS/IoT\" WHERE RuleName = 'x'",
        "SELECT SUM(Failure) FROM SCHEMA(\"AWS/IoT\", ActionType) WHERE RuleName = 'x'",
    ],
)
def test_an_expression_of_what_is_not_there_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="not"):
        list(questions_of_expression(expression, {"rejected", "received"}))


def test_every_alarm_is_on_its_factorys_dashboard(lake: Lake) -> None:
    """And no dashboard shows one that does not exist; a widget takes a hundred."""
    arn = "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:"
    shown = [
        (place.split(":")[0], name.removeprefix(arn))
        for place, widget in lake.widgets()
        if widget["type"] == "alarm"
        for name in widget["properties"]["alarms"]
    ]
    planned = [alarm["alarm_name"] for alarm in lake.of("aws_cloudwatch_metric_alarm")]
    assert sorted(name for _, name in shown) == sorted(planned)
    assert all(name.startswith(f"{dashboard}-") for dashboard, name in shown)
    assert all(len(widget["properties"]["alarms"]) <= 100 for _, widget in lake.widgets() if widget["type"] == "alarm")


def test_graphs_stay_within_cloudwatchs_limits(lake: Lake) -> None:
    """500 metrics a graph (CloudWatch service quotas), no two rows of a graph with one name."""
    for place, widget in lake.widgets():
        if widget["type"] != "metric":
            continue
        properties = widget["properties"]
        assert 0 < len(properties["metrics"]) <= 500, place
        ids = [row[-1]["id"] for row in properties["metrics"] if isinstance(row[-1], dict) and "id" in row[-1]]
        assert len(ids) == len(set(ids)), place
        assert properties["title"], place
        assert properties["yAxis"]["left"]["label"], place
        assert properties["region"] == "eu-central-1", place


def test_no_widget_asks_more_than_one_query(lake: Lake) -> None:
    """GetMetricData, which draws a widget, answers one (CloudWatch user guide, "Metrics Insights quotas")."""
    for place, widget in lake.widgets():
        expressions = [
            row[-1]["expression"]
            for row in widget["properties"].get("metrics", ())
            if isinstance(row[-1], dict) and "expression" in row[-1]
        ]
        assert sum("SELECT" in expression.upper() for expression in expressions) <= 1, place
        # The longest that is taken (user guide, "CloudWatch search expression syntax").
        assert all(len(each) <= 1024 for each in expressions if each.startswith("SEARCH")), place


def test_rules_that_fail_are_found_by_one_search(lake: Lake) -> None:
    """All that the actions of the lanes' rules report of their failures, whatever the type of the action.

    The rules of connections, two a gateway, would not fit into one search.
    """
    dimensions = {"RuleName": None, "ActionType": None}
    wanted = {
        Question.of("AWS/IoT", name, {**dimensions, "RuleName": rule["name"]})
        for rule in lake.of("aws_iot_topic_rule")
        if rule["kinesis"]
        for name in ("Failure", "ErrorActionSuccess", "ErrorActionFailure")
    }
    shown = {
        question
        for _, widget in lake.widgets()
        if widget["type"] == "metric"
        for question in questions_of_graph(widget["properties"]["metrics"])
    }
    assert len(wanted) == 12
    assert wanted <= shown


def test_each_graph_shows_the_threshold_of_its_alarm(lake: Lake) -> None:
    """Of an alarm on one metric that a graph shows as it is."""
    thresholds = {
        question: alarm["threshold"]
        for alarm in lake.of("aws_cloudwatch_metric_alarm")
        if alarm["threshold"] > 1  # lines at nothing or one would only hide the axis
        for question in questions_of_alarm(alarm)
        if question.metric.name in ("DeliveryToS3.DataFreshness", "Duration", "SecondsToLoss", "SilentSeconds")
    }
    assert len(thresholds) > 0
    drawn: dict[str, set[float]] = {}
    for _, widget in lake.widgets():
        if widget["type"] == "metric" and "annotations" in widget["properties"]:
            lines = {line["value"] for line in widget["properties"]["annotations"]["horizontal"]}
            for question in questions_of_graph(widget["properties"]["metrics"]):
                drawn.setdefault(question.metric.name, set()).update(lines)
    assert {
        (question.metric.name, threshold)
        for question, threshold in thresholds.items()
        if threshold not in drawn[question.metric.name]
    } == set()
