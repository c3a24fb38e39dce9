"""The probes of alarms try what the modules write: the same expressions, and metrics that are looked up."""

from __future__ import annotations

import tomllib

import pytest

from factory_lake.conformance.probes.cloudwatch_alarm_expressions import REJECTED, RULE_ACTIONS, UNPROCESSED
from factory_lake.conformance.probes.cloudwatch_firehose_metrics import _LEAST
from factory_lake.module_interface import REPOSITORY

_ALARMS = (REPOSITORY / "modules" / "factory_pipeline" / "alarms.tf").read_text(encoding="utf-8")


@pytest.mark.parametrize("expression", [UNPROCESSED, REJECTED])
def test_metric_math_is_that_of_the_module(expression: str) -> None:
    assert f'"{expression}"' in _ALARMS.replace("${var.alarms.min_records}", "100")


def test_the_query_is_that_of_the_module() -> None:
    words, of, rule = RULE_ACTIONS.rpartition("= ")
    written = _ALARMS.replace('\\"', '"').replace("${metric}", "Failure").replace("${settings.rule_name}", "RULE")
    assert f'"{words}{of.strip()}"' in written
    assert f'"{rule}"' in written


def test_metrics_of_deliveries_are_documented_ones() -> None:
    pages = tomllib.loads((REPOSITORY / "tests/terraform/monitoring/aws_metrics.toml").read_text(encoding="utf-8"))
    (page,) = [page for page in pages["page"] if page["namespace"] == "AWS/Firehose"]
    assert page["dimensions"] == ["DeliveryStreamName"]
    assert _LEAST.keys() <= set(page["metrics"])
