"""PNG files, written by the standard library."""

import base64
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def png(picture: NDArray[np.uint8]) -> bytes:
    """Encode a picture (y, x, 3) of red, green and blue."""
    height, width, _ = picture.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)
    rows[:, 1:] = picture.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


def image_tag(picture: NDArray[np.uint8], title: str) -> str:
    """Return a picture as an element of HTML that holds it."""
    text = base64.b64encode(png(picture)).decode()
    return f'<img src="data:image/png;base64,{text}" title="{title}" alt="{title}">'


def coloured(planes: NDArray[Any], channels: list[dict[str, Any]]) -> NDArray[np.uint8]:
    """Mix planes (channel, y, x) in the colours and windows of their channels."""
    mixed = np.zeros((*planes.shape[1:], 3), np.float32)
    for plane, channel in zip(planes, channels, strict=True):
        start, end = channel["window"]["start"], channel["window"]["end"]
        bright = np.clip((plane.astype(np.float32) - start) / max(end - start, 1), 0, 1)
        mixed += bright[..., None] * np.frombuffer(bytes.fromhex(channel["color"]), np.uint8)
    return np.minimum(mixed, 255).astype(np.uint8)


def smaller(planes: NDArray[Any], most: int) -> NDArray[Any]:
    """Return planes (..., y, x) of at most ``most`` pixels a side: the means of squares."""
    factor = -(-max(planes.shape[-2:]) // most)
    if factor == 1:
        return planes
    height, width = (side // factor for side in planes.shape[-2:])
    cut = planes[..., : height * factor, : width * factor]
    squares = cut.reshape(*planes.shape[:-2], height, factor, width, factor)
    means: NDArray[Any] = squares.mean(axis=(-3, -1)).astype(planes.dtype)
    return means
