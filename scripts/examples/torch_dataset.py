"""A PyTorch Dataset over a converted dataset: random access, normalised per plate.

    python scripts/examples/torch_dataset.py DATASET [--source INPUT] [--workers 2] [--epochs 3]

The package rxrx2zarr reads a batch where it is installed (docs/python.md). Without it, a site is
one read of its byte range in metadata.parquet, decoded by numcodecs into its place in the batch.
Neither needs a Zarr library. Batches leave the workers as stored integers, a quarter of float32,
and are normalised where they are used: by `Sites.normalise`, or on the device as `train` does.
`Sites` itself needs no PyTorch. With --source, the script also reads the same sites from the PNGs
as an ImageFolder does, each in one process and one thread, and prints both rates. If PyTorch is
installed, a DataLoader with spawned workers then runs over several epochs.

Needs duckdb and numpy; rxrx2zarr, or google-crc32c and numcodecs; Pillow for --source.
"""

import argparse
import json
import os
import random
import time
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np

try:
    import rxrx2zarr
except ModuleNotFoundError:
    rxrx2zarr = None
    import numcodecs
    import numcodecs.blosc

    # The workers are the parallelism; Blosc's own threads would compete with them.
    numcodecs.blosc.use_threads = False

BATCH = 16


class Sites:
    """`sites[i]` is (pixels (channel, y, x) as stored, number of the plate, label).

    `where` is an SQL condition on the columns of metadata.parquet.
    """

    def __init__(self, root: str | Path, where: str = "complete", label: str = "sirna_id") -> None:
        self.root = Path(root)
        table = f"'{self.root / 'metadata.parquet'}'"
        layout = layout_of(table)
        self.shape = tuple(json.loads(layout[b"array_shape"])[1:])  # (channel, y, x)
        self.dtype = np.dtype(layout[b"data_type"].decode()).newbyteorder("<")
        self.rows = duckdb.sql(f"""
            SELECT site_index, coalesce({label}, -1),
                   dense_rank() OVER (ORDER BY experiment, plate) - 1
            FROM {table} QUALIFY {where} ORDER BY site_index""").fetchall()
        stats = duckdb.sql(f"""
            SELECT mean, greatest(std, 1e-6) AS std
            FROM '{self.root / "channel_stats.parquet"}' WHERE scope = 'plate'
            ORDER BY experiment, plate, length(channel), channel""").fetchnumpy()
        mean, std = (
            np.ma.filled(stats[name], 1).astype(np.float32).reshape(-1, self.shape[0], 1, 1)
            for name in ("mean", "std")
        )
        self.mean, self.scale = mean, 1 / std  # (plate, channel, 1, 1)
        self.reader = rxrx2zarr.open(root) if rxrx2zarr else ByteRanges(self.root)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int, int]:
        (pixels,), (plate,), (label,) = self.batch([index])
        return pixels, int(plate), int(label)

    def batch(self, indices: list[int], out: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
        """Reads sites into one array (batch, channel, y, x); returns it, plates and labels."""
        if out is None:
            out = np.empty((len(indices), *self.shape), self.dtype)
        sites, labels, plates = zip(*(self.rows[index] for index in indices), strict=True)
        # The workers of the loader are the parallelism, so one thread reads.
        self.reader.read(sites, out=out, threads=1)
        return out, np.array(plates), np.array(labels)

    # The name by which a DataLoader asks a Dataset for a batch.
    __getitems__ = batch

    def normalise(self, pixels: np.ndarray, plates: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Gives each channel mean 0 and deviation 1 on its plate; `out` is float32.

        One site after the other, because a site fits the cache of a core and a batch does not.
        """
        for site, plate, place in zip(pixels, plates, out, strict=True):
            np.subtract(site, self.mean[plate], out=place, dtype=np.float32)
            np.multiply(place, self.scale[plate], out=place)
        return out


class ByteRanges:
    """Reads sites as the package does: one read of a byte range each, decoded by numcodecs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        table = f"'{root / 'metadata.parquet'}'"
        layout = layout_of(table)
        chunk = json.loads(layout[b"chunk_shape"])
        if chunk[0] != 1 or chunk[1] != json.loads(layout[b"array_shape"])[1]:
            raise ValueError(f"{root}: a chunk is not one site; convert with default chunks")
        codecs = reversed(json.loads(layout[b"chunk_codecs"]))
        self.codecs = [codec_of(codec) for codec in codecs if codec["name"] != "bytes"]
        self.ranges = duckdb.sql(f"""
            SELECT object, byte_offset, byte_length FROM {table} ORDER BY site_index""").fetchall()
        self.shards: dict[str, int] = {}

    def read(self, sites: Sequence[int], out: np.ndarray, threads: int) -> None:
        """Decodes sites into `out`, (site, channel, y, x), with one thread."""
        assert threads == 1
        for site, place in zip(sites, out, strict=True):
            data = self.stored(site)
            for codec in self.codecs[:-1]:
                data = codec.decode(data)
            self.codecs[-1].decode(data, out=place)

    def stored(self, site: int) -> bytes:
        """Reads the stored bytes of a site with one read."""
        shard, offset, length = self.ranges[site]
        if shard not in self.shards:
            self.shards[shard] = os.open(self.root / shard, os.O_RDONLY)
        return os.pread(self.shards[shard], length, offset)

    def __getstate__(self) -> dict:
        """Returns the state for a spawned worker, which opens its own files."""
        return self.__dict__ | {"shards": {}}


def layout_of(table: str) -> dict[bytes, bytes]:
    """Returns what metadata.parquet says about the array: its shape, type, chunks and codecs."""
    return dict(duckdb.sql(f"SELECT key, value FROM parquet_kv_metadata({table})").fetchall())


def codec_of(codec: dict) -> "numcodecs.abc.Codec":
    """Returns the numcodecs codec that decodes a Zarr codec; only `delta` needs its settings."""
    name = codec["name"].removeprefix("numcodecs.")
    return numcodecs.get_codec({"id": name} | (codec["configuration"] if name == "delta" else {}))


class PngSites:
    """The same samples from six PNGs each, opened by Pillow as an ImageFolder does."""

    def __init__(self, sites: Sites, source: str | Path) -> None:
        self.sites = sites
        self.files = duckdb.sql(f"""
            SELECT list('{source}/' || source ORDER BY length(channel), channel)
            FROM '{sites.root / "planes.parquet"}' GROUP BY site_index
            HAVING bool_and(status = 'ok') ORDER BY site_index""").fetchall()
        if len(self.files) != len(sites):
            raise ValueError("compare over the default choice, all complete sites")

    def batch(self, indices: list[int], out: np.ndarray) -> tuple[np.ndarray, ...]:
        from PIL import Image

        for place, index in zip(out, indices, strict=True):
            for plane, file in zip(place, self.files[index][0], strict=True):
                with Image.open(file) as image:
                    plane[:] = np.asarray(image)
        labels, plates = zip(*(self.sites.rows[index][1:] for index in indices), strict=True)
        return out, np.array(plates), np.array(labels)


def compare(sites: Sites, source: str, epochs: int) -> None:
    """Times both loaders in turns of a batch, over the same sites in the same order.

    All files are in the page cache before, so that the disk does not affect the result.
    """
    loaders = {"PNGs": PngSites(sites, source), "dataset": sites}
    size = min(len(sites), 10)
    stored = np.empty((size, *sites.shape), sites.dtype)
    ready = np.empty(stored.shape, np.float32)
    ends = [0, len(sites) - 1][:size]
    both = [loader.batch(ends, stored[: len(ends)])[0].copy() for loader in loaders.values()]
    assert np.array_equal(*both), "they disagree"
    total = dict.fromkeys(loaders, 0.0)
    for epoch in range(epochs):
        order = random.Random(epoch).sample(range(len(sites)), min(len(sites), 200))
        order = order[: len(order) // size * size]
        for index in order:
            sites.batch([index])
            for file in loaders["PNGs"].files[index][0]:
                Path(file).read_bytes()
        took = dict.fromkeys(loaders, 0.0)
        for start in range(0, len(order), size):
            for name, loader in loaders.items():
                began = time.perf_counter()
                pixels, plates, _ = loader.batch(order[start : start + size], stored)
                sites.normalise(pixels, plates, ready)
                took[name] += time.perf_counter() - began
        rates = ", ".join(f"{name} {len(order) / took[name]:.0f} sites/s" for name in took)
        print(f"epoch {epoch}: {rates}")
        total = {name: total[name] + took[name] for name in total}
    print(f"the dataset is {total['PNGs'] / total['dataset']:.1f} times as fast")


def train(sites: Sites, workers: int, epochs: int) -> None:
    """Runs a training loop. Workers are spawned: a fork copies locks that other threads hold."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    mean, scale = (torch.from_numpy(values).to(device) for values in (sites.mean, sites.scale))

    buffer = torch.empty((BATCH, *sites.shape), device=device)  # reused: new memory is slow

    def normalise(pixels: torch.Tensor, plates: torch.Tensor) -> torch.Tensor:
        """Makes float32 on the device, to which a quarter of the bytes were sent."""
        ready = buffer[: len(pixels)].copy_(pixels, non_blocking=True)
        plates = plates.to(device)
        return ready.sub_(mean[plates]).mul_(scale[plates])

    # Any object with __len__ and __getitem__ is a Dataset. A batch comes whole from
    # __getitems__, so nothing is left to collate but to call the arrays tensors.
    loader = torch.utils.data.DataLoader(
        sites,
        batch_size=BATCH,
        shuffle=True,
        num_workers=workers,
        collate_fn=tensors,
        multiprocessing_context="spawn" if workers else None,
        persistent_workers=workers > 0,
        pin_memory=device == "cuda",
    )
    for epoch in range(epochs):
        began, seen, total = time.perf_counter(), 0, 0.0
        for pixels, plates, _labels in loader:  # (batch, channel, y, x), int64, int64
            ready = normalise(pixels, plates)
            seen, total = seen + len(ready), total + ready.mean().item() * len(ready)
        speed = seen / (time.perf_counter() - began)
        print(f"epoch {epoch}: {seen} sites, {speed:.0f} sites/s, mean {total / seen:.4f}")


def tensors(batch: tuple[np.ndarray, ...]) -> tuple:
    """Calls the arrays of a batch tensors; nothing is copied."""
    import torch

    return tuple(torch.from_numpy(part) for part in batch)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("--source", help="the folder that was converted, to compare with")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3)
    arguments = parser.parse_args()
    sites = Sites(arguments.dataset)
    if arguments.source:
        compare(sites, arguments.source, arguments.epochs)
    try:
        train(sites, arguments.workers, arguments.epochs)
    except ModuleNotFoundError as error:
        print(f"no training loop here: {error}")


if __name__ == "__main__":
    main()
