"""How many sites a second loaders give, and how many a GPU then trains on.

    scripts/bench --gpu --png FOLDER [--sites 2464] [--seconds 10] [--threads 4 8] [--workers 2 16]

FOLDER has real planes (*_w1.png to *_w6.png); the tree that is converted has links to them. Batches
of 64 sites in random order become normalised in the training of a ResNet-18 in bfloat16; the page
cache is warm. Where there is no GPU, only what the loaders give is measured. The package is the one
of the environment that runs this; scripts/bench installs a wheel of this tree.
"""

from __future__ import annotations

import argparse
import os
import platform
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import cv2
import numcodecs.blosc
import numpy as np
import rxrx2zarr
import tensorstore
import torch
import zarr
from numpy.typing import NDArray
from rxrx2zarr.torch import SiteDataset, SiteLoader
from torch import Tensor, nn

import tree

BATCH = 64
SHAPE = (6, 512, 512)
SHARD = 64
"""Sites of a shard in the default layout."""
AHEAD = 8
"""Pinned batches of the threads by hand."""

Pixels = NDArray[np.uint8]


class Reader(Protocol):
    """Reads whole batches by the rows of their sites. Workers open it for themselves."""

    def batch(self, sites: list[int]) -> Pixels: ...


class Pngs:
    """Six PNGs a site, decoded by OpenCV."""

    def __init__(self, root: Path) -> None:
        self.sites = tree.read_sites(root)

    def batch(self, sites: list[int]) -> Pixels:
        out = np.empty((len(sites), *SHAPE), np.uint8)
        for pixels, site in zip(out, sites, strict=True):
            for plane, path in zip(pixels, self.sites[site], strict=True):
                plane[:] = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        return out


class ZarrPython:
    def __init__(self, dataset: Path) -> None:
        self.path = str(dataset / "images.zarr/images")
        self.array: zarr.Array | None = None

    def batch(self, sites: list[int]) -> Pixels:
        if self.array is None:
            self.array = zarr.open_array(self.path, mode="r")
        return np.stack([np.asarray(self.array[site]) for site in sites])


class TensorStore:
    def __init__(self, dataset: Path) -> None:
        self.path = str(dataset / "images.zarr/images")
        self.array: tensorstore.TensorStore | None = None

    def batch(self, sites: list[int]) -> Pixels:
        if self.array is None:
            spec = {
                "driver": "zarr3",
                "kvstore": {"driver": "file", "path": self.path},
                "context": {
                    "cache_pool": {"total_bytes_limit": 64 << 20},
                    "data_copy_concurrency": {"limit": 1},
                },
            }
            self.array = tensorstore.open(spec).result()
        return np.asarray(self.array[sites].read().result())


class ByteRanges:
    """The index of each shard, pread, and C-Blosc: what one writes by hand."""

    def __init__(self, dataset: Path) -> None:
        self.root = dataset / "images.zarr/images/c"
        self.indices: dict[int, tuple[int, NDArray[np.uint64]]] = {}

    def shard(self, shard: int) -> tuple[int, NDArray[np.uint64]]:
        if shard not in self.indices:
            file = os.open(self.root / f"{shard}/0/0/0", os.O_RDONLY)
            length = SHARD * 16
            end = os.pread(file, length, os.fstat(file).st_size - length - 4)
            index = np.frombuffer(end, "<u8").reshape(SHARD, 2)
            # Another thread may have done the same meanwhile.
            self.indices.setdefault(shard, (file, index))
        return self.indices[shard]

    def read(self, site: int, out: Pixels) -> None:
        file, index = self.shard(site // SHARD)
        offset, length = map(int, index[site % SHARD])
        numcodecs.blosc.decompress(os.pread(file, length - 4, offset), out)

    def batch(self, sites: list[int]) -> Pixels:
        out = np.empty((len(sites), *SHAPE), np.uint8)
        for pixels, site in zip(out, sites, strict=True):
            self.read(site, pixels)
        return out


class WholeBatches(torch.utils.data.Dataset[Tensor]):
    """A reader as a dataset whose workers return whole batches."""

    def __init__(self, reader: Reader, sites: int) -> None:
        self.reader = reader
        self.sites = sites

    def __len__(self) -> int:
        return self.sites

    def __getitems__(self, sites: list[int]) -> Tensor:
        return torch.from_numpy(self.reader.batch(sites))


def unchanged(batch: Tensor) -> Tensor:
    return batch


def by_workers(reader: Reader, sites: int, workers: int) -> Iterator[Tensor]:
    """Returns batches of worker processes, epoch after epoch."""
    loader = torch.utils.data.DataLoader(
        WholeBatches(reader, sites),
        BATCH,
        shuffle=True,
        num_workers=workers,
        multiprocessing_context="forkserver",
        pin_memory=torch.cuda.is_available(),
        collate_fn=unchanged,
        persistent_workers=True,
        prefetch_factor=4,
        drop_last=True,
    )
    while True:
        yield from loader


def by_hand(dataset: Path, sites: int, threads: int) -> Iterator[Tensor]:
    """Returns batches that threads of this process decode into pinned memory, ahead of time."""
    reader = ByteRanges(dataset)
    is_pinned = torch.cuda.is_available()
    free: queue.Queue[Tensor] = queue.Queue()
    full: queue.Queue[tuple[Tensor, list[object]]] = queue.Queue()
    for _ in range(AHEAD):
        free.put(torch.empty((BATCH, *SHAPE), dtype=torch.uint8, pin_memory=is_pinned))
    stops = threading.Event()
    random = np.random.default_rng(0)
    with ThreadPoolExecutor(threads) as pool:

        def produce() -> None:
            while not stops.is_set():
                batch = free.get()
                chosen = random.permutation(sites)[:BATCH].tolist()
                pixels = batch.numpy()
                work = [
                    pool.submit(reader.read, site, pixels[place])
                    for place, site in enumerate(chosen)
                ]
                full.put((batch, list(work)))

        producer = threading.Thread(target=produce)
        producer.start()
        used: list[tuple[Tensor, torch.cuda.Event | None]] = []
        try:
            while True:
                batch, work = full.get()
                for part in work:
                    part.result()  # type: ignore[attr-defined]
                yield batch
                event = torch.cuda.Event() if is_pinned else None
                if event is not None:
                    event.record()
                used.append((batch, event))
                if len(used) > 3:
                    batch, event = used.pop(0)
                    if event is not None:
                        event.synchronize()
                    free.put(batch)
        finally:
            stops.set()
            for batch, _ in used:
                free.put(batch)
            producer.join()


def by_package(dataset: Path, threads: int) -> Iterator[Tensor]:
    """Returns batches of the loader of the package, epoch after epoch."""
    device = "cuda" if torch.cuda.is_available() else None
    samples = SiteDataset(dataset, columns=["sirna_id"])
    loader = SiteLoader(samples, BATCH, threads=threads, drop_last=True, device=device)
    while True:
        for pixels, _ in loader:
            yield pixels


class Block(nn.Module):
    """A residual block of ResNet-18."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.short: nn.Module = nn.Identity()
        if stride != 1:
            self.short = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, images: Tensor) -> Tensor:
        return torch.relu(self.main(images) + self.short(images))


def resnet18(classes: int) -> nn.Module:
    """Returns ResNet-18 for six channels."""
    layers: list[nn.Module] = [
        nn.Conv2d(6, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, 1),
    ]
    inputs = 64
    for outputs in (64, 128, 256, 512):
        layers += [Block(inputs, outputs, 1 if outputs == 64 else 2), Block(outputs, outputs, 1)]
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


def training_step() -> Callable[[Tensor], None]:
    """Returns a step of training on a batch of stored pixels."""
    model = resnet18(1139).to("cuda", memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    labels = torch.zeros(BATCH, dtype=torch.long, device="cuda")

    def step(pixels: Tensor) -> None:
        images = (pixels.to("cuda", non_blocking=True).float() - 20) / 20
        images = images.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cuda", torch.bfloat16):
            loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step


def rate(batches: Iterator[Tensor], seconds: float, step: Callable[[Tensor], None] | None) -> float:
    """Returns sites a second, after some batches to warm up."""
    for _ in range(4):
        batch = next(batches)
        if step:
            step(batch)
    if step:
        torch.cuda.synchronize()
    begun, count = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        batch = next(batches)
        if step:
            step(batch)
        count += 1
    if step:
        torch.cuda.synchronize()
    return count * BATCH / (time.perf_counter() - begun)


def make_dataset(png: Path, folder: Path, sites: int) -> tuple[Path, Path]:
    """Makes a tree of links to real planes, and converts it."""
    images = folder / "tree"
    tree.build(png, images, sites)
    program = Path(sys.executable).with_name("rxrx2zarr")
    subprocess.run([program, "convert", images, folder / "dataset", "--quiet"], check=True)
    # Everything is read once, so that the page cache is warm.
    for path in folder.rglob("*"):
        if path.is_file():
            path.read_bytes()
    return images, folder / "dataset"


def check(images: Path, dataset: Path) -> None:
    """Ends the program unless all readers read the same."""
    expected = Pngs(images).batch([3, 70])
    readers = (ZarrPython(dataset), TensorStore(dataset), ByteRanges(dataset))
    same = [np.array_equal(reader.batch([3, 70]), expected) for reader in readers]
    if not all([*same, np.array_equal(rxrx2zarr.open(dataset).read([3, 70]), expected)]):
        sys.exit("error: readers differ")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--png", type=Path, required=True)
    parser.add_argument("--sites", type=int, default=2464)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--threads", type=int, nargs="+")
    parser.add_argument("--workers", type=int, nargs="+")
    parser.add_argument("--folder", type=Path, help="where the tree is made")
    chosen = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    threads = chosen.threads or sorted({1, min(4, cores), min(8, cores)})
    workers = chosen.workers or [cores]
    numcodecs.blosc.use_threads = False
    has_gpu = torch.cuda.is_available()
    step = training_step() if has_gpu else None
    device = torch.cuda.get_device_name() if has_gpu else "no GPU"
    print(f"{device}, {cores} cores ({platform.processor() or platform.machine()}),")
    print(f"PyTorch {torch.__version__}, {chosen.sites} sites, batches of {BATCH}\n")
    if step is not None:
        alone = torch.randint(0, 255, (BATCH, *SHAPE), dtype=torch.uint8).pin_memory()
        print(
            f"The GPU alone: {rate(iter(lambda: alone, None), chosen.seconds, step):,.0f} sites/s\n"
        )
    print("| loader | threads or workers | sites/s | in training, sites/s |")
    print("|---|---:|---:|---:|")
    with TemporaryDirectory(dir=chosen.folder) as folder:
        images, dataset = make_dataset(chosen.png, Path(folder), chosen.sites)
        check(images, dataset)
        makers: list[tuple[str, int, Callable[[], Iterator[Tensor]]]] = []
        for count in threads:
            makers.append(
                ("rxrx2zarr.torch.SiteLoader", count, lambda n=count: by_package(dataset, n))
            )
            makers.append(
                ("threads by hand", count, lambda n=count: by_hand(dataset, chosen.sites, n))
            )
        for name, reader in (
            ("byte ranges by hand, workers", ByteRanges(dataset)),
            ("tensorstore, workers", TensorStore(dataset)),
            ("zarr-python, workers", ZarrPython(dataset)),
            ("six PNGs by OpenCV, workers", Pngs(images)),
        ):
            for count in workers:
                makers.append(
                    (name, count, lambda r=reader, n=count: by_workers(r, chosen.sites, n))
                )
        for name, count, make in makers:
            given = rate(make(), chosen.seconds, None)
            trained = f"{rate(make(), chosen.seconds, step):,.0f}" if step else ""
            print(f"| {name} | {count} | {given:,.0f} | {trained} |", flush=True)


if __name__ == "__main__":
    main()
