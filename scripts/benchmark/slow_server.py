"""An HTTP server for files and byte ranges with a latency and a bandwidth, as of a far network."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RANGE = re.compile(r"bytes=(\d*)-(\d*)")
PIECE = 16 * 1024


@dataclass
class Line:
    """The line that all connections share."""

    latency_s: float
    bytes_per_s: float
    requests: int = 0
    sent: int = 0
    by_path: dict[str, list[int]] = field(default_factory=dict)
    free_at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, size: int) -> None:
        """Waits until `size` bytes have gone through."""
        with self.lock:
            self.free_at = max(self.free_at, time.monotonic()) + size / self.bytes_per_s
            self.sent += size
            wait = self.free_at - time.monotonic()
        if wait > 0:
            time.sleep(wait)

    def reset(self) -> None:
        self.requests = self.sent = 0
        self.by_path = {}


class SlowHandler(SimpleHTTPRequestHandler):
    """Answers from a folder over a line."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: object, line: Line, **options: object) -> None:
        self.line = line
        super().__init__(*arguments, **options)

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, with_body: bool) -> None:
        time.sleep(self.line.latency_s)
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        size = path.stat().st_size
        first, last = 0, size
        match = RANGE.fullmatch(self.headers.get("Range") or "")
        if match:
            begin, end = match.groups()
            first = int(begin) if begin else max(0, size - int(end))
            last = min(size, int(end) + 1) if begin and end else size
        with self.line.lock:
            self.line.requests += 1
            self.line.by_path.setdefault(path.name, []).append(last - first)
        self.send_response(HTTPStatus.PARTIAL_CONTENT if match else HTTPStatus.OK)
        if match:
            self.send_header("Content-Range", f"bytes {first}-{last - 1}/{size}")
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Length", str(last - first))
        self.end_headers()
        if not with_body:
            return
        with path.open("rb") as file:
            file.seek(first)
            left = last - first
            while left > 0:
                piece = file.read(min(PIECE, left))
                self.line.send(len(piece))
                self.wfile.write(piece)
                left -= len(piece)

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing."""


@contextmanager
def serve(root: Path, line: Line) -> Iterator[str]:
    """Serves `root` on a free local port while the block runs; yields the address."""
    handler = partial(SlowHandler, directory=str(root), line=line)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
