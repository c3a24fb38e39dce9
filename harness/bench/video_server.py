"""Serve Kinesis Video Streams and S3 over HTTP, as far as the archiver's benchmark needs them.

Nothing is stored: fragments follow from their index, media is one block of bytes sent over and over, and an archive of
a million clips is a million keys that are worked out on request. So what is measured is the archiver.

Run as ``python -m harness.bench.video_server``; it prints its port and serves until its standard input ends.
"""

from __future__ import annotations

import json
import struct
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from clip_fetch import keys, planning
from clip_fetch.model import Fragment, Stream
from clip_fetch.planning import Clip
from harness.media import movie_box

_BLOCK = bytes(256 * 1024)
_PAGE = 1000
_FRAME_MS = 40
"""A fragment's listed length lacks that of its last frame."""


@dataclass
class State:
    """What is being served.

    Attributes:
        listed_bytes: A fragment's size as it is listed.
        media_bytes: A fragment's share of a clip.
        archived: Clips that lie in each camera's archive before the first fragment, ten seconds apart.
    """

    streams: list[str] = field(default_factory=list)
    begin_ms: int = 0
    fragment_ms: int = 1
    fragments: int = 0
    listed_bytes: int = 0
    media_bytes: int = 0
    archived: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    put: dict[str, dict[str, str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def created_ms(self) -> int:
        """Creation time of the streams: long before anything in the archive."""
        return self.begin_ms - 40 * 365 * 24 * 3600 * 1000

    def fragment(self, index: int) -> Fragment:
        """The fragment with this index; below 0 those that are archived already."""
        start_ms = self.begin_ms + index * self.fragment_ms
        listed_ms = self.fragment_ms - _FRAME_MS
        return Fragment(10**30 + index, start_ms, start_ms, listed_ms, self.listed_bytes)

    def indexes(self, start_ms: float, end_ms: float) -> range:
        """Of the fragments that start in a range."""
        low = max(0, -int((self.begin_ms - start_ms) // self.fragment_ms))
        high = min(self.fragments, int((end_ms - self.begin_ms) // self.fragment_ms) + 1)
        return range(low, max(low, high))

    def archived_clip(self, number: int) -> Clip:
        """One of the clips that lie in the archive, 0 the oldest."""
        begin = (number - self.archived) * 5
        return Clip(tuple((self.fragment(begin + i),) for i in range(5)), planning.LENGTH, None, None)


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # small answers must not wait for the client's acknowledgement
    state: State

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def _count(self, operation: str) -> None:
        with self.state.lock:
            self.state.calls[operation] += 1

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """Kinesis Video Streams, and the benchmark's own orders."""
        path = urlsplit(self.path).path
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        answers = {
            "/listStreams": self._list_streams,
            "/getDataEndpoint": self._get_data_endpoint,
            "/listFragments": self._list_fragments,
            "/_serve": self._serve,
            "/_calls": self._calls,
        }
        if path == "/getClip":
            self._get_clip(request)
            return
        self._answer(200, json.dumps(answers[path](request)).encode(), {"Content-Type": "application/json"})

    def _serve(self, request: dict[str, Any]) -> dict[str, Any]:
        for name, value in request.items():
            setattr(self.state, name, value)
        if "begin_ms" in request:
            self.state.put.clear()
        return {}

    def _calls(self, _request: dict[str, Any]) -> dict[str, int]:
        with self.state.lock:
            calls = dict(self.state.calls)
            self.state.calls.clear()
        return calls

    def _list_streams(self, _request: dict[str, Any]) -> dict[str, Any]:
        self._count("ListStreams")
        info = {"CreationTime": self.state.created_ms / 1000, "DataRetentionInHours": 24, "Status": "ACTIVE"}
        return {"StreamInfoList": [{"StreamName": name, **info} for name in self.state.streams]}

    def _get_data_endpoint(self, _request: dict[str, Any]) -> dict[str, str]:
        self._count("GetDataEndpoint")
        return {"DataEndpoint": "http://" + self.headers["Host"]}

    def _list_fragments(self, request: dict[str, Any]) -> dict[str, Any]:
        self._count("ListFragments")
        span = request["FragmentSelector"]["TimestampRange"]
        indexes = self.state.indexes(span["StartTimestamp"] * 1000, span["EndTimestamp"] * 1000)
        listed = [self.state.fragment(index) for index in reversed(indexes[: request["MaxResults"]])]
        return {
            "Fragments": [
                {
                    "FragmentNumber": str(fragment.number),
                    "FragmentSizeInBytes": fragment.size,
                    "ProducerTimestamp": fragment.producer_ms / 1000,
                    "ServerTimestamp": fragment.start_ms / 1000,
                    "FragmentLengthInMilliseconds": fragment.length_ms,
                }
                for fragment in listed
            ]
        }

    def _get_clip(self, request: dict[str, Any]) -> None:
        self._count("GetClip")
        span = request["ClipFragmentSelector"]["TimestampRange"]
        indexes = self.state.indexes(span["StartTimestamp"] * 1000, span["EndTimestamp"] * 1000)
        media = len(indexes) * self.state.media_bytes
        movie = movie_box([(len(indexes) * self.state.fragment_ms // _FRAME_MS, _FRAME_MS)])
        head = movie + struct.pack(">I4s", 8 + media, b"mdat")
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Content-Length", str(len(head) + media))
        self.end_headers()
        self.wfile.write(head)
        for begin in range(0, media, len(_BLOCK)):
            self.wfile.write(_BLOCK[: media - begin])

    def do_PUT(self) -> None:
        """PutObject."""
        self._count("PutObject")
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, len(_BLOCK))))
        key = _key(self.path)
        with self.state.lock:
            taken = key in self.state.put and self.headers.get("If-None-Match") == "*"
            if not taken:
                self.state.put[key] = _metadata(self.headers)
        self._answer(412 if taken else 200, headers={"ETag": f'"{hash(key)}"'})

    def do_HEAD(self) -> None:
        """HeadObject."""
        self._count("HeadObject")
        key = _key(self.path)
        metadata = self.state.put.get(key) or self._archived_metadata(key)
        self.send_response(200 if metadata else 404)
        for name, value in metadata.items():
            self.send_header("x-amz-meta-" + name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _archived_metadata(self, key: str) -> dict[str, str]:
        prefix = key[: key.find("/year=") + 1]
        parsed = keys.parse(key, prefix)
        if parsed is None:
            return {}
        camera = prefix.split("camera=")[1].rstrip("/")
        name = next(name for name in self.state.streams if name.endswith("_" + camera))
        stream = Stream(name, camera, self.state.created_ms, 24 * 3600 * 1000)
        number = (parsed.number - 10**30) // 5 + self.state.archived
        return keys.clip_metadata(stream, self.state.archived_clip(number), 10_000, keys.MP4, 10_000, "", "earlier")

    def do_GET(self) -> None:
        """ListObjectsV2."""
        self._count("ListObjectsV2")
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        prefix, after = query["prefix"], query.get("start-after", "")
        found = self._archived_after(prefix, after)
        with self.state.lock:
            found += sorted(key for key in self.state.put if key.startswith(prefix) and key > after)
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><ETag>&quot;{hash(key)}&quot;</ETag></Contents>"
            for key in found[:_PAGE]
        )
        truncated = str(len(found) > _PAGE).lower()
        body = f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{contents}</ListBucketResult>"
        self._answer(200, body.encode(), {"Content-Type": "application/xml"})

    def _archived_after(self, prefix: str, after: str) -> list[str]:
        if not prefix.endswith("/year="):
            return []
        camera = prefix[: -len("year=")]
        low, high = 0, self.state.archived
        while low < high:
            middle = (low + high) // 2
            if self._archived_key(camera, middle) <= after:
                low = middle + 1
            else:
                high = middle
        return [self._archived_key(camera, n) for n in range(low, min(low + _PAGE + 1, self.state.archived))]

    def _archived_key(self, camera: str, number: int) -> str:
        return camera + keys.clip_token(self.state.archived_clip(number).first)


def _key(path: str) -> str:
    return unquote(urlsplit(path).path).split("/", 2)[2]


def _metadata(headers: Any) -> dict[str, str]:
    mark = "x-amz-meta-"
    return {name.lower()[len(mark) :]: value for name, value in headers.items() if name.lower().startswith(mark)}


class _Server(ThreadingHTTPServer):
    daemon_threads = True


def main() -> None:
    """Serve until standard input ends."""
    Handler.state = State()
    with _Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main()
