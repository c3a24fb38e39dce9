"""What AWS refuses and `terraform validate` does not is refused, with path, rule and value."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.firehose.controlplane import complete, describe_destination
from localcloud.firehose.errors import ConfigError
from localcloud.firehose.settings import MEBIBYTE, read
from localcloud.testing.firehose import ERRORS, ROLE, conversion, description, processing

STATIC = {"Prefix": "logs/", "ErrorOutputPrefix": None, "DynamicPartitioningConfiguration": None}


def test_a_delivery_stream_is_read() -> None:
    settings = read(
        description(DataFormatConversionConfiguration=conversion(ColumnToJsonKeyMappings={"at": "timestamp"}))
    )
    assert settings.bucket == "test-measurements"
    assert settings.prefix.lambda_keys == ("year", "month")
    assert settings.buffer_bytes == 64 * MEBIBYTE
    assert settings.dynamic
    assert settings.transform is not None
    assert (settings.transform.retries, settings.transform.buffer_seconds) == (3, 60)
    assert settings.transform.buffer_bytes == MEBIBYTE
    assert settings.conversion is not None
    assert (settings.conversion.table, settings.conversion.version) == ("measurements", "LATEST")
    assert settings.conversion.key_mappings == {"at": "timestamp"}


def test_without_hints_the_buffer_has_the_documented_size() -> None:
    assert read(description(**STATIC, BufferingHints=None)).buffer_bytes == 5 * MEBIBYTE
    assert read(description(BufferingHints=None)).buffer_bytes == 128 * MEBIBYTE


def test_processing_that_is_disabled_is_no_transform() -> None:
    assert read(description(**STATIC, ProcessingConfiguration={"Enabled": False})).transform is None


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("BufferingHints.SizeInMBs", {"BufferingHints": {"SizeInMBs": 63, "IntervalInSeconds": 60}}),
        ("BufferingHints.SizeInMBs", {"BufferingHints": {"SizeInMBs": 129, "IntervalInSeconds": 60}}),
        ("BufferingHints.IntervalInSeconds", {"BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 901}}),
        ("BufferingHints.IntervalInSeconds", {"BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 59}}),
        ("BufferingHints must give both", {"BufferingHints": {"SizeInMBs": 64}}),
        ("ErrorOutputPrefix is required", {"ErrorOutputPrefix": None}),
        ("ErrorOutputPrefix must contain", {"ErrorOutputPrefix": "errors/!{timestamp:yyyy}/"}),
        ("ErrorOutputPrefix must not", {"ErrorOutputPrefix": ERRORS + "!{partitionKeyFromLambda:year}/"}),
        ("Prefix must not", {"Prefix": "!{firehose:error-output-type}/"}),
        ("Prefix must contain partition keys", {"Prefix": "station=krakow/"}),
        ("Prefix is not valid", {"Prefix": "!{partitionKeyFromQuery:year}/"}),
        ("DynamicPartitioningConfiguration must be enabled", {"DynamicPartitioningConfiguration": None}),
        (
            "DurationInSeconds",
            {"DynamicPartitioningConfiguration": {"Enabled": True, "RetryOptions": {"DurationInSeconds": 7201}}},
        ),
        ("ProcessingConfiguration must give the partition keys", {"ProcessingConfiguration": {"Enabled": False}}),
        ("LambdaArn", {"ProcessingConfiguration": processing(LambdaArn="transform")}),
        ("NumberOfRetries", {"ProcessingConfiguration": processing(NumberOfRetries="301")}),
        ("BufferSizeInMBs", {"ProcessingConfiguration": processing(BufferSizeInMBs="3.5")}),
        ("BufferSizeInMBs", {"ProcessingConfiguration": processing(BufferSizeInMBs="lots")}),
        ("BufferIntervalInSeconds", {"ProcessingConfiguration": processing(BufferIntervalInSeconds="901")}),
        ("Processors.RoleArn", {"ProcessingConfiguration": processing(RoleArn="nobody")}),
        (
            "at most one Lambda",
            {"ProcessingConfiguration": {"Enabled": True, "Processors": processing()["Processors"] * 2}},
        ),
        (
            "must be of Type Lambda",
            {"ProcessingConfiguration": {"Enabled": True, "Processors": [{"Type": "MetadataExtraction"}]}},
        ),
        ("RoleARN", {"RoleARN": "arn:aws:iam::1:user/x"}),
        ("BucketARN", {"BucketARN": "test-measurements"}),
        ("CompressionFormat", {"CompressionFormat": "GZIP"}),
        ("S3BackupMode", {"S3BackupMode": "Enabled"}),
        ("CustomTimeZone", {"CustomTimeZone": "Europe/Warsaw"}),
        ("FileExtension", {"FileExtension": ".jsonl"}),
        ("EncryptionConfiguration", {"EncryptionConfiguration": {"KMSEncryptionConfig": {"AWSKMSKeyARN": "arn"}}}),
        ("CloudWatchLoggingOptions", {"CloudWatchLoggingOptions": {"Enabled": True, "LogGroupName": "g"}}),
    ],
)
def test_what_aws_refuses_is_refused_by_its_path(path: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as refused:
        read(description(**changes))
    assert path in str(refused.value)


def _converting(*keys: str, value: Any) -> dict[str, Any]:
    changed = conversion()
    inner = changed
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("path", "configuration"),
    [
        ("SchemaConfiguration.TableName", _converting("SchemaConfiguration", "TableName", value="")),
        ("SchemaConfiguration.RoleARN", _converting("SchemaConfiguration", "RoleARN", value="me")),
        ("Deserializer", _converting("InputFormatConfiguration", "Deserializer", value={"HiveJsonSerDe": {}})),
        ("Serializer", _converting("OutputFormatConfiguration", "Serializer", value={"OrcSerDe": {}})),
        (
            "Compression",
            _converting("OutputFormatConfiguration", "Serializer", "ParquetSerDe", value={"Compression": "GZIP"}),
        ),
        ("CaseInsensitive must be true", conversion(CaseInsensitive=False)),
        ("ConvertDots", conversion(ConvertDotsInJsonKeysToUnderscores=True)),
        (
            "ColumnToJsonKeyMappings['device_id'] must be lower case",
            conversion(ColumnToJsonKeyMappings={"device_id": "deviceID"}),
        ),
    ],
)
def test_a_conversion_that_cannot_work_is_refused(path: str, configuration: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as refused:
        read(description(DataFormatConversionConfiguration=configuration))
    assert path in str(refused.value)


def test_a_conversion_needs_a_large_buffer_and_no_compression() -> None:
    small = {"SizeInMBs": 63, "IntervalInSeconds": 60}
    for changes in ({"BufferingHints": small}, {"CompressionFormat": "Snappy"}):
        with pytest.raises(ConfigError, match="when format conversion is enabled"):
            read(description(**STATIC, DataFormatConversionConfiguration=conversion(), **changes))


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("DeliveryStreamName", {"DeliveryStreamName": "test/krakow"}),
        ("DeliveryStreamType", {"DeliveryStreamType": "MSKAsSource"}),
        ("ProcessingConfiguration must be left out", {"DeliveryStreamType": "DirectPut"}),
        ("ExtendedS3DestinationConfiguration is required", {"Destinations": []}),
        ("KinesisStreamARN", {"Source": {"KinesisStreamSourceDescription": {"RoleARN": ROLE}}}),
    ],
)
def test_a_stream_that_cannot_be_served_is_refused(path: str, change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=path):
        read({**description(), **change})


def test_a_description_has_the_defaults_that_aws_fills_in() -> None:
    """Terraform compares them at every plan: a missing one is a permanent difference."""
    given = {
        "RoleARN": ROLE,
        "BucketARN": "arn:aws:s3:::test",
        "DynamicPartitioningConfiguration": {"Enabled": True},
        "ProcessingConfiguration": processing(NumberOfRetries="1"),
    }
    described = describe_destination({"id": "destinationId-1", "config": complete(given)})
    s3 = described["ExtendedS3DestinationDescription"]
    assert s3["BufferingHints"] == {"SizeInMBs": 128, "IntervalInSeconds": 300}
    assert (s3["CompressionFormat"], s3["CustomTimeZone"], s3["S3BackupMode"]) == ("UNCOMPRESSED", "UTC", "Disabled")
    assert s3["DynamicPartitioningConfiguration"]["RetryOptions"] == {"DurationInSeconds": 300}
    parameters = s3["ProcessingConfiguration"]["Processors"][0]["Parameters"]
    values = {one["ParameterName"]: one["ParameterValue"] for one in parameters}
    del values["LambdaArn"]
    assert values == {"NumberOfRetries": "1", "RoleArn": ROLE, "BufferSizeInMBs": "1", "BufferIntervalInSeconds": "60"}
    assert described["S3DestinationDescription"]["BucketARN"] == "arn:aws:s3:::test"
    assert complete(s3) == s3
