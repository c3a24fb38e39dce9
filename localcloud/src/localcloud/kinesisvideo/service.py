"""Kinesis Video Streams as one of MiniStack's services: routing, authorization and streaming answers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator, responses, router, sigv4

from localcloud import control, keys
from localcloud.kinesisvideo import wire
from localcloud.kinesisvideo.api import Media, Service, stream_named
from localcloud.kinesisvideo.semantics import KinesisVideoError
from localcloud.settings import ACCOUNT, HOST, REGION

SERVICE = "kinesisvideo"
PUT_MEDIA = "/putMedia"
_KEY_ACTIONS = {"PutMedia": "kms:GenerateDataKey", "GetClip": "kms:Decrypt", "GetMediaForFragmentList": "kms:Decrypt"}
"""What the operations that write or read media do with a stream's key."""

Answer = tuple[int, dict[str, str], Any]


@dataclass
class Cut:
    """Media answers that are to break off.

    Attributes:
        after_bytes: how much of the body still goes out.
    """

    operation: str
    after_bytes: int
    left: int


class Frontend:
    """Takes MiniStack's requests to a service."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.cuts: list[Cut] = []

    async def handle(
        self, _method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Answer:
        """One request; the signature has been verified by MiniStack."""
        try:
            if path == PUT_MEDIA:
                return await self._put_media(headers, body, query)
            operation = wire.operations().get(path)
            if operation is None or not self.service.serves(operation.name):
                return wire.error("UnknownOperationException", 404, f"There is no operation {path} here.")
            request = wire.parse(operation, body)
            if denied := self._denied(operation.name, request, headers, query):
                return denied
            # In a thread: clips are made and files written, and no other request may wait for that.
            result = await asyncio.to_thread(self.service.call, operation.name, request)
        except KinesisVideoError as error:
            return wire.error(error.code, error.status, str(error))
        if isinstance(result, Media):
            return self._send(operation.name, result)
        return wire.answer(result)

    async def _put_media(self, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Answer:
        if denied := self._denied("PutMedia", stream_named(headers), headers, query):
            return denied
        acknowledgements = await asyncio.to_thread(self.service.put_media, headers, body)
        return 200, {"Content-Type": "application/json"}, acknowledgements

    def _send(self, operation: str, media: Media) -> Answer:
        headers = {"Content-Type": media.content_type}
        if media.size is not None:
            headers["Content-Length"] = str(media.size)
        limit = self._take_cut(operation)
        pieces = media.pieces if limit is None else _first_bytes(media.pieces, limit)

        async def run(send: Any, _receive: Any) -> None:
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            if limit is None:  # a body without its last frame is a broken connection
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        return 200, headers, responses.StreamingResponse(run)

    def _denied(
        self, operation: str, request: Mapping[str, Any], headers: dict[str, str], query: dict[str, Any]
    ) -> Answer | None:
        """The refusal of a caller whose policies do not allow the operation, by MiniStack's evaluator."""
        action = f"{SERVICE}:{operation}"
        arn = self.service.streams.arn_of(request)
        on_stream = {f"aws:ResourceTag/{key}": value for key, value in self.service.streams.tags_of(arn).items()}
        refusal = iam_evaluator.enforce(
            router.extract_access_key_id(headers, query),
            action,
            SERVICE,
            router.extract_region(headers, query),
            resource_arn=arn,
            service_context=on_stream | _tags_in(request),
        )
        if refusal is None:
            return self._key_denied(operation, arn, headers, query)
        if isinstance(refusal, iam_evaluator.AuthError):
            return wire.error(refusal.code, 403, refusal.message)
        message = f"User: {refusal.principal_arn} is not authorized to perform: {action} on resource: {arn}"
        return wire.error("AccessDeniedException", 403, message)

    def _key_denied(self, operation: str, arn: str, headers: dict[str, str], query: dict[str, Any]) -> Answer | None:
        """The refusal of a caller who may not use the stream's key.

        The guide ("Data protection in Kinesis Video Streams") says that producers and consumers use it, not
        with which encryption context, so there is none here.
        """
        action, key = _KEY_ACTIONS.get(operation), self.service.streams.key_of(arn)
        if action is None or key is None:
            return None
        why = keys.refusal(router.extract_access_key_id(headers, query), keys.Use(key, (action,), SERVICE))
        return None if why is None else wire.error("AccessDeniedException", 403, why)

    def _take_cut(self, operation: str) -> int | None:
        for cut in self.cuts:
            if cut.operation == operation and cut.left:
                cut.left -= 1
                return cut.after_bytes
        return None


def _first_bytes(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    for piece in pieces:
        yield piece[:limit]
        limit -= len(piece)
        if limit <= 0:
            return


def _tags_in(request: Mapping[str, Any]) -> dict[str, Any]:
    """The condition keys that a request's own tags make."""
    tags = request.get("Tags") or {}
    keys = [*tags, *request.get("TagKeyList", ())]
    context: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    return context | {"aws:TagKeys": keys} if keys else context


def install(app: Any) -> None:
    """Add the service to MiniStack."""
    folder = Path(os.environ["LOCALCLOUD_WORKDIR"]) / SERVICE
    endpoint = f"http://{HOST}:{os.environ['GATEWAY_PORT']}"
    frontend = Frontend(Service(folder, ACCOUNT, REGION, endpoint))
    app.SERVICE_HANDLERS[SERVICE] = frontend.handle
    router.SERVICE_PATTERNS[SERVICE] = {}
    _sign_ingest_over_nothing()
    _provide_controls(frontend)


def _sign_ingest_over_nothing() -> None:
    """Check PutMedia's signature against an empty body: it is made before there is any (producer-c, AwsV4Signer.c)."""
    documents = sigv4.header_signing_documents

    def header_signing_documents(
        signature: Any, method: str, raw_path: str, query: Any, headers: Any, body: bytes, **more: Any
    ) -> tuple[str, str]:
        is_ingest = signature.service == SERVICE and raw_path == PUT_MEDIA
        signed: tuple[str, str] = documents(
            signature, method, raw_path, query, headers, b"" if is_ingest else body, **more
        )
        return signed

    sigv4.header_signing_documents = header_signing_documents


def _provide_controls(frontend: Frontend) -> None:
    @control.route("POST", f"{control.PREFIX}kinesisvideo/behaviour")
    async def behave(wanted: dict[str, Any]) -> control.Answer:
        frontend.service.behaviour = frontend.service.behaviour.changed(wanted)
        return 200, {}

    @control.route("POST", f"{control.PREFIX}kinesisvideo/cut")
    async def cut(wanted: dict[str, Any]) -> control.Answer:
        operation = wanted["operation"]
        if operation not in ("GetClip", "GetMediaForFragmentList"):
            return 400, {"message": f"operation must be GetClip or GetMediaForFragmentList, got {operation!r}"}
        frontend.cuts.append(Cut(operation, int(wanted["after_bytes"]), int(wanted.get("times", 1))))
        return 200, {}
