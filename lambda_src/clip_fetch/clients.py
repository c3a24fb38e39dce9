"""boto3 clients that behave the same on every version of botocore that a runtime brings.

Two things depend on the version:

* Timestamps. botocore before 1.43.93 sends the timestamps of ListFragments and GetClip as whole seconds. A
  bound that is cut to the second reaches a neighbour's start, so the body is written again with the milliseconds.
* Conditional puts. botocore before 1.35 does not know PutObject's ``IfNoneMatch``; the header is set
  directly.

Both are event handlers on the one client that needs them; nothing of botocore is replaced.
"""

from __future__ import annotations

import datetime
import json
from typing import Any

import boto3
from botocore.config import Config

#: 1970 in UTC.
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_MEDIA = "kinesis-video-archived-media"

#: Retries are made by this function, which knows its deadline and what a lost answer to a put means.
_ATTEMPTS = 1
_CONNECT_SECONDS = 5
_READ_SECONDS = 60


def epoch_ms(at: datetime.datetime) -> int:
    """Return a timestamp of an AWS answer in whole milliseconds, rounded: botocore parses floats."""
    return (at - _EPOCH + datetime.timedelta(microseconds=500)) // datetime.timedelta(milliseconds=1)


def from_epoch_ms(at_ms: int) -> datetime.datetime:
    """Return the inverse of :func:`epoch_ms`."""
    return _EPOCH + datetime.timedelta(milliseconds=at_ms)


def make_clients(streams_at_once: int) -> Clients:
    """Clients for a run with so many cameras at once, from the environment's credentials and region."""
    return Clients(boto3.session.Session(), streams_at_once)


class Clients:
    """The three services' clients, made once and shared by all threads."""

    def __init__(self, session: Any, streams_at_once: int) -> None:
        self._session = session
        self._config = Config(
            retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            max_pool_connections=max(10, streams_at_once),
        )
        self._media: dict[str, Any] = {}
        self.video = session.client("kinesisvideo", config=self._config)
        # Bodies come with a checksum that S3 verifies, so they need no digest in the signature as well.
        unsigned = self._config.merge(Config(s3={"payload_signing_enabled": False}))
        self.s3 = session.client("s3", config=unsigned)
        send_conditions(self.s3)

    def media(self, endpoint: str) -> Any:
        """Return the client of a data endpoint."""
        if endpoint not in self._media:
            client = self._session.client(_MEDIA, endpoint_url=endpoint, config=self._config)
            send_milliseconds(client)
            self._media[endpoint] = client
        return self._media[endpoint]


def send_milliseconds(client: Any) -> None:
    """Make an archived-media client send timestamps to the millisecond, whatever its botocore does."""

    def remember(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["clip_fetch_range"] = _range_of(params)

    def rewrite(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        exact = context.get("clip_fetch_range")
        if exact:
            body = json.loads(params["body"])
            _range_of(body).update({name: epoch_ms(at) / 1000 for name, at in exact.items()})
            params["body"] = json.dumps(body).encode()

    for operation in ("ListFragments", "GetClip"):
        client.meta.events.register(f"provide-client-params.{_MEDIA}.{operation}", remember)
        client.meta.events.register(f"before-call.{_MEDIA}.{operation}", rewrite)


def _range_of(params: dict[str, Any]) -> dict[str, Any]:
    selectors: list[dict[str, Any]] = [
        params[name] for name in ("FragmentSelector", "ClipFragmentSelector") if name in params
    ]
    return selectors[0]["TimestampRange"] if selectors else {}


def send_conditions(client: Any) -> None:
    """Make an S3 client send PutObject's ``IfNoneMatch`` also where its botocore has no such parameter."""

    def take(params: dict[str, Any], context: dict[str, Any], **_: Any) -> dict[str, Any]:
        rest = dict(params)
        context["clip_fetch_if_none_match"] = rest.pop("IfNoneMatch", None)
        return rest

    def set_header(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        condition = context.get("clip_fetch_if_none_match")
        if condition is not None:
            params["headers"]["If-None-Match"] = condition

    client.meta.events.register("provide-client-params.s3.PutObject", take)
    client.meta.events.register("before-call.s3.PutObject", set_header)
