"""Inputs with known pixels: PNG files that only the standard library writes."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHANNELS = ("w1", "w2", "w3")
HEIGHT, WIDTH = 24, 40


@dataclass(frozen=True)
class Input:
    """A folder with images and their table, in the order of the array."""

    root: Path
    pixels: NDArray[Any]
    """Axes: (site, channel, y, x)."""
    site_ids: tuple[str, ...]


def png(plane: NDArray[Any]) -> bytes:
    """Encodes a grey image of 8 or 16 bits, without filters."""
    depth = plane.dtype.itemsize * 8
    rows = plane.astype(plane.dtype.newbyteorder(">"))
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = struct.pack(">IIBBBBB", plane.shape[1], plane.shape[0], depth, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    encoded = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(encoded)


def make_input(
    root: Path,
    sites: int,
    dtype: type[np.unsignedinteger[Any]],
    sites_of_well: int = 1,
    size: tuple[int, int] = (HEIGHT, WIDTH),
) -> Input:
    """Makes the plate HUVEC-01, and U2OS-04 from the middle on, with random pixels.

    The columns grade and rank are blank in every third row.
    """
    random = np.random.default_rng(sites)
    shape = (sites, len(CHANNELS), *size)
    pixels = random.integers(0, np.iinfo(dtype).max + 1, shape, dtype)
    rows, site_ids = ["site_id,experiment,plate,well,site,dataset,dose,grade,rank"], []
    for site, planes in enumerate(pixels):
        experiment = "HUVEC-01" if site < sites // 2 else "U2OS-04"
        place, number = divmod(site, sites_of_well)
        number += 1
        if sites_of_well > 1:
            experiment = "HUVEC-01"
        well = f"{chr(ord('B') + place // 20)}{2 + place % 20:02}"
        site_ids.append(f"{experiment}_1_{well}_{number}")
        dataset = "train" if site % 3 else "test"
        others = "," if site % 3 == 0 else f"{'high' if site % 3 == 1 else 'low'},{site}"
        rows.append(f"{site_ids[-1]},{experiment},1,{well},{number},{dataset},{site / 4},{others}")
        folder = root / "images" / experiment / "Plate1"
        folder.mkdir(parents=True, exist_ok=True)
        for channel, plane in zip(CHANNELS, planes, strict=True):
            (folder / f"{well}_s{number}_{channel}.png").write_bytes(png(plane))
    (root / "metadata.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return Input(root, pixels, tuple(site_ids))
