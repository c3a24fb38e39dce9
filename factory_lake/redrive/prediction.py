"""What the transform would make of a message now: its own code, run here with a function's settings."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factory_lake.gateway.batches import samples_of
from factory_lake.redrive.errors import RedriveError
from factory_lake.redrive.restore import SCHEMAS
from lambda_common.settings import SettingsError
from transform.batch import Transform
from transform.errors import TransformError
from transform.events import FirehoseRecord
from transform.report import Report
from transform.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

PACKAGE = Path(__file__).resolve().parents[2] / "build" / "packages" / "transform.zip"


@dataclass(frozen=True)
class Verdict:
    """What the transform says of a message, or of one sample of a batch."""

    payload: bytes  # the message's bytes, or the sample's
    line: bytes | None  # the line that it makes; None when it refuses the message
    rule: str | None  # the rule that the message breaks; None when it is taken
    day: tuple[int, int, int] | None  # the partition `(year, month, day)` of its row; None when it is refused


class Prediction:
    """The transform of one lane of one factory."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Start the transform.

        Raises:
            RedriveError: When the transform refuses a setting.
        """
        try:
            settings = Settings.from_env(environment)
            self._lane = settings.lane
            self._transform = Transform(settings, str(SCHEMAS), Report(settings, self._hear))
        except (SettingsError, TransformError) as error:
            raise RedriveError("the transform's settings", str(error)) from error
        self._rule: str | None = None

    def verdicts(self, payload: bytes, partition_key: str, arrival_ms: int) -> list[Verdict]:
        """Ask about one message, or about each sample of a batch: it fares as if it had come alone."""
        samples = samples_of(payload) if self._lane == "measurements" else [payload]
        return [self._verdict(sample, partition_key, arrival_ms) for sample in samples]

    def refusal(self, payload: bytes, partition_key: str, arrival_ms: int) -> str | None:
        """The rule by which nothing of a message would be taken; None where something would be."""
        verdicts = self.verdicts(payload, partition_key, arrival_ms)
        return verdicts[0].rule if all(one.line is None for one in verdicts) else None

    def _verdict(self, payload: bytes, partition_key: str, arrival_ms: int) -> Verdict:
        record: FirehoseRecord = {
            "recordId": "1",
            "data": base64.b64encode(payload).decode(),
            "approximateArrivalTimestamp": arrival_ms,
            "kinesisRecordMetadata": {"partitionKey": partition_key},
        }
        self._rule = None
        (answer,) = self._transform.answer({"records": [record]})["records"]
        if answer["result"] != "Ok":
            return Verdict(payload, None, self._rule, None)
        keys = answer["metadata"]["partitionKeys"]
        day = (int(keys["year"]), int(keys["month"]), int(keys["day"]))
        return Verdict(payload, base64.b64decode(answer["data"]), None, day)

    def _hear(self, line: str) -> None:
        said: dict[str, Any] = json.loads(line)
        if said.get("message") == "record rejected":
            self._rule = said["rule"]


def environment_of(functions: "LambdaClient", name: str) -> dict[str, str]:
    """A function's environment variables.

    Raises:
        RedriveError: They are encrypted with a key that the caller may not use; the answer then lacks them, without
            being an error.
    """
    environment = functions.get_function_configuration(FunctionName=name).get("Environment", {})
    if "Error" in environment:
        raise RedriveError(f"environment of {name}", f"cannot be read: {environment['Error'].get('ErrorCode')}")
    return dict(environment.get("Variables", {}))


def is_deployed(functions: "LambdaClient", name: str, package: Path = PACKAGE) -> bool | None:
    """Whether a function runs the package that was built here; None when none was built."""
    try:
        digest = hashlib.sha256(package.read_bytes()).digest()
    except FileNotFoundError:
        return None
    code = functions.get_function_configuration(FunctionName=name)["CodeSha256"]
    return code == base64.b64encode(digest).decode()
