"""Reads single sites in random order from a bucket that is open to all, in one thread.

    python store_reads.py READER TREE ENDPOINT CODEC

Prints {"sites_per_second": ...}.
"""

from __future__ import annotations

import argparse
import http.client
import io
import itertools
import json
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import google_crc32c
import numcodecs.blosc
import numpy as np
import pyarrow.parquet as pq

import tree
from reads import CHECKED_SITES, ReadSite, chunk_decoder, open_pngs, random_sites
from store import DATASET, PNGS, READERS

# The benchmark reads a bucket with the same readers as the tests.
sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "python"))

from readers.cloud import CLOUD_READERS, at_s3

SECONDS = 3.0


class Web:
    """One connection that is kept open."""

    def __init__(self, endpoint: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(endpoint).netloc)

    def get(self, key: str, part: str | None = None) -> bytes:
        headers = {"Range": part} if part else {}
        self.connection.request("GET", f"/{DATASET}/{key}", headers=headers)
        with self.connection.getresponse() as answer:
            body = answer.read()
        if answer.status != (206 if part else 200):
            sys.exit(f"error: {key}: {answer.status}\n{body.decode(errors='replace')}")
        return body


def open_byte_ranges(endpoint: str, codec: str) -> ReadSite:
    """No Zarr library: one range request for a site, its checksum, the codec."""
    web = Web(endpoint)
    array = json.loads(web.get(f"{DATASET}/images.zarr/images/zarr.json"))
    shape, dtype = array["shape"][1:], np.dtype(array["data_type"])
    table = io.BytesIO(web.get(f"{DATASET}/metadata.parquet"))
    rows = pq.read_table(table, columns=["object", "byte_offset", "byte_length"]).to_pylist()
    decode = chunk_decoder(codec, dtype)

    def read(site: int) -> np.ndarray:
        shard, offset, length = rows[site].values()
        framed = web.get(f"{DATASET}/{shard}", f"bytes={offset}-{offset + length - 1}")
        if google_crc32c.value(framed[:-4]) != struct.unpack("<I", framed[-4:])[0]:
            raise ValueError(f"site {site}: wrong checksum")
        return decode(framed[:-4]).reshape(shape)

    return read


def open_remote_pngs(root: Path, endpoint: str) -> ReadSite:
    """What there is without a conversion: six objects a site."""
    web = Web(endpoint)
    sites = tree.read_sites(root)

    def read_plane(path: Path) -> np.ndarray:
        content = web.get(f"{PNGS}/{path.relative_to(root).as_posix()}")
        return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)

    return lambda site: np.stack([read_plane(path) for path in sites[site]])


def open_by(reader: str, root: Path, endpoint: str, codec: str) -> ReadSite:
    match reader:
        case "byte range":
            return open_byte_ranges(endpoint, codec)
        case "six PNGs, OpenCV":
            return open_remote_pngs(root, endpoint)
    read: Callable = CLOUD_READERS[reader](at_s3(endpoint, DATASET, DATASET))
    return lambda site: read((site,))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("reader", choices=READERS)
    parser.add_argument("tree", type=Path)
    parser.add_argument("endpoint")
    parser.add_argument("codec")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    numcodecs.blosc.set_nthreads(1)
    read = open_by(arguments.reader, arguments.tree, arguments.endpoint, arguments.codec)
    expected = open_pngs(arguments.tree, Path(), "")
    sites = random_sites(len(tree.read_sites(arguments.tree)))
    for site in itertools.islice(sites, CHECKED_SITES):
        if not np.array_equal(read(site), expected(site)):
            sys.exit(f"error: {arguments.reader}: site {site} is not what its PNGs hold")
    reads, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < SECONDS:
        read(next(sites))
        reads += 1
    print(json.dumps({"sites_per_second": reads / elapsed}))


if __name__ == "__main__":
    main()
