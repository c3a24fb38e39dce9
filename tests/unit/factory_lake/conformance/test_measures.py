"""A metric that does not come in time is a difference; one that the run's end cut off is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from factory_lake.conformance import measures
from factory_lake.conformance.context import Context
from factory_lake.conformance.ledger import Ledger
from factory_lake.conformance.measures import Metric
from factory_lake.conformance.probe import CouldNotTell, Differs

if TYPE_CHECKING:
    from factory_lake.clients import Clients

_METRIC = Metric("AWS/Firehose", "DeliveryToS3.Records", {"DeliveryStreamName": "rows"})


def test_what_comes_true_is_no_difference(context: Context) -> None:
    answers = iter([False, True])
    measures.expect_within(context, lambda: next(answers), 10, lambda: "it is not")


def test_what_does_not_come_true_in_time_differs(context: Context) -> None:
    with pytest.raises(Differs, match=r"^after 0 s it is not$"):
        measures.expect_within(context, lambda: False, 0.2, lambda: "it is not")


def test_what_the_runs_end_cuts_off_cannot_be_told(ledger: Ledger) -> None:
    context = Context(cast("Clients", None), ledger, "aws", seconds=0)
    with pytest.raises(CouldNotTell, match=r"^the run ended before 60 s were over: it is not$"):
        measures.expect_within(context, lambda: False, 60, lambda: "it is not")


@pytest.mark.parametrize(
    ("values", "seen"),
    [
        ([], "AWS/Firehose DeliveryToS3.Records by DeliveryStreamName has no data point"),
        ([1.0, 2.0], "AWS/Firehose DeliveryToS3.Records by DeliveryStreamName comes to 3"),
    ],
)
def test_metrics_say_what_is_wrong_with_them(
    context: Context, values: list[float], seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def series(_: Context, queries: list[dict[str, Any]]) -> dict[str, list[float]]:
        assert queries[0]["MetricStat"]["Metric"]["Dimensions"] == [{"Name": "DeliveryStreamName", "Value": "rows"}]
        return {queries[0]["Id"]: values}

    monkeypatch.setattr(measures, "series", series)
    monkeypatch.setattr(measures, "_METRIC_SECONDS", 0.1)
    with pytest.raises(Differs, match=f"^after 0 s {seen}$"):
        measures.expect_metrics(context, (_METRIC, (4.0).__le__))


def test_metrics_add_up_over_their_periods(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "series", lambda _, queries: {queries[0]["Id"]: [1.0, 2.0]})
    measures.expect_metrics(context, (_METRIC, (3.0).__eq__))
