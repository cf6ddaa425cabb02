"""Decodes the bytes that `offset` and `length` of the table name, with numcodecs alone."""

from __future__ import annotations

import struct

import google_crc32c
import numcodecs
import numcodecs.blosc
import numpy as np
from numpy.typing import NDArray

CRC = struct.Struct("<I")


def without_crc(framed: bytes) -> bytes:
    """Checks and strips the CRC-32C that Zarr's codec of that name appends."""
    body, (crc,) = framed[: -CRC.size], CRC.unpack(framed[-CRC.size :])
    assert google_crc32c.value(body) == crc
    return body


def decode(chunk: bytes, codec: str, dtype: np.dtype) -> NDArray[np.generic]:
    """Undoes the codec; the result is flat."""
    body = without_crc(chunk)
    if codec.startswith("blosc-"):
        return np.frombuffer(numcodecs.blosc.decompress(body), dtype)
    values = np.frombuffer(numcodecs.Zstd().decode(body), dtype)
    if codec == "delta-zstd":
        return numcodecs.Delta(dtype.str).decode(values)
    return values
