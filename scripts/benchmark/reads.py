"""Reads single sites in random order, one after the other, in one thread.

    python reads.py METHOD TREE DATASET CODEC

Prints {"sites_per_second": ...}. The page cache is warm.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import google_crc32c
import numcodecs
import numcodecs.blosc
import numpy as np
import pyarrow.parquet as pq
import tensorstore
import zarr
from numpy.typing import NDArray

import tree

SECONDS = 1.5
CHECKED_SITES = 4
CACHE_BYTES = 64 << 20

Pixels = NDArray[np.generic]
ReadSite = Callable[[int], Pixels]
"""Row -> (channel, y, x)."""


def open_pngs(root: Path, _dataset: Path, _codec: str) -> ReadSite:
    sites = tree.read_sites(root)
    return lambda site: np.stack(
        [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sites[site]]
    )


def open_zarr_python(_root: Path, dataset: Path, _codec: str) -> ReadSite:
    array = zarr.open_array(dataset / "images.zarr" / "images", mode="r")
    return lambda site: np.asarray(array[site])


def open_tensorstore(_root: Path, dataset: Path, _codec: str) -> ReadSite:
    """With a small cache, without which it would read the shard's index for every site."""
    store = tensorstore.open(
        {
            "driver": "zarr3",
            "kvstore": {"driver": "file", "path": str(dataset / "images.zarr" / "images")},
            "context": {"cache_pool": {"total_bytes_limit": CACHE_BYTES}},
            "recheck_cached_data": "open",
        },
        read=True,
    ).result()
    return lambda site: store[site].read().result()


def open_byte_ranges(_root: Path, dataset: Path, codec: str) -> ReadSite:
    """No Zarr library: a range of bytes from the table, its checksum, the codec."""
    array = json.loads((dataset / "images.zarr" / "images" / "zarr.json").read_text())
    shape, dtype = array["shape"][1:], np.dtype(array["data_type"])
    columns = pq.read_table(
        dataset / "metadata.parquet", columns=["object", "byte_offset", "byte_length"]
    )
    names = columns["object"].to_pylist()
    handles = {name: os.open(dataset / name, os.O_RDONLY) for name in set(names)}
    shards = [handles[name] for name in names]
    offsets, lengths = columns["byte_offset"].to_pylist(), columns["byte_length"].to_pylist()
    decode = chunk_decoder(codec, dtype)

    def read(site: int) -> Pixels:
        framed = os.pread(shards[site], lengths[site], offsets[site])
        body = framed[:-4]
        if google_crc32c.value(body) != struct.unpack("<I", framed[-4:])[0]:
            raise ValueError(f"site {site}: wrong checksum")
        return decode(body).reshape(shape)

    return read


def chunk_decoder(codec: str, dtype: np.dtype) -> Callable[[bytes], Pixels]:
    zstd = numcodecs.Zstd()
    delta = numcodecs.Delta(dtype.str)
    return {
        "blosc-zstd": lambda body: np.frombuffer(numcodecs.blosc.decompress(body), dtype),
        "blosc-lz4": lambda body: np.frombuffer(numcodecs.blosc.decompress(body), dtype),
        "zstd": lambda body: np.frombuffer(zstd.decode(body), dtype),
        "delta-zstd": lambda body: delta.decode(np.frombuffer(zstd.decode(body), dtype)),
    }[codec]


METHODS: dict[str, Callable[[Path, Path, str], ReadSite]] = {
    "six PNGs, OpenCV": open_pngs,
    "zarr-python": open_zarr_python,
    "tensorstore": open_tensorstore,
    "byte range": open_byte_ranges,
}


def random_sites(count: int) -> Iterator[int]:
    """Every site once in random order, then again: nothing is read twice in a row."""
    order = list(range(count))
    random.Random(1).shuffle(order)
    return itertools.cycle(order)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("tree", type=Path)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("codec")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    numcodecs.blosc.set_nthreads(1)
    where = (arguments.tree, arguments.dataset, arguments.codec)
    read, expected = METHODS[arguments.method](*where), open_pngs(*where)
    sites = random_sites(len(tree.read_sites(arguments.tree)))
    for site in itertools.islice(sites, CHECKED_SITES):
        if not np.array_equal(read(site), expected(site)):
            sys.exit(f"error: {arguments.method}: site {site} is not what its PNGs hold")
    reads, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < SECONDS:
        read(next(sites))
        reads += 1
    print(json.dumps({"sites_per_second": reads / elapsed}))


if __name__ == "__main__":
    main()
