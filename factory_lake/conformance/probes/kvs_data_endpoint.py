"""The archiver asks for a stream's endpoints once and keeps them between runs."""

from __future__ import annotations

from urllib.parse import urlsplit

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_APIS = ("LIST_FRAGMENTS", "GET_CLIP", "GET_MEDIA_FOR_FRAGMENT_LIST", "PUT_MEDIA")


def _run(context: Context) -> None:
    stream = context.shared(video.film).stream
    for api in _APIS:
        first, second = stream.endpoint(api), stream.endpoint(api)
        parts = urlsplit(first)
        if not parts.netloc or parts.path not in ("", "/"):
            raise Differs(f"the endpoint of {api} is no URL of a host")
        if first != second:
            raise Differs(f"the endpoint of {api} is another one when it is asked for again")


PROBE = Probe(
    name="kvs_data_endpoint",
    belief="GetDataEndpoint gives the URL of a host for each API, and the same one when it is asked again.",
    relied_on=("lambda_src/clip_fetch/video.py",),
    source="Kinesis Video Streams developer guide, Quotas: cached data endpoints are safe",
    usd=0.001,
    run=_run,
)
