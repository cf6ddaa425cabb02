"""A proxy between an HTTP/1.1 client and a server that records requests and injects faults.

It does not change heads (S3 signs `Host`), unless a header is to be ignored.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

from faults.http_wire import Head, chunks, pieces_of, read_head, until_the_end
from faults.plan import (
    Delay,
    Deny,
    Fault,
    Hold,
    Ignore,
    LoseAnswer,
    LoseRequest,
    Plan,
    Refuse,
    RequestHead,
    Trickle,
    no_faults,
)
from faults.signature import without_headers
from servers.process import LOOPBACK

PIECE = 1 << 16
REFUSALS = {
    400: ("ExpiredToken", "The provided token has expired."),
    503: ("SlowDown", "Please reduce your request rate."),
    429: ("TooManyRequests", "Please reduce your request rate."),
    500: ("InternalError", "Please try again."),
}
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with a time of 0: closing the socket sends a reset."""


class CutOffError(Exception):
    """Raised where a fault ends the connection."""


@dataclass
class Flow:
    """Passes a body on and counts its bytes."""

    passed: int = 0
    """Bytes so far, with the framing of chunks."""

    async def pump(
        self,
        body: AsyncIterator[bytes],
        to: asyncio.StreamWriter,
        pause: float,
        limit: int | None = None,
    ) -> None:
        """Passes all of a body on, or its first `limit` bytes."""
        async for piece in body:
            if pause:  # before the piece, so that nothing follows the last one
                await asyncio.sleep(pause)
            piece = piece if limit is None else piece[: limit - self.passed]
            self.passed += len(piece)
            to.write(piece)
            await to.drain()
            if self.passed == limit:
                return


@dataclass
class Exchange:
    """One request and its response."""

    head: RequestHead
    fault: Fault | None = None
    status: int | None = None
    """Status of the response, once the client has got its head."""
    upload: Flow = field(default_factory=Flow)
    download: Flow = field(default_factory=Flow)

    @property
    def sent(self) -> int:
        """Bytes of the request's body that the proxy passed to the server."""
        return self.upload.passed

    @property
    def received(self) -> int:
        """Bytes of the response's body that the proxy passed to the client."""
        return self.download.passed

    @property
    def pace(self) -> Trickle:
        """Size of pieces and pause between them: large and none, unless a fault slows them."""
        return self.fault if isinstance(self.fault, Trickle) else Trickle(PIECE, 0)

    @property
    def method(self) -> str:
        return self.head.method

    @property
    def path(self) -> str:
        return self.head.target.partition("?")[0]

    @property
    def range(self) -> str | None:
        return self.head.headers.get("range")


@dataclass(eq=False)
class Line:
    """A connection of a client, with its connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def connect(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.server is not None and self.server[0].at_eof():
            self.hang_up_on_server()
        if self.server is None:
            self.server = await asyncio.open_connection(LOOPBACK, port)
        return self.server

    def hang_up_on_server(self) -> None:
        if self.server is not None:
            self.server[1].transport.abort()
            self.server = None

    def reset(self) -> None:
        """Resets both connections, so that the server does not carry on."""
        with contextlib.suppress(OSError):
            self.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, RESET
            )
        self.writer.transport.abort()
        self.hang_up_on_server()


@dataclass(eq=False)
class FaultProxy:
    """Passes requests to the server at `server_port`, with the faults of `plan`."""

    server_port: int
    plan: Plan = no_faults
    exchanges: list[Exchange] = field(default_factory=list)
    """All requests in the order of their arrival, also unfinished ones."""

    def __post_init__(self) -> None:
        self.changed = threading.Condition()
        self.mistakes: list[Exception] = []

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @contextmanager
    def running(self) -> Iterator[FaultProxy]:
        """Listens on a free port of this machine while the block runs."""
        started = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(self.serve(started)))
        thread.start()
        started.wait()
        try:
            yield self
        finally:
            self.loop.call_soon_threadsafe(self.stopped.set)
            thread.join()
        if self.mistakes:
            raise ExceptionGroup("the proxy failed", self.mistakes)

    @contextmanager
    def watched(self) -> Iterator[list[Exchange]]:
        """Yields a list, which gets the requests of the block when the block ends."""
        seen: list[Exchange] = []
        first = len(self.exchanges)
        yield seen
        seen += self.exchanges[first:]

    def wait_until(
        self,
        reached: Callable[[list[Exchange]], bool],
        unless: Callable[[], bool] = lambda: False,
        seconds: float = 60,
    ) -> None:
        """Returns once the requests so far satisfy `reached`, or `unless` holds."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while not reached(self.exchanges) and not unless():
                assert time.monotonic() < deadline, f"not after {len(self.exchanges)} requests"
                self.changed.wait(0.1)

    async def serve(self, started: threading.Event) -> None:
        self.loop = asyncio.get_running_loop()
        self.stopped = asyncio.Event()
        self.lines: dict[Line, asyncio.Task[None]] = {}
        server = await asyncio.start_server(self.accept, LOOPBACK, 0)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self.stopped.wait()
        server.close()
        running = list(self.lines.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(reader, writer)
        self.lines[line] = asyncio.create_task(self.attend(line))

    async def attend(self, line: Line) -> None:
        try:
            while not await self.one_request(line):
                pass
            line.writer.close()
        except* (
            CutOffError,
            OSError,
            EOFError,
        ):  # EOFError: client or server closed the connection
            line.reset()
        except* Exception as group:  # an error of the proxy, not a fault
            self.mistakes.append(group)
            line.reset()
        finally:
            line.hang_up_on_server()
            line.writer.transport.close()
            del self.lines[line]

    async def one_request(self, line: Line) -> bool:
        """Passes on a request and its response; returns whether the connection ends with it."""
        head = await read_head(line.reader)
        exchange = self.record(head)
        match exchange.fault:
            case Refuse(status):
                code, message = REFUSALS[status]
                return await self.refuse(line, head, exchange, Deny(status, code, message))
            case Deny():
                return await self.refuse(line, head, exchange, exchange.fault)
            case Delay(seconds):
                await asyncio.sleep(seconds)
            case Hold(released):
                while not released.is_set():
                    await asyncio.sleep(0.02)
        from_server, to_server = await line.connect(self.server_port)
        ignored = exchange.fault.headers if isinstance(exchange.fault, Ignore) else ()
        to_server.write(without_headers(head, ignored) if ignored else head.raw)
        async with asyncio.TaskGroup() as both:
            upload = both.create_task(self.pass_request(line.reader, to_server, head, exchange))
            is_last = await self.pass_answer(from_server, line.writer, exchange)
            # The response came before the end of the request: the rest of the body is not needed.
            is_cut = not upload.done() and exchange.sent < (head.length or math.inf)
            if is_cut:
                upload.cancel()
        self.note()
        return is_last or head.is_last or is_cut

    def record(self, head: Head) -> Exchange:
        method, target, _ = head.start.split(" ")
        with self.changed:
            request = RequestHead(len(self.exchanges), method, target, head.headers)
            exchange = Exchange(request, self.plan(request))
            self.exchanges.append(exchange)
            self.changed.notify_all()
        return exchange

    def note(self) -> None:
        with self.changed:
            self.changed.notify_all()

    async def refuse(self, line: Line, head: Head, exchange: Exchange, denial: Deny) -> bool:
        # A client that sent `Expect` does not send its body now; another one sends all of it.
        asked_first = "expect" in head.headers
        if not asked_first:
            async for _ in self.body(line.reader, head, PIECE):
                pass
        status, reason = denial.status, HTTPStatus(denial.status).phrase
        body = f"<Error><Code>{denial.code}</Code><Message>{denial.message}</Message></Error>"
        fields = f"Content-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
        if asked_first:
            fields += "Connection: close\r\n"
        text = "" if exchange.method == "HEAD" else body
        line.writer.write(f"HTTP/1.1 {status} {reason}\r\n{fields}\r\n{text}".encode())
        await line.writer.drain()
        exchange.status = status
        self.note()
        return asked_first

    @staticmethod
    def body(reader: asyncio.StreamReader, head: Head, most: int) -> AsyncIterator[bytes]:
        """Yields the body of a message; without a length in its head there is none."""
        if head.is_chunked:
            return chunks(reader, most)
        return pieces_of(reader, head.length or 0, most)

    async def pass_request(
        self,
        client: asyncio.StreamReader,
        server: asyncio.StreamWriter,
        head: Head,
        exchange: Exchange,
    ) -> None:
        pace = exchange.pace
        body = self.body(client, head, pace.piece)
        if isinstance(exchange.fault, LoseRequest):
            limit = int(exchange.fault.after * (head.length or 0))
            await exchange.upload.pump(body, server, pace.pause, limit)
            raise CutOffError
        await exchange.upload.pump(body, server, pace.pause)

    async def pass_answer(
        self, server: asyncio.StreamReader, client: asyncio.StreamWriter, exchange: Exchange
    ) -> bool:
        head = await read_head(server)
        while head.status < 200:  # 100 Continue
            client.write(head.raw)
            head = await read_head(server)
        fault, pace = exchange.fault, exchange.pace
        if fault == LoseAnswer():
            raise CutOffError
        client.write(head.raw)
        exchange.status = head.status
        is_endless = False
        if exchange.method == "HEAD" or head.status in (204, 304):
            body = pieces_of(server, 0, pace.piece)
        elif not head.is_chunked and head.length is None:
            is_endless = True
            body = until_the_end(server, pace.piece)
        else:
            body = self.body(server, head, pace.piece)
        if isinstance(fault, LoseAnswer):
            limit = int(fault.after * (head.length or 0))
            await exchange.download.pump(body, client, pace.pause, limit)
            if fault.reset:
                raise CutOffError
            return True
        await exchange.download.pump(body, client, pace.pause)
        return head.is_last or is_endless
