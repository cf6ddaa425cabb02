"""Parses HTTP/1.1 as far as needed to find the end of a message. Changes no byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True)
class Head:
    """A request or a response up to the blank line."""

    raw: bytes
    start: str
    headers: Mapping[str, str]

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1])

    @property
    def length(self) -> int | None:
        """Length of the body, if the head has it."""
        return int(self.headers["content-length"]) if "content-length" in self.headers else None

    @property
    def is_chunked(self) -> bool:
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    @property
    def is_last(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"


async def read_head(reader: asyncio.StreamReader) -> Head:
    raw = await reader.readuntil(END_OF_HEAD)
    start, *lines = raw.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return Head(raw, start, {name.strip().lower(): value.strip() for name, _, value in pairs})


async def pieces_of(reader: asyncio.StreamReader, length: int, most: int) -> AsyncIterator[bytes]:
    while length:
        piece = await reader.readexactly(min(length, most))
        length -= len(piece)
        yield piece


async def chunks(reader: asyncio.StreamReader, most: int) -> AsyncIterator[bytes]:
    """Yields a chunked body with its framing."""
    size = -1
    while size:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        yield line
        if size:
            async for piece in pieces_of(reader, size + 2, most):
                yield piece
    line = b""
    while line != b"\r\n":  # trailers
        line = await reader.readuntil(b"\r\n")
        yield line


async def until_the_end(reader: asyncio.StreamReader, most: int) -> AsyncIterator[bytes]:
    while piece := await reader.read(most):
        yield piece
