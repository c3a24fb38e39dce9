"""What a local lake's functions have counted."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from localcloud import LocalCloud

_NAMESPACE = "FactoryLake"
_HOUR = timedelta(hours=1)


def samples_put_back(cloud: LocalCloud, factories: Iterable[str]) -> int:
    """Samples that the transforms have put back on their data streams; one that came twice counts twice."""
    queries = [
        {
            "Id": f"m{at}",
            "MetricStat": {
                "Metric": {
                    "Namespace": _NAMESPACE,
                    "MetricName": "SamplesPutBack",
                    "Dimensions": [{"Name": "Factory", "Value": factory}, {"Name": "Lane", "Value": "measurements"}],
                },
                "Period": round(_HOUR.total_seconds()),
                "Stat": "Sum",
            },
        }
        for at, factory in enumerate(factories)
    ]
    now = datetime.now(UTC)
    found = cloud.client("cloudwatch").get_metric_data(
        MetricDataQueries=queries, StartTime=now - 24 * _HOUR, EndTime=now + _HOUR
    )
    return round(sum(sum(one["Values"]) for one in found["MetricDataResults"]))
