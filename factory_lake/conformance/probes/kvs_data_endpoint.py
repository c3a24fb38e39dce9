"""The archiver asks for a stream's endpoints once and keeps them between runs."""

from __future__ import annotations

from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_APIS = ("LIST_FRAGMENTS", "GET_CLIP", "GET_MEDIA_FOR_FRAGMENT_LIST", "PUT_MEDIA")


def _run(context: Context) -> None:
    film = context.shared(video.film)
    for api in _APIS:
        parts = urlsplit(film.stream.endpoint(api))
        if not parts.netloc or parts.path not in ("", "/"):
            raise Differs(f"the endpoint of {api} is no URL of a host")
    try:
        # By the endpoint that was asked for before all footage was sent.
        listed = film.stream.listed(film.row[0].start_ms, film.row[-1].start_ms)
    except (ClientError, BotoCoreError) as error:
        raise Differs(f"an endpoint does not serve any more when it was asked for again: {error}") from error
    if len(listed) != len(film.row):
        raise Differs(f"an endpoint that was asked for before lists {len(listed)} of {len(film.row)} fragments")


PROBE = Probe(
    name="kvs_data_endpoint",
    belief="GetDataEndpoint gives the URL of a host for each API, which goes on serving when it is asked for again.",
    relied_on=("lambda_src/clip_fetch/video.py",),
    source="Kinesis Video Streams developer guide, Quotas: cached data endpoints are safe",
    usd=0.001,
    run=_run,
)
