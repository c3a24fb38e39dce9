"""The settings of a delivery stream, read from its description and checked as AWS checks it.

One reading serves both ends: the control plane refuses what cannot be read, the delivery engine delivers by
what was read. Limits are those of the Firehose API reference (ExtendedS3DestinationConfiguration,
BufferingHints, ProcessorParameter, DataFormatConversionConfiguration, DynamicPartitioningConfiguration) and
of the Developer Guide's pages on prefixes, dynamic partitioning and record format conversion. What the local
Firehose does not do is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localcloud.firehose.errors import ConfigError, PrefixError
from localcloud.firehose.prefix import ERROR_TYPE, Prefix

KINESIS_SOURCE = "KinesisStreamAsSource"
DIRECT_PUT = "DirectPut"
MEBIBYTE = 1 << 20
MIN_CONVERSION_MB = 64
"""Smallest BufferingHints.SizeInMBs with format conversion or dynamic partitioning."""
MIN_PARTITIONING_SECONDS = 60
"""Smallest BufferingHints.IntervalInSeconds with dynamic partitioning, which has no zero buffering."""

_S3 = "ExtendedS3DestinationConfiguration"
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")
_BUCKET = re.compile(r"arn:aws[a-z-]*:s3:::([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])")
_STREAM = re.compile(r"arn:aws[a-z-]*:kinesis:[a-z0-9-]+:\d{12}:stream/[\w.-]{1,128}")
_FUNCTION = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w-]{1,64}(:[\w$-]+)?")
_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")


@dataclass(frozen=True)
class Transform:
    """The Lambda processor.

    Attributes:
        retries: Invocations after the first that failed.
        buffer_bytes: Record data that makes a batch due.
        buffer_seconds: Age of the oldest record that makes a batch due.
    """

    function_arn: str
    role_arn: str
    retries: int
    buffer_bytes: int
    buffer_seconds: float


@dataclass(frozen=True)
class Conversion:
    """JSON to Parquet by a Glue table.

    Attributes:
        catalog_id: AWS account of the catalog, None for the role's own.
        region: Region of the catalog, None for Firehose's own.
        version: `LATEST` or a table version.
        key_mappings: Column name to the JSON key that feeds it.
    """

    role_arn: str
    database: str
    table: str
    catalog_id: str | None
    region: str | None
    version: str
    key_mappings: Mapping[str, str]


@dataclass(frozen=True)
class Settings:
    """A delivery stream to S3, from a Kinesis stream or from producers that put records into it.

    Attributes:
        version: VersionId, part of every object's name.
        started: When Firehose began to read the source.
        source_arn: The Kinesis stream; None with Direct PUT.
        source_role_arn: Role that Firehose assumes to read it; None with Direct PUT.
        error_output_prefix: Prefix of error objects, None where the default holds.
        buffer_bytes: Record data that makes a buffer due.
        buffer_seconds: Age of a buffer's first record that makes it due.
        dynamic: Whether records are partitioned by keys from the transform function.
        error_log: CloudWatch log group and log stream, None where logging is off.
    """

    name: str
    arn: str
    version: str
    started: datetime
    source_arn: str | None
    source_role_arn: str | None
    role_arn: str
    bucket: str
    prefix: Prefix
    error_output_prefix: Prefix | None
    buffer_bytes: int
    buffer_seconds: float
    dynamic: bool
    transform: Transform | None
    conversion: Conversion | None
    error_log: tuple[str, str] | None

    @property
    def region(self) -> str:
        """The delivery stream's region."""
        return self.arn.split(":")[3]


def read(description: Mapping[str, Any]) -> Settings:
    """Settings of the delivery stream that `DeliveryStreamDescription` describes.

    Raises:
        ConfigError: AWS refuses such a delivery stream, or the local Firehose cannot serve it.
    """
    name = description["DeliveryStreamName"]
    if not _NAME.fullmatch(name):
        raise ConfigError("DeliveryStreamName", "must be 1-64 letters, digits, '_', '.' or '-'", name)
    if description.get("DeliveryStreamType") not in (KINESIS_SOURCE, DIRECT_PUT):
        raise ConfigError(
            "DeliveryStreamType",
            f"must be {KINESIS_SOURCE} or {DIRECT_PUT}: the local Firehose has no other sources",
            description.get("DeliveryStreamType"),
        )
    source_arn, source_role_arn, started = _source(description)
    destinations = description.get("Destinations") or []
    s3 = destinations[0].get("ExtendedS3DestinationDescription") if destinations else None
    if s3 is None:
        raise ConfigError(_S3, "is required: the local Firehose delivers to S3 only")
    dynamic = bool((s3.get("DynamicPartitioningConfiguration") or {}).get("Enabled"))
    conversion = _conversion(s3.get("DataFormatConversionConfiguration") or {})
    role_arn = _match(_ROLE, s3, f"{_S3}.RoleARN", "must be the ARN of an IAM role")
    transform = _processing(s3.get("ProcessingConfiguration") or {}, role_arn)
    prefix, error_output_prefix = _prefixes(s3)
    if transform is not None and source_arn is None:
        rule = "must be left out with DirectPut: the local Firehose transforms records of data streams only"
        raise ConfigError(f"{_S3}.ProcessingConfiguration", rule)
    _check_partitioning(s3, dynamic, prefix, transform)
    _check_unsupported(s3, converts=conversion is not None)
    buffer_bytes, buffer_seconds = _buffering(s3, dynamic, converts=conversion is not None)
    bucket = _BUCKET.fullmatch(str(s3.get("BucketARN")))
    if bucket is None:
        raise ConfigError(f"{_S3}.BucketARN", "must be the ARN of an S3 bucket", s3.get("BucketARN"))
    return Settings(
        name=name,
        arn=description["DeliveryStreamARN"],
        version=str(description["VersionId"]),
        started=started,
        source_arn=source_arn,
        source_role_arn=source_role_arn,
        role_arn=role_arn,
        bucket=bucket[1],
        prefix=prefix,
        error_output_prefix=error_output_prefix,
        buffer_bytes=buffer_bytes,
        buffer_seconds=buffer_seconds,
        dynamic=dynamic,
        transform=transform,
        conversion=conversion,
        error_log=_error_log(s3.get("CloudWatchLoggingOptions") or {}),
    )


def _source(description: Mapping[str, Any]) -> tuple[str | None, str | None, datetime]:
    """Data stream and role of a source in Kinesis, and since when the delivery stream reads."""
    if description["DeliveryStreamType"] == DIRECT_PUT:
        return None, None, _time(description.get("CreateTimestamp"))
    source = (description.get("Source") or {}).get("KinesisStreamSourceDescription") or {}
    path = "KinesisStreamSourceConfiguration"
    return (
        _match(_STREAM, source, f"{path}.KinesisStreamARN", "must be the ARN of a Kinesis data stream"),
        _match(_ROLE, source, f"{path}.RoleARN", "must be the ARN of an IAM role"),
        _time(source.get("DeliveryStartTimestamp")),
    )


def _time(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    return datetime.fromtimestamp(float(value or 0), tz=UTC)


def _match(pattern: re.Pattern[str], container: Mapping[str, Any], path: str, rule: str) -> str:
    value = container.get(path.rsplit(".", 1)[-1])
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ConfigError(path, rule, value)
    return value


def _prefixes(s3: Mapping[str, Any]) -> tuple[Prefix, Prefix | None]:
    prefix = _prefix(s3, "Prefix")
    errors = _prefix(s3, "ErrorOutputPrefix") if s3.get("ErrorOutputPrefix") else None
    if ERROR_TYPE in prefix.text:
        raise ConfigError(f"{_S3}.Prefix", "must not contain !{firehose:error-output-type}", s3.get("Prefix"))
    if errors is None:
        if prefix.has_expressions:
            raise ConfigError(f"{_S3}.ErrorOutputPrefix", "is required when Prefix contains expressions")
        return prefix, None
    if errors.lambda_keys:
        raise ConfigError(f"{_S3}.ErrorOutputPrefix", "must not contain partition keys", s3.get("ErrorOutputPrefix"))
    if errors.has_expressions and ERROR_TYPE not in errors.text:
        raise ConfigError(
            f"{_S3}.ErrorOutputPrefix",
            "must contain !{firehose:error-output-type} when it contains expressions",
            s3.get("ErrorOutputPrefix"),
        )
    return prefix, errors


def _prefix(s3: Mapping[str, Any], key: str) -> Prefix:
    try:
        return Prefix(s3.get(key) or "")
    except PrefixError as error:
        raise ConfigError(f"{_S3}.{key}", f"is not valid: {error}") from error


def _check_partitioning(s3: Mapping[str, Any], dynamic: bool, prefix: Prefix, transform: Transform | None) -> None:
    path = f"{_S3}.DynamicPartitioningConfiguration"
    if dynamic and not prefix.lambda_keys:
        raise ConfigError(
            f"{_S3}.Prefix", "must contain partition keys when dynamic partitioning is enabled", s3.get("Prefix")
        )
    if dynamic and not s3.get("ErrorOutputPrefix"):
        raise ConfigError(f"{_S3}.ErrorOutputPrefix", "is required when dynamic partitioning is enabled")
    if dynamic and transform is None:
        raise ConfigError(
            f"{_S3}.ProcessingConfiguration", "must give the partition keys that Prefix uses: a Lambda processor"
        )
    if not dynamic and prefix.lambda_keys:
        raise ConfigError(path, "must be enabled when Prefix contains partition keys")
    retry = ((s3.get("DynamicPartitioningConfiguration") or {}).get("RetryOptions") or {}).get(
        "DurationInSeconds", 300
    )
    _between(retry, 0, 7200, f"{path}.RetryOptions.DurationInSeconds")


def _check_unsupported(s3: Mapping[str, Any], converts: bool) -> None:
    encryption = (s3.get("EncryptionConfiguration") or {}).get("KMSEncryptionConfig")
    compression = (
        "must be UNCOMPRESSED when format conversion is enabled"
        if converts
        else "must be UNCOMPRESSED: the local Firehose does not compress objects"
    )
    for key, value, only, rule in (
        ("CompressionFormat", s3.get("CompressionFormat"), "UNCOMPRESSED", compression),
        (
            "S3BackupMode",
            s3.get("S3BackupMode"),
            "Disabled",
            "must be Disabled: the local Firehose keeps no raw backup",
        ),
        ("CustomTimeZone", s3.get("CustomTimeZone"), "UTC", "must be UTC: the local Firehose knows no other"),
        ("FileExtension", s3.get("FileExtension"), "", "must be empty: the local Firehose takes the default one"),
        ("EncryptionConfiguration", encryption, "", "must be the bucket's own: the local Firehose names no key"),
    ):
        if (value or only) != only:
            raise ConfigError(f"{_S3}.{key}", rule, value)


def _error_log(options: Mapping[str, Any]) -> tuple[str, str] | None:
    if not options.get("Enabled"):
        return None
    group, stream = options.get("LogGroupName"), options.get("LogStreamName")
    if not group or not stream:
        raise ConfigError(f"{_S3}.CloudWatchLoggingOptions", "must name LogGroupName and LogStreamName when enabled")
    return group, stream


def _buffering(s3: Mapping[str, Any], dynamic: bool, converts: bool) -> tuple[int, float]:
    hints = s3.get("BufferingHints") or {}
    path = f"{_S3}.BufferingHints"
    if len({"SizeInMBs", "IntervalInSeconds"} & set(hints)) == 1:
        raise ConfigError(path, "must give both SizeInMBs and IntervalInSeconds, or neither", dict(hints))
    size = _between(hints.get("SizeInMBs", default_size(dynamic, converts)), 1, 128, f"{path}.SizeInMBs")
    seconds = _between(hints.get("IntervalInSeconds", 300), 0, 900, f"{path}.IntervalInSeconds")
    if size < MIN_CONVERSION_MB and (dynamic or converts):
        what = "format conversion" if converts else "dynamic partitioning"
        raise ConfigError(f"{path}.SizeInMBs", f"must be at least {MIN_CONVERSION_MB} when {what} is enabled", size)
    if seconds < MIN_PARTITIONING_SECONDS and dynamic:
        rule = f"must be at least {MIN_PARTITIONING_SECONDS} when dynamic partitioning is enabled"
        raise ConfigError(f"{path}.IntervalInSeconds", rule, seconds)
    return int(size * MEBIBYTE), seconds


def default_size(dynamic: bool, converts: bool) -> int:
    """BufferingHints.SizeInMBs where none is given, in MiB."""
    return 128 if dynamic or converts else 5


def _between(value: Any, low: float, high: float, path: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not low <= number <= high:
        raise ConfigError(path, f"must be {low:g} to {high:g}", value)
    return number


def _processing(configuration: Mapping[str, Any], role_arn: str) -> Transform | None:
    if not configuration.get("Enabled"):
        return None
    path = f"{_S3}.ProcessingConfiguration.Processors"
    processors: Sequence[Mapping[str, Any]] = configuration.get("Processors") or []
    for processor in processors:
        if processor.get("Type") != "Lambda":
            raise ConfigError(path, "must be of Type Lambda: the local Firehose has no others", processor.get("Type"))
    if len(processors) > 1:
        raise ConfigError(path, "must have at most one Lambda processor")
    if not processors:
        return None
    given = processors[0].get("Parameters") or []
    return _transform({one["ParameterName"]: one["ParameterValue"] for one in given}, role_arn, path)


def _transform(parameters: Mapping[str, str], role_arn: str, path: str) -> Transform:
    function = parameters.get("LambdaArn", "")
    if not _FUNCTION.fullmatch(function):
        raise ConfigError(f"{path}.LambdaArn", "must be the ARN of a Lambda function", function)
    role = parameters.get("RoleArn", role_arn)
    if not _ROLE.fullmatch(role):
        raise ConfigError(f"{path}.RoleArn", "must be the ARN of an IAM role", role)
    size = _between(parameters.get("BufferSizeInMBs", 1), 0.2, 3, f"{path}.BufferSizeInMBs")
    return Transform(
        function_arn=function,
        role_arn=role,
        retries=int(_between(parameters.get("NumberOfRetries", 3), 0, 300, f"{path}.NumberOfRetries")),
        buffer_bytes=int(size * MEBIBYTE),
        buffer_seconds=_between(
            parameters.get("BufferIntervalInSeconds", 60), 0, 900, f"{path}.BufferIntervalInSeconds"
        ),
    )


def _conversion(configuration: Mapping[str, Any]) -> Conversion | None:
    if not configuration or not configuration.get("Enabled", True):
        return None
    path = f"{_S3}.DataFormatConversionConfiguration"
    schema = configuration.get("SchemaConfiguration") or {}
    for key in ("RoleARN", "DatabaseName", "TableName"):
        if not schema.get(key):
            raise ConfigError(f"{path}.SchemaConfiguration.{key}", "is required when format conversion is enabled")
    deserializer = (configuration.get("InputFormatConfiguration") or {}).get("Deserializer") or {}
    if deserializer.get("OpenXJsonSerDe") is None:
        rule = "must be OpenXJsonSerDe: the local Firehose reads JSON by no other"
        raise ConfigError(f"{path}.InputFormatConfiguration.Deserializer", rule, sorted(deserializer))
    serializer = (configuration.get("OutputFormatConfiguration") or {}).get("Serializer") or {}
    if serializer.get("ParquetSerDe") is None:
        rule = "must be ParquetSerDe: the local Firehose writes no other format"
        raise ConfigError(f"{path}.OutputFormatConfiguration.Serializer", rule, sorted(serializer))
    compression = serializer["ParquetSerDe"].get("Compression") or "SNAPPY"
    if compression != "SNAPPY":
        rule = "must be SNAPPY: the local Firehose compresses by no other"
        raise ConfigError(f"{path}.OutputFormatConfiguration.Serializer.ParquetSerDe.Compression", rule, compression)
    return Conversion(
        role_arn=_match(_ROLE, schema, f"{path}.SchemaConfiguration.RoleARN", "must be the ARN of an IAM role"),
        database=schema["DatabaseName"],
        table=schema["TableName"],
        catalog_id=schema.get("CatalogId"),
        region=schema.get("Region"),
        version=schema.get("VersionId") or "LATEST",
        key_mappings=_key_mappings(
            deserializer["OpenXJsonSerDe"], f"{path}.InputFormatConfiguration.Deserializer.OpenXJsonSerDe"
        ),
    )


def _key_mappings(serde: Mapping[str, Any], path: str) -> dict[str, str]:
    if not serde.get("CaseInsensitive", True):
        raise ConfigError(
            f"{path}.CaseInsensitive", "must be true: the local Firehose reads keys in no other way", False
        )
    if serde.get("ConvertDotsInJsonKeysToUnderscores"):
        rule = "must be false: the local Firehose leaves dots in keys"
        raise ConfigError(f"{path}.ConvertDotsInJsonKeysToUnderscores", rule, True)
    mappings = serde.get("ColumnToJsonKeyMappings") or {}
    for column, key in mappings.items():
        if key != key.lower():
            # Keys are lower-cased before the mapping is applied: this column would be NULL in every row, silently.
            rule = "must be lower case while CaseInsensitive is true, for JSON keys are lower-cased first"
            raise ConfigError(f"{path}.ColumnToJsonKeyMappings[{column!r}]", rule, key)
    return dict(mappings)
