"""What a competent user would write instead, each with the same chunks, shards and codec.

    python peers.py PEER TREE OUTPUT --codec CODEC --jobs N

Prints {"seconds": ...} of the conversion itself: imports are not counted. The
peers write pixels only: no tables, statistics, hashes or checksums of files.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numcodecs.blosc
import numpy as np
import tensorstore
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec
from zarr.codecs.numcodecs import Delta

import tree

SHARD_SITES = 64
Site = list[Path]
Shard = tuple[int, list[Site]]
"""Position of the first site along the array, and the shard's sites."""


def shards_of(sites: list[Site]) -> Iterator[Shard]:
    for start in range(0, len(sites), SHARD_SITES):
        yield start, sites[start : start + SHARD_SITES]


def read_plane(path: Path) -> NDArray[np.uint8]:
    plane = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if plane is None:
        raise OSError(f"cannot decode {path}")
    return plane


def read_block(sites: list[Site]) -> NDArray[np.uint8]:
    """(site, channel, y, x)."""
    height, width = read_plane(sites[0][0]).shape
    block = np.empty((len(sites), tree.CHANNELS, height, width), np.uint8)
    for index, site in enumerate(sites):
        fill_site(block, index, site)
    return block


def fill_site(block: NDArray[np.uint8], index: int, site: Site) -> None:
    for channel, path in enumerate(site):
        block[index, channel] = read_plane(path)


def geometry(sites: list[Site]) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Shapes of the array, of a shard and of a chunk."""
    plane = read_plane(sites[0][0]).shape
    stack = (tree.CHANNELS, *plane)
    return (len(sites), *stack), (SHARD_SITES, *stack), (1, *stack)


# tensorstore + OpenCV: threads, since OpenCV and tensorstore both release the GIL.


def tensorstore_codecs(codec: str, plane_bytes: int) -> list[dict[str, object]]:
    blosc = {"shuffle": "bitshuffle", "typesize": 1, "blocksize": plane_bytes}
    compressor: dict[str, object] = {
        "blosc-zstd": {
            "name": "blosc",
            "configuration": {"cname": "zstd", "clevel": 1, **blosc},
        },
        "blosc-lz4": {
            "name": "blosc",
            "configuration": {"cname": "lz4", "clevel": 5, **blosc},
        },
        "zstd": {"name": "zstd", "configuration": {"level": 1}},
    }[codec]
    return [{"name": "bytes"}, compressor, {"name": "crc32c"}]


def convert_with_tensorstore(sites: list[Site], output: Path, codec: str, jobs: int) -> None:
    shape, shard, chunk = geometry(sites)
    sharding = {
        "chunk_shape": chunk,
        "codecs": tensorstore_codecs(codec, chunk[2] * chunk[3]),
        "index_codecs": [
            {"name": "bytes", "configuration": {"endian": "little"}},
            {"name": "crc32c"},
        ],
    }
    store = tensorstore.open(
        {
            "driver": "zarr3",
            "kvstore": {"driver": "file", "path": str(output)},
            "metadata": {
                "data_type": "uint8",
                "shape": shape,
                "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": shard}},
                "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
            },
        },
        create=True,
    ).result()

    # One shard is encoded while the next is read, which was faster than a shard a thread.
    writing = None
    with ThreadPoolExecutor(jobs) as pool:
        for start, shard_sites in shards_of(sites):
            block = np.empty((len(shard_sites), *shape[1:]), np.uint8)
            list(pool.map(partial(fill_site, block), range(len(shard_sites)), shard_sites))
            if writing:
                writing.result()
            writing = store[start : start + len(shard_sites)].write(block)
        if writing:
            writing.result()


# zarr-python + OpenCV: processes, a shard a task.


def zarr_codecs(codec: str, plane_bytes: int) -> tuple[list[Delta], list[object]]:
    """Filters and compressors."""
    blosc = partial(BloscCodec, shuffle="bitshuffle", typesize=1, blocksize=plane_bytes)
    compressors = {
        "blosc-zstd": lambda: blosc(cname="zstd", clevel=1),
        "blosc-lz4": lambda: blosc(cname="lz4", clevel=5),
        "zstd": lambda: ZstdCodec(level=1),
        "delta-zstd": lambda: ZstdCodec(level=1),
    }
    filters = [Delta(dtype="|u1")] if codec == "delta-zstd" else []
    return filters, [compressors[codec](), Crc32cCodec()]


def keep_to_one_thread() -> None:
    """There is a process a core already."""
    cv2.setNumThreads(1)
    numcodecs.blosc.set_nthreads(1)
    zarr.config.set({"threading.max_workers": 1, "async.concurrency": 1})


def write_zarr_shard(output: Path, shard: Shard) -> None:
    start, sites = shard
    array = zarr.open_array(output, mode="r+").with_config({"write_empty_chunks": True})
    array[start : start + len(sites)] = read_block(sites)


def convert_with_zarr_python(sites: list[Site], output: Path, codec: str, jobs: int) -> None:
    shape, shard, chunk = geometry(sites)
    filters, compressors = zarr_codecs(codec, chunk[2] * chunk[3])
    zarr.create_array(
        output,
        shape=shape,
        shards=shard,
        chunks=chunk,
        dtype="uint8",
        filters=filters,
        compressors=compressors,
        fill_value=0,
    )
    with process_pool(jobs) as pool:
        list(pool.map(partial(write_zarr_shard, output), shards_of(sites)))


def process_pool(jobs: int) -> ProcessPoolExecutor:
    # Forked before any thread is started, so that no worker pays for the imports again.
    context = multiprocessing.get_context("fork")
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=keep_to_one_thread)


# Recursion's recipe for RxRx1: a Zarr 2 store a site, (y, x, channel), uint16, Blosc zstd 3
# with bitshuffle. OpenCV reads for it, which is faster than the scikit-image it used.


def write_site_store(output: Path, site: Site) -> None:
    stack = np.stack([read_plane(path) for path in site], axis=-1).astype("<u2")
    folder = output.joinpath(*site[0].parts[-3:-1])
    zarr.create_array(
        folder / (site[0].name.removesuffix("_w1.png") + ".zarr"),
        data=stack,
        chunks=stack.shape,
        zarr_format=2,
        compressors=numcodecs.Blosc("zstd", clevel=3, shuffle=numcodecs.Blosc.BITSHUFFLE),
    )


def convert_a_store_a_site(sites: list[Site], output: Path, _codec: str, jobs: int) -> None:
    with process_pool(jobs) as pool:
        list(pool.map(partial(write_site_store, output), sites, chunksize=8))


PEERS: dict[str, Callable[[list[Site], Path, str, int], None]] = {
    "tensorstore": convert_with_tensorstore,
    "zarr-python": convert_with_zarr_python,
    "store-per-site": convert_a_store_a_site,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("tree", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--codec", required=True)
    parser.add_argument("--jobs", type=int, required=True)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    began = time.perf_counter()
    sites = tree.read_sites(arguments.tree)
    PEERS[arguments.peer](sites, arguments.output, arguments.codec, arguments.jobs)
    print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
