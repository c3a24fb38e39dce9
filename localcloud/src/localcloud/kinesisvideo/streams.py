"""The video streams of the account: what the control plane of Kinesis Video Streams knows about each.

Sources: the API model ``kinesisvideo`` 2017-09-30 that botocore ships, and "Amazon Kinesis Video Streams
service quotas" in the developer guide for the limits.
"""

from __future__ import annotations

import base64
import binascii
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud.kinesisvideo.archive import Archive
from localcloud.kinesisvideo.semantics import (
    HOUR_MS,
    InvalidArgumentError,
    KinesisVideoError,
    PointBucket,
    Quotas,
    ResourceNotFoundError,
    Stream,
)

STREAM_TAGS = 50
RETENTION_HOURS = 87_600
STREAM_TPS = 5
"""What each control call allows on one stream, per second."""
LIST_STREAMS_TPS = 50
STREAMS_A_PAGE = 10_000


class ResourceInUseError(KinesisVideoError):
    """The name is taken."""


class VersionMismatchError(KinesisVideoError):
    """The stream has changed since the caller looked."""


class TagsPerResourceExceededLimitError(KinesisVideoError):
    """More tags than a stream may have."""


@dataclass
class VideoStream:
    """A video stream and its archive.

    Attributes:
        arn: its ARN; the last part is its creation time in epoch milliseconds, so that a stream made anew
            under the same name has another.
        kms_key_id: key as the caller gave it, or the alias of the service's own key.
        media_type: for the readers of the stream; the service does not interpret it.
        version: changes with every update.
    """

    name: str
    arn: str
    kms_key_id: str
    media_type: str
    device_name: str
    archive: Archive
    version: str = "1"
    tags: dict[str, str] = field(default_factory=dict)
    _quotas: dict[str, PointBucket] = field(default_factory=dict)

    def take(self, operation: str, now_ms: float) -> None:
        """Count a control call.

        Raises:
            ClientLimitExceededError: the stream's quota of this call is used up.
        """
        self._quotas.setdefault(operation, PointBucket(STREAM_TPS)).take(1, now_ms, operation)

    @property
    def retention_hours(self) -> int:
        """Data retention in hours."""
        return int(self.archive.fragments.retention_ms // HOUR_MS)

    def describe(self) -> dict[str, Any]:
        """The model's ``StreamInfo``."""
        info = {
            "StreamName": self.name,
            "StreamARN": self.arn,
            "KmsKeyId": self.kms_key_id,
            "Version": self.version,
            "Status": "ACTIVE",
            "CreationTime": self.archive.fragments.created_ms / 1000,
            "DataRetentionInHours": self.retention_hours,
        }
        optional = {"MediaType": self.media_type, "DeviceName": self.device_name}
        return info | {name: value for name, value in optional.items() if value}

    def tag(self, tags: Mapping[str, str]) -> None:
        """Add or replace tags.

        Raises:
            TagsPerResourceExceededLimitError: the stream would have more than 50.
        """
        merged = {**self.tags, **tags}
        if len(merged) > STREAM_TAGS:
            raise TagsPerResourceExceededLimitError(f"A stream has at most {STREAM_TAGS} tags, not {len(merged)}.")
        self.tags = merged

    def untag(self, keys: Sequence[str]) -> None:
        """Remove tags; keys that it does not have are skipped."""
        self.tags = {key: value for key, value in self.tags.items() if key not in keys}


class Streams:
    """All video streams of one account in one region.

    Args:
        folder: where their media lies.
    """

    def __init__(self, folder: Path, account: str, region: str) -> None:
        self._folder = folder
        self._prefix = f"arn:aws:kinesisvideo:{region}:{account}:stream/"
        self._default_key = f"arn:aws:kms:{region}:{account}:alias/aws/kinesisvideo"
        self._by_name: dict[str, VideoStream] = {}
        self._versions = itertools.count(1)
        self._listings = PointBucket(LIST_STREAMS_TPS)

    def create(self, request: Mapping[str, Any], now_ms: int, quotas: Quotas) -> VideoStream:
        """CreateStream.

        Raises:
            ResourceInUseError: the name is taken.
            InvalidArgumentError: no name, or a retention beyond ten years.
        """
        name = request.get("StreamName")
        if name is None:
            raise InvalidArgumentError("StreamName must be given.")
        if name in self._by_name:
            raise ResourceInUseError(f"The stream {name} already exists.")
        retention = _retention(request.get("DataRetentionInHours", 0))
        fragments = Stream(name, now_ms, retention * HOUR_MS, quotas=quotas, salt=str(now_ms))
        stream = VideoStream(
            name=name,
            arn=f"{self._prefix}{name}/{now_ms}",
            kms_key_id=request.get("KmsKeyId", self._default_key),
            media_type=request.get("MediaType", ""),
            device_name=request.get("DeviceName", ""),
            archive=Archive(fragments, self._folder / f"{name}-{now_ms}"),
            version=self._new_version(),
        )
        stream.tag(request.get("Tags", {}))
        self._by_name[name] = stream
        return stream

    def find(self, request: Mapping[str, Any]) -> VideoStream:
        """The stream that a request names by StreamName or StreamARN.

        Raises:
            InvalidArgumentError: it names none, or two different ones.
            ResourceNotFoundError: there is no such stream.
        """
        name, arn = request.get("StreamName"), request.get("StreamARN")
        if name is None and arn is None:
            raise InvalidArgumentError("Either StreamName or StreamARN must be given.")
        stream = self._by_name.get(name or str(arn).split("/")[1])
        if stream is None or (arn is not None and arn != stream.arn):
            raise ResourceNotFoundError("The requested stream is not found or not active.")
        return stream

    def arn_of(self, request: Mapping[str, Any]) -> str:
        """The ARN on which a request is authorized; if there is no such stream, what it would be like."""
        name, arn = request.get("StreamName"), request.get("StreamARN")
        if arn is not None:
            return str(arn)
        if name is None:
            return "*"
        stream = self._by_name.get(name)
        return stream.arn if stream else f"{self._prefix}{name}/0"

    def tags_of(self, arn: str) -> dict[str, str]:
        """The tags of the stream with this ARN; none when there is none."""
        return next((stream.tags for stream in self._by_name.values() if stream.arn == arn), {})

    def key_of(self, arn: str) -> str | None:
        """The key of the stream with this ARN, as its maker gave it; none when there is no such stream."""
        return next((stream.kms_key_id for stream in self._by_name.values() if stream.arn == arn), None)

    def list(self, request: Mapping[str, Any], now_ms: float) -> dict[str, Any]:
        """ListStreams, by name.

        Raises:
            InvalidArgumentError: the token is not one of this service's.
            ClientLimitExceededError: the account's quota is used up.
        """
        self._listings.take(1, now_ms, "ListStreams")
        prefix = request.get("StreamNameCondition", {}).get("ComparisonValue", "")
        after = _open_token(request["NextToken"]) if request.get("NextToken") else ""
        names = sorted(name for name in self._by_name if name.startswith(prefix) and name > after)
        limit = request.get("MaxResults", STREAMS_A_PAGE)
        page = {"StreamInfoList": [self._by_name[name].describe() for name in names[:limit]]}
        token = {"NextToken": base64.b64encode(names[limit - 1].encode()).decode()} if len(names) > limit else {}
        return page | token

    def update(self, stream: VideoStream, request: Mapping[str, Any]) -> None:
        """UpdateStream.

        Raises:
            VersionMismatchError: CurrentVersion is not the stream's.
        """
        self._check_version(stream, request)
        stream.media_type = request.get("MediaType", stream.media_type)
        stream.device_name = request.get("DeviceName", stream.device_name)
        stream.version = self._new_version()

    def update_retention(self, stream: VideoStream, request: Mapping[str, Any], now_ms: float) -> None:
        """UpdateDataRetention; what a shorter retention no longer covers is gone at once.

        Raises:
            VersionMismatchError: CurrentVersion is not the stream's.
            InvalidArgumentError: the retention would be negative or beyond ten years.
        """
        self._check_version(stream, request)
        sign = 1 if request["Operation"] == "INCREASE_DATA_RETENTION" else -1
        hours = _retention(stream.retention_hours + sign * request["DataRetentionChangeInHours"])
        stream.archive.retain(hours * HOUR_MS, now_ms)
        stream.version = self._new_version()

    def delete(self, stream: VideoStream, request: Mapping[str, Any]) -> None:
        """DeleteStream, with all footage.

        Raises:
            VersionMismatchError: CurrentVersion is given and not the stream's.
        """
        if "CurrentVersion" in request:
            self._check_version(stream, request)
        del self._by_name[stream.name]
        stream.archive.remove()

    @staticmethod
    def _check_version(stream: VideoStream, request: Mapping[str, Any]) -> None:
        if request["CurrentVersion"] != stream.version:
            raise VersionMismatchError("The stream version that you specified is not the latest version.")

    def _new_version(self) -> str:
        return f"v{next(self._versions):019d}"


def _retention(hours: int) -> int:
    if not 0 <= hours <= RETENTION_HOURS:
        raise InvalidArgumentError(f"Data retention must be in 0..{RETENTION_HOURS} hours, not {hours}.")
    return hours


def _open_token(token: str) -> str:
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidArgumentError("NextToken is invalid.") from error
