"""Decodes the byte range of a site, which the table gives, with numcodecs alone."""

from __future__ import annotations

import struct

import google_crc32c
import numcodecs
import numcodecs.blosc
import numpy as np
from numpy.typing import NDArray

CRC = struct.Struct("<I")


def without_crc(framed: bytes) -> bytes:
    """Checks and removes the CRC-32C that Zarr's codec `crc32c` appends."""
    body, (crc,) = framed[: -CRC.size], CRC.unpack(framed[-CRC.size :])
    assert google_crc32c.value(body) == crc
    return body


def decode(chunk: bytes, codec: str, dtype: np.dtype) -> NDArray[np.generic]:
    """Decodes a chunk into a flat array."""
    body = without_crc(chunk)
    if codec.startswith("blosc-"):
        return np.frombuffer(numcodecs.blosc.decompress(body), dtype)
    values = np.frombuffer(numcodecs.Zstd().decode(body), dtype)
    if codec == "delta-zstd":
        return numcodecs.Delta(dtype.str).decode(values)
    return values
