"""An HTTP server for files and byte ranges, which does not list folders."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True)
class Request:
    """A request, with the number of bytes of content that were sent."""

    method: str
    path: str
    status: int
    sent: int


class FileHandler(SimpleHTTPRequestHandler):
    """Serves files. A folder is "not found", as with nginx and most buckets."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: object, requests: list[Request], **options: object) -> None:
        self.requests = requests
        super().__init__(*arguments, **options)

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, with_body: bool) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.record(HTTPStatus.NOT_FOUND, 0)
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        content = path.read_bytes()
        chosen = requested_slice(self.headers.get("Range"), len(content))
        body = content[chosen] if chosen else content
        self.record(HTTPStatus.PARTIAL_CONTENT if chosen else HTTPStatus.OK, with_body * len(body))
        self.send_response(HTTPStatus.PARTIAL_CONTENT if chosen else HTTPStatus.OK)
        if chosen:
            self.send_header(
                "Content-Range", f"bytes {chosen.start}-{chosen.stop - 1}/{len(content)}"
            )
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def record(self, status: HTTPStatus, sent: int) -> None:
        self.requests.append(Request(self.command, self.path, status, sent))

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing, to keep pytest's output readable."""


def requested_slice(header: str | None, size: int) -> slice | None:
    """Parses a Range header: from-to, from-, or -last."""
    match = RANGE.fullmatch(header or "")
    if match is None:
        return None
    first, last = match.groups()
    if not first:
        return slice(max(0, size - int(last)), size)
    return slice(int(first), min(size, int(last) + 1) if last else size)


@contextmanager
def serve_with(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """Answers requests with `handler` on a free local port while the block runs; yields the
    address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@contextmanager
def serve(root: Path, requests: list[Request] | None = None) -> Iterator[str]:
    """Serves `root` on a free local port while the block runs; yields the address.

    Every request is added to `requests`.
    """
    log = [] if requests is None else requests
    with serve_with(partial(FileHandler, directory=str(root), requests=log)) as address:
        yield address
