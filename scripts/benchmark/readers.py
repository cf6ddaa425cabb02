"""Reads random batches of sites by one reader, on some threads, for some seconds.

    python readers.py READER TREE DATASET CODEC --threads N [--seconds S] [--start-at TIME]

Prints {"sites_per_second": ..., "sites_per_processor_second": ...}: of all threads together,
so that other load on the machine counts less. The page cache is warm. A batch is what a
training loop takes: an array (site, channel, y, x).
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import os
import random
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tree
from readers_formats import MDS, MDS_PNG, WEBDATASET

BATCH = 32
CHECKED_BATCHES = 1
CACHE_BYTES = 64 << 20

Pixels = NDArray[Any]
Batches = Callable[[Sequence[int]], Pixels]
"""Rows -> (site, channel, y, x)."""


class Trial:
    """What is read, and by how many threads."""

    def __init__(self, root: Path, dataset: Path, codec: str, threads: int) -> None:
        self.root = root
        self.dataset = dataset
        self.codec = codec
        self.threads = threads
        self.pool = ThreadPoolExecutor(threads) if threads > 1 else None
        array = json.loads((dataset / "images.zarr" / "images" / "zarr.json").read_text())
        self.shape = tuple(array["shape"][1:])
        self.dtype = np.dtype(array["data_type"])

    def array(self) -> str:
        return str(self.dataset / "images.zarr" / "images")

    def each(self, work: Callable[[int, int], None], sites: Sequence[int]) -> None:
        """Calls `work` with each place in the batch and its site, on all threads."""
        if self.pool is None:
            for place, site in enumerate(sites):
                work(place, site)
        else:
            list(self.pool.map(work, range(len(sites)), sites))

    def empty(self, sites: Sequence[int]) -> Pixels:
        return np.empty((len(sites), *self.shape), self.dtype)

    def stored(self) -> Callable[[int], bytes]:
        """The stored chunk of a site, by one range of bytes."""
        import pyarrow.parquet as pq

        columns = ["object", "byte_offset", "byte_length"]
        rows = pq.read_table(self.dataset / "metadata.parquet", columns=columns).to_pylist()
        names = {row["object"] for row in rows}
        handles = {name: os.open(self.dataset / name, os.O_RDONLY) for name in names}
        places = [(handles[row["object"]], row["byte_length"], row["byte_offset"]) for row in rows]
        return lambda site: os.pread(*places[site])

    def decode_into(self) -> Callable[[bytes, Pixels], None]:
        """Decodes a chunk, without its checksum, into its place."""
        numcodecs = importlib.import_module("numcodecs")
        blosc = importlib.import_module("numcodecs.blosc")
        # Several threads of Python decode, each by itself.
        blosc.use_threads = False
        zstd, delta = numcodecs.Zstd(), numcodecs.Delta(self.dtype.str)

        def differences(body: bytes, place: Pixels) -> None:
            np.copyto(place, delta.decode(np.frombuffer(zstd.decode(body), self.dtype)))

        return {
            "blosc-zstd": lambda body, place: blosc.decompress(body, place),
            "blosc-lz4": lambda body, place: blosc.decompress(body, place),
            "zstd": lambda body, place: zstd.decode(body, place),
            "delta-zstd": lambda body, place: differences(body, place.reshape(-1)),
        }[self.codec]


def open_ours(trial: Trial) -> Batches:
    dataset = importlib.import_module("rxrx2zarr").open(trial.dataset)
    return lambda sites: dataset.read(sites, threads=trial.threads)


def open_ours_out(trial: Trial) -> Batches:
    """Into an array that is used again, as the loader does with pinned memory."""
    dataset = importlib.import_module("rxrx2zarr").open(trial.dataset)
    out = trial.empty(range(BATCH))
    return lambda sites: dataset.read(sites, out=out, threads=trial.threads)


def open_tensorstore(trial: Trial) -> Batches:
    """With a small cache, without which it would read the shard's index for every site."""
    tensorstore = importlib.import_module("tensorstore")
    limits = {"limit": trial.threads}
    store = tensorstore.open(
        {
            "driver": "zarr3",
            "kvstore": {"driver": "file", "path": trial.array()},
            "context": {
                "cache_pool": {"total_bytes_limit": CACHE_BYTES},
                "data_copy_concurrency": limits,
                "file_io_concurrency": limits,
            },
            "recheck_cached_data": "open",
        },
        read=True,
    ).result()
    return lambda sites: store[list(sites)].read().result()


def open_zarr_python(trial: Trial) -> Batches:
    zarr = importlib.import_module("zarr")
    zarr.config.set({"threading.max_workers": trial.threads})
    array = zarr.open_array(trial.array(), mode="r")
    return lambda sites: np.asarray(array.oindex[list(sites)])


def open_zarrs_python(trial: Trial) -> Batches:
    """zarr-python with the pipeline of codecs of the crate zarrs."""
    importlib.import_module("zarrs")
    zarr = importlib.import_module("zarr")
    zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"})
    return open_zarr_python(trial)


def open_byte_ranges(trial: Trial) -> Batches:
    """No Zarr library: ranges of bytes, their checksums, numcodecs."""
    crc32c = importlib.import_module("google_crc32c")
    stored, decode = trial.stored(), trial.decode_into()

    def read(sites: Sequence[int]) -> Pixels:
        batch = trial.empty(sites)

        def one(place: int, site: int) -> None:
            framed = stored(site)
            body = framed[:-4]
            if crc32c.value(body) != struct.unpack("<I", framed[-4:])[0]:
                raise ValueError(f"site {site}: wrong checksum")
            decode(body, batch[place])

        trial.each(one, sites)
        return batch

    return read


def open_codec_alone(trial: Trial) -> Batches:
    """The codec library in a loop: chunks are in memory, without checksum or new memory."""
    stored, decode = trial.stored(), trial.decode_into()
    bodies = {site: stored(site)[:-4] for site in range(min(64, count_sites(trial.root)))}
    batch = trial.empty(range(BATCH))

    def read(sites: Sequence[int]) -> Pixels:
        trial.each(lambda place, site: decode(bodies[site], batch[place]), sites)
        return batch

    return read


def open_pngs(trial: Trial) -> Batches:
    cv2 = importlib.import_module("cv2")
    cv2.setNumThreads(1)
    paths = tree.read_sites(trial.root)

    def read(sites: Sequence[int]) -> Pixels:
        batch = trial.empty(sites)

        def one(place: int, site: int) -> None:
            for channel, path in enumerate(paths[site]):
                batch[place, channel] = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)

        trial.each(one, sites)
        return batch

    return read


def open_mds(trial: Trial) -> Batches:
    """mosaicml-streaming, random access to samples of raw pixels."""
    streaming = importlib.import_module("streaming")
    samples = streaming.LocalDataset(str(trial.root.parent / MDS))

    def read(sites: Sequence[int]) -> Pixels:
        batch = trial.empty(sites)

        def one(place: int, site: int) -> None:
            batch[place] = samples[site]["pixels"]

        trial.each(one, sites)
        return batch

    return read


def open_mds_pngs(trial: Trial) -> Batches:
    """mosaicml-streaming, random access to samples of six PNGs."""
    cv2 = importlib.import_module("cv2")
    cv2.setNumThreads(1)
    streaming = importlib.import_module("streaming")
    samples = streaming.LocalDataset(str(trial.root.parent / MDS_PNG))

    def read(sites: Sequence[int]) -> Pixels:
        batch = trial.empty(sites)

        def one(place: int, site: int) -> None:
            sample = samples[site]
            for channel in range(trial.shape[0]):
                content = np.frombuffer(sample[f"w{channel + 1}"], np.uint8)
                batch[place, channel] = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)

        trial.each(one, sites)
        return batch

    return read


def open_webdataset(trial: Trial) -> Batches:
    """webdataset: samples of six PNGs one after the other; it has no random access."""
    cv2 = importlib.import_module("cv2")
    cv2.setNumThreads(1)
    webdataset = importlib.import_module("webdataset")
    shards = sorted(str(path) for path in (trial.root.parent / WEBDATASET).glob("*.tar"))
    # Each sample once, again and again, shards in random order.
    samples = webdataset.WebDataset(shards, shardshuffle=len(shards), seed=1).repeat()
    following: Iterator[dict[str, Any]] = iter(samples)

    def read(sites: Sequence[int]) -> Pixels:
        batch = trial.empty(sites)
        taken = list(itertools.islice(following, len(sites)))

        def one(place: int, _site: int) -> None:
            for channel in range(trial.shape[0]):
                content = np.frombuffer(taken[place][f"w{channel + 1}.png"], np.uint8)
                batch[place, channel] = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)

        trial.each(one, sites)
        return batch

    return read


OURS = "rxrx2zarr"
OURS_OUT = "rxrx2zarr, out="
CODEC_ALONE = "the codec library alone"
PNGS = "six PNGs, OpenCV"
STORED: dict[str, Callable[[Trial], Batches]] = {
    OURS: open_ours,
    OURS_OUT: open_ours_out,
    "tensorstore": open_tensorstore,
    "zarr-python": open_zarr_python,
    "zarrs-python": open_zarrs_python,
    "byte ranges, numcodecs": open_byte_ranges,
    CODEC_ALONE: open_codec_alone,
}
"""Readers of our datasets."""
OTHERS: dict[str, Callable[[Trial], Batches]] = {
    "mosaicml-streaming, raw pixels": open_mds,
    "mosaicml-streaming, PNGs": open_mds_pngs,
    "webdataset, PNGs": open_webdataset,
    PNGS: open_pngs,
}
"""Readers of other formats of the same sites."""
NOT_RANDOM = ("webdataset, PNGs",)


def count_sites(root: Path) -> int:
    return len(tree.read_sites(root))


def random_batches(sites: int, seed: int) -> Iterator[list[int]]:
    """Every site once in random order, then again, in batches."""
    order = list(range(sites))
    random.Random(seed).shuffle(order)
    endless = itertools.cycle(order)
    while True:
        yield list(itertools.islice(endless, BATCH))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("reader", choices=[*STORED, *OTHERS])
    parser.add_argument("tree", type=Path)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("codec")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--start-at", type=float, help="time at which several processes begin")
    chosen = parser.parse_args()
    trial = Trial(chosen.tree, chosen.dataset, chosen.codec, chosen.threads)
    read = (STORED | OTHERS)[chosen.reader](trial)
    sites = count_sites(chosen.tree)
    if chosen.reader == CODEC_ALONE:
        sites = min(64, sites)
    batches = random_batches(sites, os.getpid() if chosen.start_at else 1)
    expected = open_pngs(trial)
    for batch in itertools.islice(batches, CHECKED_BATCHES):
        found = read(batch)
        if chosen.reader not in NOT_RANDOM and not np.array_equal(found, expected(batch)):
            sys.exit(f"error: {chosen.reader}: sites {batch} are not what their PNGs hold")
    if chosen.start_at:
        time.sleep(max(0.0, chosen.start_at - time.time()))
    reads, began, processor = 0, time.perf_counter(), time.process_time()
    while (elapsed := time.perf_counter() - began) < chosen.seconds:
        reads += len(read(next(batches)))
    rates = {
        "sites_per_second": reads / elapsed,
        "sites_per_processor_second": reads / (time.process_time() - processor),
    }
    print(json.dumps(rates))


if __name__ == "__main__":
    main()
