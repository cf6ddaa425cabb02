"""What goes wrong while a dataset is read: an error or a clean end, never a wrong pixel."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import rxrx2zarr
from rxrx2zarr._prefetch import Prefetcher
from rxrx2zarr.order import BatchOrder, RankPlan

from conftest import Made
from servers.file_server import FileHandler, Request, serve_with


class TaggedHandler(FileHandler):
    """Serves files with ETags, and does not answer while `held` or `gone` is set."""

    def __init__(
        self,
        *arguments: object,
        held: threading.Event,
        gone: threading.Event,
        **options: object,
    ) -> None:
        self.held = held
        self.gone = gone
        super().__init__(*arguments, **options)

    def answer(self, with_body: bool) -> None:
        while self.held.is_set():
            time.sleep(0.01)
        if self.gone.is_set():
            self.close_connection = True
        else:
            super().answer(with_body)

    def end_headers(self) -> None:
        path = Path(self.translate_path(self.path))
        if path.is_file():
            state = path.stat()
            self.send_header("ETag", f'"{state.st_mtime_ns:x}-{state.st_size:x}"')
        super().end_headers()


@contextmanager
def tagged(
    root: Path,
    requests: list[Request] | None = None,
    held: threading.Event | None = None,
    gone: threading.Event | None = None,
) -> Iterator[str]:
    """Serves a dataset while the block runs; yields its address."""
    log = [] if requests is None else requests
    held = threading.Event() if held is None else held
    gone = threading.Event() if gone is None else gone
    handler = partial(TaggedHandler, directory=str(root.parent), requests=log, held=held, gone=gone)
    with serve_with(handler) as address:
        try:
            yield f"{address}/{root.name}"
        finally:
            held.clear()


def cache_files(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.is_file()]


def test_a_second_epoch_makes_no_request(made8: Made, tmp_path: Path) -> None:
    requests: list[Request] = []
    with tagged(made8.root, requests) as address:
        ds = rxrx2zarr.open(address, cache=tmp_path / "cache", cache_limit="100MB")
        for _ in range(2):
            assert np.array_equal(ds.read(range(12)), made8.input.pixels)
            assert len(ds.planes) == 36
            counted, requests[:] = len(requests), []
        assert counted == 0
        # Another process asks whether the objects are the same, and reads none of them.
        again = rxrx2zarr.open(address, cache=tmp_path / "cache", cache_limit="100MB")
        assert np.array_equal(again.read(range(12)), made8.input.pixels)
        read = [request for request in requests if request.method == "GET"]
        assert {Path(request.path).name for request in read} == {"zarr.json"}
    # A folder needs no cache.
    rxrx2zarr.open(made8.root, cache=tmp_path / "none")[0]
    assert not (tmp_path / "none").exists()
    with pytest.raises(rxrx2zarr.UsageError, match="must be bytes"):
        rxrx2zarr.open(made8.root, cache=tmp_path, cache_limit="much")


def test_shards_are_fetched_ahead_by_large_requests(made8: Made, tmp_path: Path) -> None:
    requests: list[Request] = []
    with tagged(made8.root, requests) as address:
        ds = rxrx2zarr.open(address, cache=tmp_path, cache_limit="10MB")
        plan = RankPlan(BatchOrder(np.arange(12) // 4, 2, shuffle="shard", window=1))
        _, shards = plan.upcoming()
        prefetcher = Prefetcher(ds, shards, ahead=1)
        order = [f"c/{shard}/0/0/0" for shard in dict.fromkeys(shards.tolist())]
        prefetcher.advance(0)
        wait_until(lambda: set(of_shards(requests)) == set(order[:2]))
        prefetcher.advance(4)
        wait_until(lambda: set(of_shards(requests)) == set(order))
        prefetcher.close()
        wait_until(lambda: all(ds.cache_shard(shard) for shard in range(3)))
        requests.clear()
        assert np.array_equal(ds.read(range(12)), made8.input.pixels)
        assert not of_shards(requests)
        with pytest.raises(IndexError, match="no shard 3"):
            ds.cache_shard(3)
    assert not rxrx2zarr.open(made8.root).cache_shard(0)


def of_shards(requests: list[Request]) -> list[str]:
    """Returns the shards whose bytes were asked for."""
    read = [request.path for request in requests if request.method == "GET"]
    return [path.split("images.zarr/images/")[1] for path in read if "images/c/" in path]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_damaged_cache_gives_the_same_pixels(made8: Made, tmp_path: Path) -> None:
    with tagged(made8.root) as address:
        rxrx2zarr.open(address, cache=tmp_path).read(range(12))
        random = np.random.default_rng(3)
        for path in cache_files(tmp_path):
            content = bytearray(path.read_bytes())
            for place in random.integers(0, len(content), 20):
                content[place] ^= 255
            path.write_bytes(content)
        ds = rxrx2zarr.open(address, cache=tmp_path)
        assert np.array_equal(ds.read(range(12)), made8.input.pixels)
        for path in cache_files(tmp_path):
            path.unlink()
        assert np.array_equal(ds.read(range(12)), made8.input.pixels)


def test_a_cache_that_is_full_keeps_its_limit(made8: Made, tmp_path: Path) -> None:
    with tagged(made8.root) as address:
        # A file counts as a whole block of 256 KiB, so that there is room for two.
        ds = rxrx2zarr.open(address, cache=tmp_path, cache_limit="600 kB")
        for _ in range(2):
            assert np.array_equal(ds.read(range(12)), made8.input.pixels)
            assert len(cache_files(tmp_path)) == 2


READ_FOR_EVER = """
import sys
import rxrx2zarr

address, cache, start = sys.argv[1:]
while True:
    ds = rxrx2zarr.open(address, cache=cache)
    for site in range(12):
        ds[(site + int(start)) % 12]
    print("read", flush=True)
"""


def test_a_process_that_is_killed_leaves_a_good_cache(made8: Made, tmp_path: Path) -> None:
    """Two processes fill one folder, and are killed again and again."""
    with tagged(made8.root) as address:
        for kill in range(6):
            running = [
                subprocess.Popen(
                    [sys.executable, "-c", READ_FOR_EVER, address, tmp_path, str(start)],
                    stdout=subprocess.PIPE,
                )
                for start in (kill, kill + 5)
            ]
            # The first ones are killed before they have read everything once.
            if kill % 2:
                assert running[0].stdout is not None
                running[0].stdout.readline()
            else:
                deadline = time.monotonic() + 60
                while not cache_files(tmp_path):
                    assert time.monotonic() < deadline, "nothing is kept"
                    time.sleep(0.001)
            for process in running:
                process.kill()
                process.communicate()
            ds = rxrx2zarr.open(address, cache=tmp_path)
            assert np.array_equal(ds.read(range(12)), made8.input.pixels)
            for path in cache_files(tmp_path)[:: kill + 1]:
                path.unlink()


def test_a_bucket_that_vanishes_is_an_error(made8: Made, tmp_path: Path) -> None:
    gone = threading.Event()
    with tagged(made8.root, gone=gone) as address:
        ds = rxrx2zarr.open(address, retry_timeout="0")
        cached = rxrx2zarr.open(address, cache=tmp_path, retry_timeout="0")
        for one in (ds, cached):
            assert np.array_equal(one[0], made8.input.pixels[0])
        gone.set()
        for read in (lambda: ds.read([0, 11]), lambda: ds.read([0, 11], crop=(3, 3))):
            with pytest.raises(rxrx2zarr.StoreError):
                read()
        # What is on the disk is read all the same; what is not is an error.
        assert np.array_equal(cached[0], made8.input.pixels[0])
        for site in (11, 5):
            with pytest.raises(rxrx2zarr.StoreError):
                cached.read([site])
        with pytest.raises(rxrx2zarr.StoreError):
            rxrx2zarr.open(address, retry_timeout="0")


INTERRUPTED = """
import sys
import rxrx2zarr

ds = rxrx2zarr.open(sys.argv[1])
ds[0]
print("begins", flush=True)
try:
    while True:
        ds.read(list(range(12)) * 50, crop=(20, 20) if len(sys.argv) > 2 else None)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("crop", [[], ["crop"]], ids=["whole", "crop"])
def test_ctrl_c_ends_a_read_of_a_disk(made8: Made, crop: list[str]) -> None:
    assert interrupted(str(made8.root), *crop) == "interrupted\n"


@pytest.mark.parametrize("crop", [[], ["crop"]], ids=["whole", "crop"])
def test_ctrl_c_ends_a_read_that_hangs(made8: Made, crop: list[str]) -> None:
    """The server answers no more, and the read would wait for minutes."""
    held = threading.Event()
    with tagged(made8.root, held=held) as address:
        assert interrupted(address, *crop, held=held) == "interrupted\n"


def interrupted(address: str, *arguments: str, held: threading.Event | None = None) -> str:
    """Returns what a process prints that is interrupted while it reads."""
    command = [sys.executable, "-c", INTERRUPTED, address, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        if held is not None:
            held.set()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        try:
            rest, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0
    return rest


EXITS = """
import sys
import threading
import rxrx2zarr

ds = rxrx2zarr.open(sys.argv[1])
begun = threading.Event()

def read() -> None:
    while True:
        ds.read(list(range(12)) * 5, threads=2)
        ds.crops([0] * 50, [3] * 50, [3] * 50, 8)
        begun.set()

for _ in range(3):
    threading.Thread(target=read, daemon=True).start()
begun.wait(60)
print("ends", flush=True)
"""


def test_a_process_can_end_while_it_reads(made8: Made) -> None:
    with tagged(made8.root) as address:
        for location in (str(made8.root), address):
            command = [sys.executable, "-c", EXITS, location]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            assert (done.returncode, done.stdout, done.stderr) == (0, "ends\n", "")


def test_a_dataset_that_is_replaced_is_never_mixed(made8: Made, tmp_path: Path) -> None:
    """Not with what a cache has of the one before, either."""
    root = tmp_path / "served"
    rxrx2zarr.convert(made8.input.root, root, shard_sites=4)
    with tagged(root) as address:
        ds = rxrx2zarr.open(address, cache=tmp_path / "cache")
        assert np.array_equal(ds[0], made8.input.pixels[0])
        rxrx2zarr.convert(made8.input.root, root, shard_sites=4, overwrite=True, exclude="HUVEC-*")
        with pytest.raises(rxrx2zarr.InputError, match="replaced"):
            ds.read([5])
        again = rxrx2zarr.open(address, cache=tmp_path / "cache")
        assert np.array_equal(again.read(range(6)), made8.input.pixels[6:])
