"""`rxrx2zarr.open`: pixels, tables and choices of sites."""

from __future__ import annotations

import multiprocessing
import pickle
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rxrx2zarr
from rxrx2zarr import _memory

from conftest import Made
from servers.file_server import serve


@pytest.fixture(params=["made8", "made16"])
def made(request: pytest.FixtureRequest) -> Made:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Made)
    return found


def test_an_open_dataset_tells_its_shape(made: Made) -> None:
    ds = rxrx2zarr.open(made.root)
    assert len(ds) == len(made.input.pixels)
    assert ds.shape == made.input.pixels.shape
    assert ds.dtype == made.input.pixels.dtype
    assert ds.channels == ("w1", "w2", "w3")
    assert ds.format_version == 4
    assert repr(ds).startswith(f"<rxrx2zarr.Dataset {made.root}: ")


def test_pixels_are_those_of_the_images(made: Made) -> None:
    ds, pixels = rxrx2zarr.open(made.root), made.input.pixels
    assert np.array_equal(ds[1], pixels[1])
    assert np.array_equal(ds[np.int64(-1)], pixels[-1])
    assert np.array_equal(ds[made.input.site_ids[2]], pixels[2])
    assert np.array_equal(ds[1:4], pixels[1:4])
    assert np.array_equal(ds[::-2], pixels[::-2])
    assert np.array_equal(np.stack(list(ds)), pixels)
    sites = [4, 0, 3, 4, -1]
    for threads in (None, 1, 7):
        assert np.array_equal(ds.read(sites, threads=threads), pixels[sites])
    assert np.array_equal(ds.read(sites, ["w3", 0, "w3"]), pixels[sites][:, [2, 0, 2]])
    assert ds.read([]).shape == (0, *ds.shape[1:])
    mask = np.arange(len(ds)) % 2 == 1
    assert np.array_equal(ds.read(mask), pixels[mask])


def test_an_array_is_filled_in_place(made: Made) -> None:
    ds = rxrx2zarr.open(made.root)
    out = np.ones((2, 1, *ds.shape[2:]), ds.dtype)
    assert ds.read([2, 1], [1], out=out) is out
    assert np.array_equal(out, made.input.pixels[[2, 1]][:, [1]])
    with pytest.raises(ValueError, match="shape"):
        ds.read([2], [1], out=out)
    with pytest.raises(TypeError, match="type"):
        ds.read([2, 1], [1], out=out.astype(np.float32))
    with pytest.raises(ValueError, match="contiguous"):
        ds.read([2, 1], [1], out=np.asfortranarray(out))
    out.flags.writeable = False
    with pytest.raises(ValueError, match="writeable"):
        ds.read([2, 1], [1], out=out)


def test_memory_is_used_again_when_nothing_refers_to_it(
    made8: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_memory, "SMALLEST", 1)
    ds = rxrx2zarr.open(made8.root)
    expected = made8.input.pixels
    first = ds.read([0, 1])
    place, part, view = first.ctypes.data, first[1, 2], memoryview(first)
    del first
    second = ds.read([2, 3])
    assert second.ctypes.data != place
    assert np.array_equal(part, expected[1, 2])
    del part
    third = ds.read([4, 5])
    assert third.ctypes.data != place
    assert np.array_equal(np.asarray(view), expected[[0, 1]])
    view.release()
    fourth = ds.read([6, 7])
    assert fourth.ctypes.data == place
    assert fourth.flags.writeable
    for pixels, sites in [(second, [2, 3]), (third, [4, 5]), (fourth, [6, 7])]:
        assert np.array_equal(pixels, expected[sites])
    # Another size gets memory of its own, and all of it is given back at the end.
    assert np.array_equal(ds.read([0]), expected[[0]])
    del second, third, fourth, pixels
    assert len(_memory._kept) <= _memory.KEPT


def test_positions_that_are_not_there_are_refused(made8: Made) -> None:
    ds = rxrx2zarr.open(made8.root)
    for site in (12, -13):
        with pytest.raises(IndexError, match="the dataset has 12"):
            ds[site]
    with pytest.raises(IndexError, match="no channel 3"):
        ds.read([0], [3])
    with pytest.raises(rxrx2zarr.UsageError, match="it has w1, w2, w3"):
        ds.read([0], ["w9"])
    with pytest.raises(rxrx2zarr.UsageError, match="nowhere"):
        ds["nowhere"]
    with pytest.raises(TypeError, match="whole numbers"):
        ds.read([0.5])
    with pytest.raises(ValueError, match="must have 12 values"):
        ds.read([True, False])
    with pytest.raises(ValueError, match="one dimension"):
        ds.read([[0, 1]])
    with pytest.raises(TypeError, match="sequence"):
        ds.read([0], "w1")
    with pytest.raises(ValueError, match="at least 1"):
        ds.read([0], threads=0)


def test_clauses_choose_sites(made8: Made) -> None:
    ds = rxrx2zarr.open(made8.root)
    assert ds.where().tolist() == list(range(12))
    assert ds.where("HUVEC-1").tolist() == list(range(6))
    assert ds.where(["dataset=train"], "U2OS-*").tolist() == [1, 2, 4, 5]
    assert ds[ds.where(include="dose=1.25")].shape[0] == 1
    with pytest.raises(rxrx2zarr.UsageError, match='no column "colour"'):
        ds.where("colour=red")


def test_tables_have_their_rows(made8: Made) -> None:
    ds = rxrx2zarr.open(made8.root)
    assert len(ds.metadata) == 12
    assert {"site_id", "experiment", "dose"} <= set(ds.metadata.columns)
    assert len(ds.planes) == 36
    assert "mean" in ds.channel_stats.columns
    assert repr(ds.metadata).startswith("<metadata: 12 rows>\n  site_index: ")
    with pytest.raises(rxrx2zarr.Error, match="has no embeddings"):
        _ = ds.embeddings
    for name, capsule in (
        ("arrow_array_stream", ds.planes.__arrow_c_stream__()),
        ("arrow_schema", ds.planes.__arrow_c_schema__()),
    ):
        assert f'"{name}"' in repr(capsule)


@pytest.mark.parametrize("package", ["pyarrow", "pandas", "polars"])
def test_a_package_that_is_missing_is_named(made8: Made, package: str) -> None:
    table = rxrx2zarr.open(made8.root).metadata
    with pytest.raises(ImportError, match=f"to_{package} needs {package}: pip install") as raised:
        getattr(table, f"to_{package}")()
    assert raised.value.name == package


def test_a_dataset_can_be_pickled(made8: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made8.root.parent)
    pickled = pickle.dumps(rxrx2zarr.open(made8.root.name))
    monkeypatch.chdir("/")
    assert np.array_equal(pickle.loads(pickled)[3], made8.input.pixels[3])


def read_sum(ds: rxrx2zarr.Dataset, site: int) -> int:
    return int(ds.read([site], threads=2).sum())


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_other_processes_read_it(made8: Made, method: str) -> None:
    ds = rxrx2zarr.open(made8.root)
    ds.read([0, 5], threads=2)
    with multiprocessing.get_context(method).Pool(2) as pool:
        sums = pool.starmap_async(read_sum, [(ds, site) for site in range(4)]).get(60)
    assert sums == made8.input.pixels[:4].sum(axis=(1, 2, 3)).tolist()


def test_threads_share_a_dataset(made8: Made) -> None:
    ds = rxrx2zarr.open(made8.root)
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(ds.__getitem__, [*range(12)] * 5))
    assert np.array_equal(np.stack(read[-12:]), made8.input.pixels)


def test_a_damaged_chunk_is_an_error(made8: Made, tmp_path: Path) -> None:
    root = tmp_path / "damaged"
    shutil.copytree(made8.root, root)
    shard = root / "images.zarr/images/c/1/0/0/0"
    content = bytearray(shard.read_bytes())
    content[40] ^= 255
    shard.write_bytes(content)
    ds = rxrx2zarr.open(root)
    with pytest.raises(rxrx2zarr.InputError, match="c/1/0/0/0"):
        ds.read(range(12))
    assert np.array_equal(ds[0], made8.input.pixels[0])
    shutil.rmtree(root)
    with pytest.raises(rxrx2zarr.InputError, match="verify"):
        ds[11]


def test_what_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(rxrx2zarr.InputError, match="is not a complete dataset") as raised:
        rxrx2zarr.open(tmp_path)
    assert (raised.value.kind, raised.value.exit_code) == ("input", 1)
    with pytest.raises(rxrx2zarr.UsageError):
        rxrx2zarr.open("s3://")
    with pytest.raises(rxrx2zarr.StoreError, match="no store option colour") as raised:
        rxrx2zarr.open("s3://bucket/x", secret_access_key="very-secret", colour="red")
    assert "very-secret" not in str(raised.value)


def in_fork(work: Callable[[], object]) -> str:
    """Returns the result of `work` in a process that was forked, or the text of its error."""
    receiver, sender = multiprocessing.Pipe(duplex=False)

    def run() -> None:
        try:
            sender.send(str(work()))
        except rxrx2zarr.Error as error:
            sender.send(str(error))

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    assert receiver.poll(20), "the forked process does not answer"
    process.join(20)
    return str(receiver.recv())


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_dataset_at_an_address_is_read(made8: Made) -> None:
    with serve(made8.root.parent) as server:
        address = f"{server}/{made8.root.name}"
        ds = rxrx2zarr.open(address, timeout="10s", user_agent="very-secret")
        assert np.array_equal(ds.read([7, 1, 7]), made8.input.pixels[[7, 1, 7]])
        assert len(ds.planes) == 36
        assert repr(ds).startswith(f"<rxrx2zarr.Dataset {address}: ")
        assert "secret" not in repr(ds)
        copy = pickle.loads(pickle.dumps(ds))
        assert np.array_equal(copy[3], made8.input.pixels[3])
        # A fork copies none of the threads that wait for answers: it opens the dataset again.
        expected = str(made8.input.pixels[0].sum())
        assert in_fork(lambda: ds[0].sum()) == expected
        assert in_fork(lambda: in_fork(lambda: ds[0].sum())) == expected
        assert in_fork(lambda: rxrx2zarr.open(address)[0].sum()) == expected
        assert np.array_equal(ds[0], made8.input.pixels[0])
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            assert pool.apply_async(read_sum, (ds, 0)).get(30) == made8.input.pixels[0].sum()


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_conversion_after_a_fork_is_refused(made8: Made, tmp_path: Path) -> None:
    source = made8.input.root
    assert "forked" in in_fork(lambda: rxrx2zarr.convert(source, tmp_path / "out"))
