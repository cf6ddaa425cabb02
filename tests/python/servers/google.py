"""The part of Google Cloud Storage's XML API that a writer uses; it records every request.

`object_store` writes with that API only, and fake-gcs-server does not accept it. See
https://cloud.google.com/storage/docs/xml-api/reference-methods
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from servers.file_server import requested_slice

HTTP_TIME = "%a, %d %b %Y %H:%M:%S GMT"
ISO_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True)
class Stored:
    """A stored object."""

    content: bytes
    kind: str
    """The content type."""
    generation: int
    written: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.content).hexdigest()}"'


@dataclass(frozen=True)
class GcsRequest:
    """A request and the status of its response."""

    method: str
    key: str
    """Key of the object, without the bucket; empty for the bucket itself."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Keys are in lower case."""
    status: int


@dataclass(frozen=True)
class GcsServer:
    """A server with one bucket."""

    port: int
    bucket: str
    objects: dict[str, Stored] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    """Parts of unfinished uploads."""
    requests: list[GcsRequest] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, key: str, content: bytes, headers: Mapping[str, str]) -> tuple[int, Stored]:
        """Stores an object if the request's condition on the generation holds."""
        with self.lock:
            there = self.objects.get(key)
            wanted = headers.get("x-goog-if-generation-match")
            if there and wanted is not None and int(wanted) != there.generation:
                return 412, there
            kind = headers.get("content-type", "")
            self.objects[key] = Stored(content, kind, next(self.numbers))
            return 200, self.objects[key]

    def listing(self, prefix: str, delimiter: str) -> str:
        keys = sorted(key for key in self.objects if key.startswith(prefix))
        folders = dict.fromkeys(
            prefix + key[len(prefix) :].split(delimiter)[0] + delimiter
            for key in keys
            if delimiter and delimiter in key[len(prefix) :]
        )
        entries = [
            f"<Contents><Key>{escape(key)}</Key><Size>{len(one.content)}</Size>"
            f"<LastModified>{one.written.strftime(ISO_TIME)}</LastModified>"
            f"<ETag>{escape(one.etag)}</ETag></Contents>"
            for key in keys
            if not any(key.startswith(folder) for folder in folders)
            for one in [self.objects[key]]
        ]
        entries += [
            f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>" for one in folders
        ]
        return f"<ListBucketResult>{''.join(entries)}</ListBucketResult>"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: object, gcs: GcsServer, token: str, **options: object) -> None:
        self.gcs = gcs
        self.token = token
        super().__init__(*arguments, **options)

    def do_any(self) -> None:
        url = urlsplit(self.path)
        bucket, _, key = unquote(url.path).removeprefix("/").partition("/")
        query = {name: values[-1] for name, values in parse_qs(url.query, True).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        if headers.get("authorization") != f"Bearer {self.token}":
            answer = 401, {}, b""
        elif bucket != self.gcs.bucket:
            answer = 404, {}, b""
        else:
            answer = getattr(self, f"on_{self.command.lower()}")(key, query, headers, body)
        status, fields, content = answer
        self.gcs.requests.append(GcsRequest(self.command, key, query, headers, status))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **fields}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_any  # noqa: N815

    Answer = tuple[int, Mapping[str, str], bytes]

    def on_put(
        self, key: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Answer:
        if "uploadId" in query:
            parts = self.gcs.uploads.get(query["uploadId"])
            if parts is None:
                return 404, {}, b""
            parts[int(query["partNumber"])] = body
            return 200, {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}, b""
        status, stored = self.gcs.put(key, body, headers)
        return status, described(stored), b""

    def on_post(
        self, key: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Answer:
        if "uploads" in query:
            # As at Google, the first request of an upload sets the content type.
            upload = f"{next(self.gcs.numbers)} {headers.get('content-type', '')}"
            self.gcs.uploads[upload] = {}
            text = f"<UploadId>{upload}</UploadId>"
            return (
                200,
                {},
                f"<InitiateMultipartUploadResult>{text}</InitiateMultipartUploadResult>".encode(),
            )
        parts = self.gcs.uploads.get(query["uploadId"])
        numbers = [int(number) for number in re.findall(rb"<PartNumber>(\d+)<", body)]
        if parts is None or numbers != sorted(parts):
            return 400, {}, b""
        kind = query["uploadId"].partition(" ")[2]
        content = b"".join(parts[number] for number in numbers)
        _, stored = self.gcs.put(key, content, {"content-type": kind})
        del self.gcs.uploads[query["uploadId"]]
        text = f"<ETag>{escape(stored.etag)}</ETag>"
        done = f"<CompleteMultipartUploadResult>{text}</CompleteMultipartUploadResult>"
        return 200, described(stored), done.encode()

    def on_delete(self, key: str, query: Mapping[str, str], *_: object) -> Answer:
        if "uploadId" in query:
            there = self.gcs.uploads.pop(query["uploadId"], None)
        else:
            there = self.gcs.objects.pop(key, None)
        return (204 if there is not None else 404), {}, b""

    def on_get(
        self, key: str, query: Mapping[str, str], headers: Mapping[str, str], _body: bytes
    ) -> Answer:
        if not key:
            text = self.gcs.listing(query.get("prefix", ""), query.get("delimiter", ""))
            return 200, {"Content-Type": "application/xml"}, text.encode()
        stored = self.gcs.objects.get(key)
        if stored is None:
            return 404, {}, b""
        chosen = requested_slice(headers.get("range"), len(stored.content))
        if chosen is None:
            return 200, described(stored), stored.content
        span = f"bytes {chosen.start}-{chosen.stop - 1}/{len(stored.content)}"
        return 206, described(stored) | {"Content-Range": span}, stored.content[chosen]

    on_head = on_get

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing, to keep pytest's output readable."""


def described(stored: Stored) -> dict[str, str]:
    return {
        "ETag": stored.etag,
        "Last-Modified": stored.written.strftime(HTTP_TIME),
        "x-goog-generation": str(stored.generation),
        "x-goog-hash": f"md5={base64.b64encode(hashlib.md5(stored.content).digest()).decode()}",
    }


@contextmanager
def gcs_server(bucket: str, token: str) -> Iterator[GcsServer]:
    """Serves a bucket on a free local port to clients that have the token."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        gcs = GcsServer(server.server_port, bucket)
        server.RequestHandlerClass = partial(Handler, gcs=gcs, token=token)
        threading.Thread(target=server.serve_forever).start()
        try:
            yield gcs
        finally:
            server.shutdown()
