"""What a local cloud's CloudWatch has measured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from localcloud import LocalCloud


def sums(cloud: LocalCloud, namespace: str, dimensions: dict[str, str], *names: str) -> dict[str, float]:
    """Sums of metrics over the last minutes; a metric without data points is absent."""
    now = datetime.now(UTC)
    queries = [
        {
            "Id": f"m{at}",
            "Label": name,
            "MetricStat": {
                "Metric": {
                    "Namespace": namespace,
                    "MetricName": name,
                    "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                },
                "Period": 3600,
                "Stat": "Sum",
            },
        }
        for at, name in enumerate(names)
    ]
    found = cloud.client("cloudwatch").get_metric_data(
        MetricDataQueries=queries, StartTime=now - timedelta(minutes=50), EndTime=now + timedelta(minutes=9)
    )
    return {one["Label"]: one["Values"][0] for one in found["MetricDataResults"] if one["Values"]}
