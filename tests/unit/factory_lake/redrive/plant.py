"""A lane whose error objects, log lines and stream records a test makes by hand."""

import base64
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from factory_lake.redrive.checkpoint import Checkpoints
from factory_lake.redrive.datastream import DataStream, StreamRecord
from factory_lake.redrive.findings import Findings
from factory_lake.redrive.lake import LaneNames
from factory_lake.redrive.lines import list_objects, read_lines
from factory_lake.redrive.objects import LaneParts, ObjectRedrive, Options
from factory_lake.redrive.origins import RejectionLog
from factory_lake.redrive.prediction import Prediction
from factory_lake.redrive.sender import Sender
from tests.unit.factory_lake.fixtures import Clock
from tests.unit.transform.support import SCHEMAS, record, spell
from tests.unit.transform.support import sample as message
from transform.batch import Transform
from transform.report import Report
from transform.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef
    from mypy_boto3_s3 import S3Client

REGION: Literal["eu-central-1"] = "eu-central-1"
LANE = LaneNames(
    "krakow", "measurements", "lake-measurements", "lake-krakow-measurements", "lake-krakow-measurements-transform"
)
ENVIRONMENT = {"FACTORY": "krakow", "LANE": "measurements", "STREAM_NAME": "lake"}
# When the messages came. CloudWatch Logs takes no lines from long ago.
ARRIVAL = time.time_ns() // 1_000_000 - 3_600_000
TODAY = datetime.fromtimestamp(ARRIVAL // 1000, UTC).date()
DAY = TODAY.strftime("%Y/%m/%d")
# How long after its arrival a record of these tests was tried for the last time.
TRIED_MS = 400


def sample(number: int, **changes: Any) -> bytes:
    return spell(message(**{"tagName": f"tag-{number}", "timestamp": ARRIVAL, **changes})).encode()


@dataclass
class Plant:
    """The lane."""

    s3: "S3Client"
    kinesis: "KinesisClient"
    logs: "CloudWatchLogsClient"
    prediction: Prediction | None = None
    most_records: int = 500
    clock: Clock = field(default_factory=Clock)
    objects: int = 0

    def reject(self, *payloads: bytes, gateway: str | None = "line-1", arrival_ms: int = ARRIVAL) -> str:
        """Have the transform's code refuse messages: their error object and the function's log."""
        key = "put-by-hand" if gateway is None else f"{arrival_ms}/{gateway}/5c2f7a10"
        lines: list[str] = []
        settings = Settings(factory="krakow", lane="measurements")
        transform = Transform(settings, SCHEMAS, Report(settings, lines.append))
        records = [record(payload, number, key) for number, payload in enumerate(payloads)]
        for one in records:
            one["approximateArrivalTimestamp"] = arrival_ms + 250
        answers = transform.answer({"records": records})["records"]
        assert [one["result"] for one in answers] == ["ProcessingFailed"] * len(payloads)
        events: list[InputLogEventTypeDef] = [{"timestamp": arrival_ms + 300, "message": line} for line in lines]
        self.logs.put_log_events(logGroupName=LANE.log_group, logStreamName="1", logEvents=events)
        return self.fail(*payloads, arrival_ms=arrival_ms + 250)

    def fail(self, *payloads: bytes, kind: str = "processing-failed", arrival_ms: int = ARRIVAL + 250) -> str:
        documents = [
            {
                "attemptsMade": 1,
                "arrivalTimestamp": arrival_ms,
                "errorCode": "Lambda.Code",
                "errorMessage": "a text with }{ in it",
                "attemptEndingTimestamp": arrival_ms + TRIED_MS,
                "rawData": base64.b64encode(payload).decode(),
            }
            for payload in payloads
        ]
        return self.put(f"{kind}/{DAY}", "".join(json.dumps(one) + "\n" for one in documents).encode())

    def error_action(self, payload: bytes, at_ms: int = ARRIVAL, gateway: str = "line-1") -> str:
        document = {
            "ruleName": "lake__krakow__measurements",
            "topic": f"factories/krakow/{gateway}/measurements",
            "base64OriginalPayload": base64.b64encode(payload).decode(),
            "failures": [{"failedAction": "KinesisAction", "errorMessage": "throttled"}],
        }
        key = f"errors/factory=krakow/measurements/iot-rule/{DAY}/{at_ms}-{gateway}-{len(payload)}.json"
        self.s3.put_object(Bucket=LANE.bucket, Key=key, Body=json.dumps(document).encode())
        return key

    def put(self, place: str, body: bytes) -> str:
        self.objects += 1
        key = f"errors/factory=krakow/measurements/{place}/object-{self.objects:03}"
        self.s3.put_object(Bucket=LANE.bucket, Key=key, Body=body)
        return key

    def parts(self) -> LaneParts:
        sender = Sender(self.kinesis, LANE.stream, self.most_records, clock=self.clock, sleep=self.clock.sleep)
        stream = DataStream(self.kinesis, LANE.stream, self.clock.sleep)
        log = RejectionLog(self.logs, LANE.log_group)
        return LaneParts(
            LANE.factory, LANE.lane, LANE.bucket, Checkpoints(self.s3), stream, sender, log, self.prediction
        )

    def redrive(
        self, options: Options | None = None, run: str = "run", clock_ms: Callable[[], int] | None = None
    ) -> Findings:
        findings = Findings()
        redrive = ObjectRedrive(
            self.parts(),
            options or Options(apply=True),
            findings,
            run,
            clock_ms or (lambda: time.time_ns() // 1_000_000),
            self.clock.sleep,
        )
        objects = list_objects(self.s3, LANE.bucket, LANE.factory, LANE.lane)
        redrive.redrive(objects, partial(read_lines, self.s3))
        return findings

    def stream(self) -> list[StreamRecord]:
        return list(DataStream(self.kinesis, LANE.stream, self.clock.sleep).read(0))

    def taken(self) -> Counter[tuple[str, str, bytes]]:
        keys = [(one.partition_key.split("/"), one.data) for one in self.stream()]
        return Counter((key[0], key[1], data) for key, data in keys)
