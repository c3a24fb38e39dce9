"""Firehose's control plane: MiniStack's, made to refuse what AWS refuses and to describe what AWS describes.

MiniStack keeps the delivery streams (names, versions, tags); of its module ``ministack.services.firehose``
this replaces:

- ``_create_delivery_stream``, ``_update_destination``: accepted whatever they were given. Now the
  configuration is read as the delivery engine reads it, and roles must be assumable by Firehose.
- ``_dest_description``: left out what it did not know (CustomTimeZone, FileExtension, the S3 twin of an extended
  destination), so that Terraform saw a difference at every plan. Lambda processors get their default parameters.
- ``_put_record``, ``_put_record_batch``: delivered each record as an object of its own. The delivery engine fetches
  the records by ``POST /_localcloud/firehose/records`` instead.
- these two, ``_start_delivery_stream_encryption`` and ``_stop_delivery_stream_encryption`` are not for delivery
  streams with a Kinesis source.
- ``ingest_from_kinesis_source``: delivered each record of a data stream as an object of its own. The delivery
  engine reads the data streams instead.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ministack.core.responses import json_response
from ministack.services import firehose

from localcloud.control import PREFIX, Answer, route
from localcloud.credentials import AssumeRoleError, assume_role
from localcloud.firehose.clients import SERVICE
from localcloud.firehose.direct import Intake, IntakeError, decoded, decoded_batch
from localcloud.firehose.errors import ConfigError
from localcloud.firehose.settings import DIRECT_PUT, Settings, default_size, read

_DESTINATION = "ExtendedS3DestinationConfiguration"
_UPDATE = "ExtendedS3DestinationUpdate"
_PROCESSOR_DEFAULTS = {"NumberOfRetries": "3", "BufferSizeInMBs": "1", "BufferIntervalInSeconds": "60"}
_S3_FIELDS = (
    "BucketARN",
    "BufferingHints",
    "CloudWatchLoggingOptions",
    "CompressionFormat",
    "EncryptionConfiguration",
    "ErrorOutputPrefix",
    "Prefix",
    "RoleARN",
)

Response = tuple[int, dict[str, str], bytes]
Operation = Callable[[dict[str, Any]], Response]

_intakes: dict[str, Intake] = {}
"""Of the delivery streams with Direct PUT, by name. The local cloud has one account and one region."""


def install(_: Any) -> None:
    """Replace MiniStack's functions."""
    firehose.ingest_from_kinesis_source = _leave_to_the_engine
    firehose._dest_description = describe_destination
    operations = {
        "CreateDeliveryStream": _create(firehose._create_delivery_stream),
        "UpdateDestination": _update(firehose._update_destination),
        "PutRecord": _direct_put_only("PutRecord", _put_record),
        "PutRecordBatch": _direct_put_only("PutRecordBatch", _put_record_batch),
        "StartDeliveryStreamEncryption": _direct_put_only(
            "StartDeliveryStreamEncryption", firehose._start_delivery_stream_encryption
        ),
        "StopDeliveryStreamEncryption": _direct_put_only(
            "StopDeliveryStreamEncryption", firehose._stop_delivery_stream_encryption
        ),
    }
    firehose._HANDLERS.update(operations)
    # CloudFormation calls it by this name.
    firehose._create_delivery_stream = operations["CreateDeliveryStream"]

    @route("POST", f"{PREFIX}firehose/records")
    async def read_records(wanted: dict[str, Any]) -> Answer:
        intake = _intakes.get(wanted["name"])
        if intake is None:
            return 404, {"message": f"no delivery stream {wanted['name']} with Direct PUT"}
        found, more = intake.read(wanted["after"], wanted["delivered"])
        records = [(number, arrived, base64.b64encode(data).decode()) for number, arrived, data in found]
        return 200, {"records": records, "more": more}


def _leave_to_the_engine(_stream_arn: str, _records: list[Any]) -> None:
    """Nothing: the delivery engine reads the data stream."""


def complete(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """An extended S3 destination with the defaults that AWS fills in when it is made."""
    full = dict(configuration)
    dynamic = bool((full.get("DynamicPartitioningConfiguration") or {}).get("Enabled"))
    converts = bool((full.get("DataFormatConversionConfiguration") or {}).get("Enabled", True)) and bool(
        full.get("DataFormatConversionConfiguration")
    )
    full.setdefault("BufferingHints", {"SizeInMBs": default_size(dynamic, converts), "IntervalInSeconds": 300})
    full.setdefault("CompressionFormat", "UNCOMPRESSED")
    full.setdefault("EncryptionConfiguration", {"NoEncryptionConfig": "NoEncryption"})
    full.setdefault("CloudWatchLoggingOptions", {"Enabled": False})
    full.setdefault("S3BackupMode", "Disabled")
    full.setdefault("CustomTimeZone", "UTC")
    if dynamic:
        full["DynamicPartitioningConfiguration"] = {
            "RetryOptions": {"DurationInSeconds": 300},
            **full["DynamicPartitioningConfiguration"],
        }
    if full.get("ProcessingConfiguration"):
        processing = full["ProcessingConfiguration"]
        processors = [_complete_processor(one, full.get("RoleARN", "")) for one in processing.get("Processors") or []]
        full["ProcessingConfiguration"] = {**processing, "Processors": processors}
    return full


def _complete_processor(processor: Mapping[str, Any], role_arn: str) -> dict[str, Any]:
    given = list(processor.get("Parameters") or [])
    if processor.get("Type") != "Lambda":
        return dict(processor)
    names = {one["ParameterName"] for one in given}
    defaults = {**_PROCESSOR_DEFAULTS, "RoleArn": role_arn}
    missing = [
        {"ParameterName": name, "ParameterValue": value} for name, value in defaults.items() if name not in names
    ]
    return {**processor, "Parameters": given + missing}


def describe_destination(destination: Mapping[str, Any]) -> dict[str, Any]:
    """One element of DescribeDeliveryStream's Destinations."""
    configuration = {key: value for key, value in destination["config"].items() if key != "S3BackupConfiguration"}
    return {
        "DestinationId": destination["id"],
        "ExtendedS3DestinationDescription": configuration,
        "S3DestinationDescription": {key: configuration[key] for key in _S3_FIELDS if key in configuration},
    }


def _create(original: Operation) -> Operation:
    def create(data: dict[str, Any]) -> Response:
        name = data.get("DeliveryStreamName", "")
        others = [key for key in data if "Destination" in key and key != _DESTINATION]
        if name in firehose._streams or not name:
            return original(data)
        if others:
            return _invalid(ConfigError(others[0], f"is not supported: use {_DESTINATION}"))
        request = {**data, _DESTINATION: complete(data.get(_DESTINATION) or {})} if _DESTINATION in data else data
        try:
            _check(_described(request))
        except ConfigError as error:
            return _invalid(error)
        answer = original(request)
        if request.get("DeliveryStreamType", DIRECT_PUT) == DIRECT_PUT and answer[0] == 200:
            _intakes[name] = Intake()
        return answer

    return create


def _described(request: Mapping[str, Any]) -> dict[str, Any]:
    """What DescribeDeliveryStream will answer for a stream made by this request, as far as it is checked."""
    destination = request.get(_DESTINATION)
    source = request.get("KinesisStreamSourceConfiguration") or {}
    return {
        "DeliveryStreamName": request["DeliveryStreamName"],
        "DeliveryStreamARN": firehose._stream_arn(request["DeliveryStreamName"]),
        "DeliveryStreamType": request.get("DeliveryStreamType", "DirectPut"),
        "VersionId": "1",
        "Source": {"KinesisStreamSourceDescription": {**source, "DeliveryStartTimestamp": 0}},
        "Destinations": [] if destination is None else [describe_destination({"id": "", "config": destination})],
    }


def _update(original: Operation) -> Operation:
    def update(data: dict[str, Any]) -> Response:
        stream = firehose._streams.get(data.get("DeliveryStreamName", ""))
        others = [key for key in data if key.endswith("DestinationUpdate") and key != _UPDATE]
        if others:
            return _invalid(ConfigError(others[0], f"is not supported: use {_UPDATE}"))
        if stream is None or not stream["destinations"]:
            return original(data)
        before = stream["destinations"][0]["config"]
        after = complete({**before, **(data.get(_UPDATE) or {})})
        try:
            _check_switch(before, after)
            described = firehose._build_description(stream)
            _check({**described, "Destinations": [describe_destination({"id": "", "config": after})]})
        except ConfigError as error:
            return _invalid(error)
        return original({**data, _UPDATE: after})

    return update


def _check_switch(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Dynamic partitioning is chosen when the stream is made, once and for all."""
    key = "DynamicPartitioningConfiguration"
    was, will = (bool((one.get(key) or {}).get("Enabled")) for one in (before, after))
    if was != will:
        raise ConfigError(f"{_UPDATE}.{key}", "cannot be switched on or off on an existing delivery stream", will)


def _check(description: Mapping[str, Any]) -> None:
    settings = read(description)
    for path, role_arn in _roles(settings):
        try:
            assume_role(role_arn, service=SERVICE, source_arn=settings.arn)
        except AssumeRoleError as error:
            raise ConfigError(path, f"is a role that Firehose is unable to assume: {error}", role_arn) from error


def _roles(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.source_role_arn is not None:
        yield "KinesisStreamSourceConfiguration.RoleARN", settings.source_role_arn
    yield f"{_DESTINATION}.RoleARN", settings.role_arn
    if settings.transform is not None:
        yield f"{_DESTINATION}.ProcessingConfiguration.RoleArn", settings.transform.role_arn
    if settings.conversion is not None:
        path = f"{_DESTINATION}.DataFormatConversionConfiguration.SchemaConfiguration.RoleARN"
        yield path, settings.conversion.role_arn


def _put_record(data: dict[str, Any]) -> Response:
    try:
        record = decoded(data.get("Record") or {})
    except IntakeError as error:
        return _invalid(error)
    number = _intakes[data["DeliveryStreamName"]].put(record)
    return _answer({"RecordId": str(number), "Encrypted": _is_encrypted(data)})


def _put_record_batch(data: dict[str, Any]) -> Response:
    try:
        records = decoded_batch(data.get("Records") or [])
    except IntakeError as error:
        return _invalid(error)
    intake = _intakes[data["DeliveryStreamName"]]
    answers = [{"RecordId": str(intake.put(record))} for record in records]
    return _answer({"FailedPutCount": 0, "Encrypted": _is_encrypted(data), "RequestResponses": answers})


def _is_encrypted(data: Mapping[str, Any]) -> bool:
    encryption = firehose._streams[data["DeliveryStreamName"]].get("encryption") or {}
    return bool(encryption.get("Status") == "ENABLED")


def _direct_put_only(operation: str, serve: Operation) -> Operation:
    def checked(data: dict[str, Any]) -> Response:
        name = data.get("DeliveryStreamName", "")
        stream = firehose._streams.get(name)
        if stream is None:
            response: Response = firehose._not_found(name)
            return response
        if stream["type"] == DIRECT_PUT:
            return serve(data)
        rule = "has a delivery stream of type KinesisStreamAsSource, which does not allow it"
        return _invalid(ConfigError(operation, rule))

    return checked


def _answer(document: dict[str, Any]) -> Response:
    response: Response = json_response(document)
    return response


def _invalid(error: ConfigError | IntakeError) -> Response:
    response: Response = firehose._invalid(str(error))
    return response
