"""Gets the page's facts from a lake: thin readers, each of one service."""

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from clip_fetch import keys
from factory_lake import query
from factory_lake.canary.marks import LINE_OF_A_PLANT, SAMPLE_OF_A_PLANT
from factory_lake.connections import COLUMNS, Connection, Event, connections
from factory_lake.coverage import sql
from factory_lake.coverage.times import instant_ms, moment
from factory_lake.gateway.identities import Lane
from factory_lake.report.cost import LaneUse
from factory_lake.report.facts import Arrived, Change, Clip, Fired, periods_in_alarm

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_s3 import S3Client

#: Clips that a page links to: the newest ones. A link has half a kilobyte, of which a tenth cannot be compressed.
MAX_LINKS = 10_000
#: What a page takes in of clips: the size of one, and of all.
MAX_EMBEDDED_CLIP, MAX_EMBEDDED = 2_000_000, 20_000_000
#: Objects that are read at once.
AT_ONCE = 16
_ALARMS_AT_ONCE = 100  # DescribeAlarms takes no more names
_DAY_SECONDS = 86_400
_COUNTS = """
SELECT year, month, day, count(*) AS found
FROM {table}
WHERE {where}
GROUP BY year, month, day"""
_DISTINCT_SAMPLES = """
SELECT
    year, month, day, count(*) AS found,
    count_if(date_trunc('day', received_at) > date_trunc('day', ts)) AS late,
    max(
        CASE WHEN date_trunc('day', received_at) > date_trunc('day', ts)
        THEN date_diff('millisecond', ts, received_at) ELSE 0 END
    ) AS latest_ms
FROM measurements_distinct
WHERE {where}
GROUP BY year, month, day"""

_CONNECTIONS = f"SELECT {', '.join(COLUMNS)}\nFROM connections\nWHERE {{where}}"
# How Athena says that there is no such table (Athena User Guide, "Error catalog").
_NO_TABLE = "TABLE_NOT_FOUND"


@dataclass
class Tables:
    """Asks Athena, and counts what that takes."""

    client: "AthenaClient"
    workgroup: str
    database: str
    scanned_bytes: int = field(default=0, init=False)
    query_ms: int = field(default=0, init=False)

    def arrived(self, factory: str, from_ms: int, to_ms: int) -> tuple[Arrived, ...]:
        """What lies in both lanes' tables of the range; of configuration, of its whole days.

        Raises:
            QueryError: When Athena cannot answer.
        """
        window = sql.Window(factory, *sql.days_between(from_ms, to_ms)).condition()
        taken = f"{window}\n    AND ts >= {moment(from_ms)} AND ts < {moment(to_ms)}"
        return (
            *self._days(
                "measurements",
                _COUNTS.format(table="measurements", where=f"{taken}\n    AND {SAMPLE_OF_A_PLANT}"),
                _DISTINCT_SAMPLES.format(where=taken),
            ),
            *self._days(
                "configuration",
                _COUNTS.format(table="configuration", where=f"{window}\n    AND {LINE_OF_A_PLANT}"),
                _COUNTS.format(table="configuration_distinct", where=window),
            ),
        )

    def connections(self, factory: str, from_ms: int, to_ms: int) -> list[Connection] | None:
        """The connections that the events of a range's days, and of a day before, tell of; None without the table.

        Raises:
            QueryError: When Athena cannot answer.
        """
        first, last = sql.days_between(from_ms, to_ms, 1, 1)
        try:
            rows = self._rows(_CONNECTIONS.format(where=sql.Window(factory, first, last).condition()))
        except query.QueryError as error:
            if _NO_TABLE not in str(error):
                raise
            return None
        events = (Event.from_row(dict(zip(COLUMNS, row, strict=True))) for row in rows)
        return connections(events, from_ms - _DAY_SECONDS * 1000)

    def _days(self, lane: Lane, every: str, once: str) -> Iterator[Arrived]:
        distinct = {row[:3]: row[3:] for row in self._rows(once)}
        for year, month, day, number in self._rows(every):
            # A row that came between the two queries is in one of them alone.
            found, *late = distinct.get((year, month, day), (number,))
            at = datetime(year, month, day, tzinfo=UTC).date()
            yield Arrived(at, lane, max(number, found), found, *(each or 0 for each in late))

    def _rows(self, text: str) -> Sequence[tuple[Any, ...]]:
        result = query.run(self.client, text, self.workgroup, self.database)
        self.scanned_bytes += result.bytes_scanned
        self.query_ms += round(result.seconds * 1000)
        return result.rows


def fired(cloudwatch: Any, alarms: Sequence[str], from_ms: int, to_ms: int) -> tuple[Fired, ...]:
    """The alarms of some names that were in ALARM in a range, as far as CloudWatch remembers: 30 days."""
    changes: list[Change] = []
    pages = cloudwatch.get_paginator("describe_alarm_history")
    for name in alarms:
        for page in pages.paginate(
            AlarmName=name, HistoryItemType="StateUpdate", StartDate=_moment(from_ms), EndDate=_moment(to_ms)
        ):
            changes += (_change(item) for item in page["AlarmHistoryItems"])
    changed = {change.alarm for change in changes}
    for start in range(0, len(alarms), _ALARMS_AT_ONCE):
        batch = list(alarms[start : start + _ALARMS_AT_ONCE])
        answer = cloudwatch.describe_alarms(AlarmNames=batch, StateValue="ALARM", MaxRecords=_ALARMS_AT_ONCE)
        # What fired before the range and has not changed since has no history in it.
        changes += (
            Change(since_ms, alarm["AlarmName"], "", "ALARM", alarm.get("StateReason", ""))
            for alarm in answer["MetricAlarms"]
            if alarm["AlarmName"] not in changed and (since_ms := instant_ms(alarm["StateUpdatedTimestamp"])) < from_ms
        )
    return periods_in_alarm(changes, from_ms)


def list_clips(
    s3: "S3Client", bucket: str, factory: str, camera: str, from_ms: int, to_ms: int
) -> tuple[list[Clip], int]:
    """A camera's clips that begin in a range, or are the last before it; and the bytes of those that begin in it.

    Keys alone say when clips begin, so nothing is asked of each.
    """
    prefix = keys.camera_prefix(factory, camera)
    found: list[Clip] = []
    size = 0
    # The last clip before the range may reach into it; from the day before on it is found.
    after = prefix + keys.time_stem(max(0, from_ms - _DAY_SECONDS * 1000))
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, StartAfter=after):
        for item in page.get("Contents", []):
            parsed = keys.parse(item["Key"], prefix)
            if parsed is None or item["Key"].endswith(".json"):
                continue
            if parsed.start_ms >= to_ms:
                return found, size
            if parsed.start_ms < from_ms:
                found.clear()
            else:
                size += item["Size"]
            found.append(Clip(camera, parsed.start_ms, item["Key"]))
    return found, size


def linked(s3: "S3Client", bucket: str, clips: Sequence[Clip], seconds: int, most: int = MAX_LINKS) -> list[Clip]:
    """The clips with links that expire, the newest ones; the others without."""
    ordered = sorted(clips, key=lambda one: one.start_ms)
    split = max(0, len(ordered) - most)
    older, newest = ordered[:split], ordered[split:]
    return [*older, *(replace(clip, url=_link(s3, bucket, clip, seconds)) for clip in newest)]


def _link(s3: "S3Client", bucket: str, clip: Clip, seconds: int) -> str:
    return s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": clip.key}, ExpiresIn=seconds)


def embedded(s3: "S3Client", bucket: str, clips: Sequence[Clip]) -> list[Clip]:
    """The clips, the newest small ones with their own bytes in the link's place, as far as a page takes them."""
    left = MAX_EMBEDDED
    held: dict[str, str] = {}

    def fetch(clip: Clip) -> tuple[Clip, bytes, str] | None:
        answer = s3.get_object(Bucket=bucket, Key=clip.key)
        if answer["ContentLength"] > MAX_EMBEDDED_CLIP:
            answer["Body"].close()
            return None
        return clip, answer["Body"].read(), answer["ContentType"]

    newest = sorted(clips, key=lambda one: -one.start_ms)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for start in range(0, len(newest), AT_ONCE):
            for got in threads.map(fetch, newest[start : start + AT_ONCE]):
                if got is not None and len(got[1]) <= left:
                    left -= len(got[1])
                    held[got[0].key] = f"data:{got[2]};base64,{b64encode(got[1]).decode()}"
            if left < MAX_EMBEDDED_CLIP:
                break
    return [replace(clip, url=held.get(clip.key, "")) for clip in clips]


def lane_use(kinesis: Any, cloudwatch: Any, stream: str, samples: int, from_ms: int, to_ms: int) -> LaneUse:
    """What a data stream took in a range, by its metrics, and what it is."""
    period = 3600 if to_ms - from_ms > 2 * _DAY_SECONDS * 1000 else 60
    sums: Counter[str] = Counter()
    for page in cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[_sum(name, stream, period) for name in ("IncomingRecords", "IncomingBytes")],
        StartTime=_moment(from_ms),
        EndTime=_moment(to_ms),
    ):
        for result in page["MetricDataResults"]:
            sums[result["Id"]] += round(sum(result["Values"]))
    described = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    on_demand = described.get("StreamModeDetails", {}).get("StreamMode") == "ON_DEMAND"
    return LaneUse(
        samples,
        sums["incomingRecords"],
        sums["incomingBytes"],
        None if on_demand else described["OpenShardCount"],
        described["RetentionPeriodHours"],
    )


def _sum(metric: str, stream: str, period: int) -> dict[str, Any]:
    named = {
        "Namespace": "AWS/Kinesis",
        "MetricName": metric,
        "Dimensions": [{"Name": "StreamName", "Value": stream}],
    }
    # An ID begins with a small letter.
    return {"Id": f"i{metric[1:]}", "MetricStat": {"Metric": named, "Period": period, "Stat": "Sum"}}


def _change(item: Any) -> Change:
    data = json.loads(item["HistoryData"])
    before, after = data.get("oldState", {}), data["newState"]
    in_alarm = after if after["stateValue"] == "ALARM" else before
    return Change(
        instant_ms(item["Timestamp"]),
        item["AlarmName"],
        before.get("stateValue", ""),
        after["stateValue"],
        in_alarm.get("stateReason", ""),
    )


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
