"""Delivery streams of Firehose as the modules make them, into the probes' bucket."""

from collections.abc import Mapping
from typing import Any

from factory_lake.conformance import setups
from factory_lake.conformance.context import Context

#: The least that AWS takes: buffers of 60 s with dynamic partitioning, which may take 1.5 times as long.
BUFFER_SECONDS = 60
BUFFER_MB = 64
#: The function's batches, so that a probe waits for one buffer alone.
_BATCH_SECONDS = 5
#: Of the table that rows are converted by. Keys of JSON are lower-cased before they are looked up, as mappings are.
COLUMNS: Mapping[str, str] = {
    "device_id": "string",
    "name": "string",
    "ts": "timestamp",
    "value": "double",
    "number": "bigint",
    "success": "boolean",
}
MAPPINGS: Mapping[str, str] = {"device_id": "deviceid", "ts": "timestamp"}


def stream_name(context: Context, stream: str) -> str:
    """The name of one of the delivery streams."""
    return context.name(f"delivery-{stream}")


def destination(context: Context, stream: str, role: str, function: str, **changed: Any) -> dict[str, Any]:
    """An S3 destination with dynamic partitioning, as the lanes have it."""
    return {
        "RoleARN": role,
        "BucketARN": f"arn:{context.partition}:s3:::{context.shared(setups.bucket)}",
        "Prefix": f"delivered/{stream}/kind=!{{partitionKeyFromLambda:kind}}/",
        "ErrorOutputPrefix": f"errors/{stream}/!{{firehose:error-output-type}}/!{{timestamp:yyyy/MM/dd}}/",
        "BufferingHints": {"SizeInMBs": BUFFER_MB, "IntervalInSeconds": BUFFER_SECONDS},
        "CompressionFormat": "UNCOMPRESSED",
        "DynamicPartitioningConfiguration": {"Enabled": True, "RetryOptions": {"DurationInSeconds": 60}},
        "ProcessingConfiguration": {
            "Enabled": True,
            "Processors": [
                {
                    "Type": "Lambda",
                    "Parameters": [
                        {"ParameterName": name, "ParameterValue": value}
                        for name, value in {
                            "LambdaArn": f"{function}:$LATEST",
                            "BufferSizeInMBs": "1",
                            "BufferIntervalInSeconds": str(_BATCH_SECONDS),
                        }.items()
                    ],
                }
            ],
        },
        **changed,
    }


def converted(table: tuple[str, str], role: str) -> dict[str, Any]:
    """A conversion to Parquet, as the modules have it."""
    return {
        "Enabled": True,
        "SchemaConfiguration": {"RoleARN": role, "DatabaseName": table[0], "TableName": table[1]},
        "InputFormatConfiguration": {
            "Deserializer": {"OpenXJsonSerDe": {"CaseInsensitive": True, "ColumnToJsonKeyMappings": dict(MAPPINGS)}}
        },
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"Compression": "SNAPPY"}}},
    }


def make_table(context: Context) -> tuple[str, str]:
    """The table that rows are converted by: its database and its name."""
    database = context.shared(setups.database)
    context.client("glue").create_table(
        DatabaseName=database,
        TableInput={
            "Name": "rows",
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "parquet"},
            "StorageDescriptor": {
                "Columns": [{"Name": name, "Type": kind} for name, kind in COLUMNS.items()],
                "Location": f"s3://{context.shared(setups.bucket)}/delivered/rows/",
                "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                "SerdeInfo": {
                    "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                    "Parameters": {"serialization.format": "1"},
                },
            },
        },
    )
    return database, "rows"


def make_delivery_stream(context: Context, stream: str, s3: Mapping[str, Any], source: str | None = None) -> None:
    """Make a delivery stream, of a data stream or of what is put into it, once its role is seen."""
    name = context.made("delivery_stream", stream_name(context, stream))
    role = s3["RoleARN"]
    reads = {"KinesisStreamARN": context.arn("kinesis", f"stream/{source}"), "RoleARN": role}
    source_or_direct: dict[str, Any] = (
        {"DeliveryStreamType": "KinesisStreamAsSource", "KinesisStreamSourceConfiguration": reads}
        if source
        else {
            "DeliveryStreamType": "DirectPut",
            "DeliveryStreamEncryptionConfigurationInput": {"KeyType": "AWS_OWNED_CMK"},
        }
    )
    setups.with_role(
        context,
        lambda: context.client("firehose").create_delivery_stream(
            DeliveryStreamName=name,
            **source_or_direct,
            ExtendedS3DestinationConfiguration=dict(s3),
            Tags=context.tag_list,
        ),
        "Firehose to see its role",
    )


def wait_until_active(context: Context, *streams: str) -> None:
    """Return when delivery streams can be used.

    Raises:
        CouldNotTell: They cannot.
    """
    firehose = context.client("firehose")
    for stream in streams:

        def ready(stream: str = stream) -> bool:
            described = firehose.describe_delivery_stream(DeliveryStreamName=stream_name(context, stream))
            return str(described["DeliveryStreamDescription"]["DeliveryStreamStatus"]) == "ACTIVE"

        context.until(ready, 240, f"the delivery stream {stream} to be ACTIVE")


def make_delivery_role(context: Context, of: str, source: str | None = None, function: str | None = None) -> str:
    """A role with what the modules grant (modules/factory_pipeline/delivery.tf)."""
    bucket = f"arn:{context.partition}:s3:::{context.shared(setups.bucket)}"
    database, table = context.shared(make_table)
    statements: list[dict[str, Any]] = [
        {
            "Action": ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
            "Resource": [f"{bucket}/delivered/*", f"{bucket}/errors/*"],
        },
        {"Action": ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads", "s3:ListBucket"], "Resource": bucket},
        {
            "Action": ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"],
            "Resource": [
                context.arn("glue", resource)
                for resource in ("catalog", f"database/{database}", f"table/{database}/{table}")
            ],
        },
    ]
    if source:
        reads = ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"]
        statements.append({"Action": reads, "Resource": context.arn("kinesis", f"stream/{source}")})
    if function:
        calls = ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"]
        statements.append({"Action": calls, "Resource": [function, f"{function}:*"]})
    streams = context.arn("firehose", f"deliverystream/{stream_name(context, '*')}")
    return setups.make_role(
        context,
        of,
        "firehose.amazonaws.com",
        *statements,
        condition={"StringEquals": {"aws:SourceAccount": context.account}, "ArnLike": {"aws:SourceArn": streams}},
    )
