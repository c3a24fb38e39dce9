"""A lake's lanes, found in Terraform's outputs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from factory_lake.errors import OptionError
from factory_lake.gateway.identities import LANES, Lane
from factory_lake.lake import mapping_at, output_at
from factory_lake.redrive.checkpoint import Checkpoints
from factory_lake.redrive.datastream import DataStream
from factory_lake.redrive.objects import LaneParts
from factory_lake.redrive.origins import RejectionLog
from factory_lake.redrive.prediction import Prediction, environment_of
from factory_lake.redrive.sender import Sender

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class LaneClients:
    """What reaches AWS."""

    s3: "S3Client"
    kinesis: "KinesisClient"  # reads data streams
    # Writes them; makes each call once, since boto3's own repeat of a call whose answer was lost would put its records
    # twice.
    sending: "KinesisClient"
    logs: "CloudWatchLogsClient"
    functions: "LambdaClient"


@dataclass(frozen=True)
class LaneNames:
    """The names of one lane's parts."""

    factory: str
    lane: Lane
    bucket: str
    stream: str
    function: str

    @property
    def log_group(self) -> str:
        """The function's log group."""
        return f"/aws/lambda/{self.function}"


@dataclass(frozen=True)
class Settings:
    """How a redrive treats the lanes."""

    rate: float = 500.0  # the most records a second for each data stream
    predict: bool = False
    # Environment variables of the functions, in the place of those that they have.
    overrides: Mapping[str, str] = field(default_factory=dict)


def lanes(outputs: Mapping[str, Any], factories: Sequence[str] = (), only: Lane | None = None) -> Iterator[LaneNames]:
    """The lanes of some factories; of all where none is named.

    Raises:
        LakeError: When an output is missing.
        OptionError: When a factory has no data streams.
    """
    streams = mapping_at(outputs, "data_streams")
    for factory in factories or sorted(streams):
        if factory not in streams:
            raise OptionError(
                "--factory", f"must be one that has data streams ({', '.join(sorted(streams))})", factory
            )
        for lane in LANES:
            if only in (None, lane):
                yield LaneNames(
                    factory,
                    lane,
                    str(output_at(outputs, "buckets", lane)),
                    str(output_at(outputs, "data_streams", factory, lane)),
                    str(output_at(outputs, "transform_functions", factory, lane)),
                )


def parts_of(names: LaneNames, clients: LaneClients, settings: Settings) -> LaneParts:
    """What reaches a lane's parts.

    Raises:
        RedriveError: When the transform refuses a setting.
    """
    return LaneParts(
        names.factory,
        names.lane,
        names.bucket,
        Checkpoints(clients.s3),
        DataStream(clients.kinesis, names.stream),
        Sender(clients.sending, names.stream, settings.rate),
        RejectionLog(clients.logs, names.log_group),
        prediction_of(names, clients, settings) if settings.predict else None,
    )


def prediction_of(names: LaneNames, clients: LaneClients, settings: Settings) -> Prediction:
    """The transform's code with the function's settings and what overrides them.

    Raises:
        RedriveError: When the transform refuses a setting.
    """
    return Prediction({**environment_of(clients.functions, names.function), **settings.overrides})
