"""Footage that is in the video stream and not archived yet."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from clip_fetch.planning import MAX_FRAGMENT_MS
from factory_lake.clients import Clients
from factory_lake.coverage.times import instant_ms
from factory_lake.moment.footage import Footage

_MOST_FRAGMENTS = 1000


def settle(found: Footage, clients: Clients, stream: str, at_ms: int) -> Footage:
    """Tell whether a moment behind the archive's end is in the video stream; all other footage stays as it is."""
    if found.state != "behind":
        return found
    by = "PRODUCER_TIMESTAMP" if found.clock == "camera" else "SERVER_TIMESTAMP"
    name = "ProducerTimestamp" if found.clock == "camera" else "ServerTimestamp"
    try:
        fragments = _fragments(clients, stream, by, at_ms)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return replace(found, state="silent", why=f"there is no video stream {stream}")
    times = sorted(
        (instant_ms(one[name]), one.get("FragmentLengthInMilliseconds", 0))
        for one in fragments
        if one.get(name) is not None
    )
    before = [one for one in times if one[0] <= at_ms]
    # A fragment's listed length lacks its last frame, so it lasts until the next one where that comes soon.
    lasts_ms = max(before[-1][1] * 2, 1_000) if before else 0
    if before and at_ms < before[-1][0] + lasts_ms:
        return replace(found, state="waiting", why=f"the footage is in the video stream {stream}, not archived yet")
    return replace(found, state="silent", why=f"neither the archive nor the video stream {stream} has footage of it")


def _fragments(clients: Clients, stream: str, by: str, at_ms: int) -> list[Any]:
    video = clients.client("kinesisvideo")
    endpoint = video.get_data_endpoint(StreamName=stream, APIName="LIST_FRAGMENTS")["DataEndpoint"]
    media = clients.client("kinesis-video-archived-media", endpoint=endpoint)
    selector = {
        "FragmentSelectorType": by,
        "TimestampRange": {"StartTimestamp": _at(at_ms - MAX_FRAGMENT_MS), "EndTimestamp": _at(at_ms + 1)},
    }
    # A stream takes five fragments a second, so all of them fit one answer.
    found: list[Any] = media.list_fragments(StreamName=stream, FragmentSelector=selector, MaxResults=_MOST_FRAGMENTS)[
        "Fragments"
    ]
    return found


def _at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
