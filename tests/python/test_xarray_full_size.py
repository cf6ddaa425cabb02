"""The lines of README.md are right for 125,510 sites: tasks, requests and warnings are counted.

Wall times are printed only: they depend on the machine.
"""

from __future__ import annotations

import resource
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray
from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore

from documents import blocks_below
from full_size import SHARD_SITES, SITES

SHARDS = -(-SITES // SHARD_SITES)
CHUNKS = -(-SITES // 4096)


@pytest.fixture(autouse=True)
def every_warning_is_an_error() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the requests for chunks, by the name of the array."""
    counted: Counter[str] = Counter()
    get = LocalStore.get

    async def counting(
        self: LocalStore,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        if "/c/" in key:
            counted[key.split("/")[0]] += 1
        return await get(self, key, prototype, byte_range)

    monkeypatch.setattr(LocalStore, "get", counting)
    return counted


@pytest.fixture
def zarr_path(full_size: Path) -> Path:
    return full_size / "images.zarr"


@pytest.fixture
def readme(
    full_size: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, xarray.Dataset | xarray.DataArray]:
    """The names that the lines of README.md leave behind."""
    (tmp_path / "rxrx1-zarr").symlink_to(full_size)
    monkeypatch.chdir(tmp_path)
    (block,) = blocks_below("README.md", "What comes out", "python")
    code = block.code
    # Without the table of RxRx1, the sites of the dataset have other names.
    first = xarray.open_zarr(full_size / "images.zarr", chunks=None).site[0].item()
    names: dict[str, object] = {}
    exec(code.replace("HUVEC-01_1_B02_1", first), names)
    return {name: names[name] for name in ("ds", "plane", "treated", "clean", "means")}


def tasks(lazy: xarray.DataArray | xarray.Dataset) -> int:
    return len(lazy.__dask_graph__())


def two_lines(path: Path) -> xarray.Dataset:
    """Opens a dataset as README.md does."""
    ds = xarray.open_zarr(path, chunks=None)
    ds["images"] = ds.images.chunk(site=SHARD_SITES)
    return ds


OTHER_WAYS: dict[str, Callable[[Path], xarray.Dataset]] = {
    "two lines": two_lines,
    "default": lambda path: xarray.open_zarr(path),
    "default, then chunk": lambda path: xarray.open_zarr(path).chunk(site=SHARD_SITES),
    "all of it in chunks": lambda path: xarray.open_zarr(path, chunks=None).chunk(site=SHARD_SITES),
    "as many sites as a label": lambda path: xarray.open_zarr(path, chunks={"site": 4096}),
}


def test_the_mean_of_the_readme_has_as_few_tasks_and_requests_as_the_best_way(
    zarr_path: Path, readme: dict, requests: Counter[str]
) -> None:
    best_tasks, best_requests = float("inf"), float("inf")
    sites = 4 * SHARD_SITES
    for way, opened in OTHER_WAYS.items():
        ds = opened(zarr_path)
        mean = ds.images.mean(("y", "x"))
        requests.clear()
        used = -processor_seconds()
        ds.images[:sites].mean(("y", "x")).variable.compute()
        used += processor_seconds()
        print(f"{way}: {tasks(mean)} tasks; {requests['images']} requests, {used:.2f} s of {sites}")
        # More than an object (100 MB at 512 x 512) is too much memory for each task.
        if max(ds.images.chunks[0]) <= SHARD_SITES:
            best_tasks = min(best_tasks, tasks(mean))
            best_requests = min(best_requests, requests["images"])
    assert tasks(readme["means"]) <= 1.3 * best_tasks
    requests.clear()
    readme["means"][:sites].variable.compute()
    assert requests["images"] <= 1.3 * best_requests
    assert best_requests == 4, "one for each object"


def processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def test_the_mean_over_all_sites_takes_one_request_for_each_object(
    readme: dict, requests: Counter[str]
) -> None:
    requests.clear()
    used = -processor_seconds()
    means = readme["means"].variable.compute()
    used += processor_seconds()
    print(f"mean over {SITES} sites: {used:.1f} processor seconds")
    assert means.shape == (SITES, 6)
    assert float(means.max()) > 0
    # The last object is not full: its index, and its chunks side by side.
    assert SHARDS <= requests["images"] <= SHARDS + SHARD_SITES
    assert set(requests) == {"images"}


def test_each_label_takes_one_request(zarr_path: Path, requests: Counter[str]) -> None:
    with xarray.open_zarr(zarr_path, chunks=None) as ds:
        for name in ds.coords:
            ds[name].load()
        ds.present.load()
        assert len(ds.coords) >= 12
        assert set(requests.values()) == {1}
        assert set(requests) == {*ds.coords, "present"}


def test_some_values_of_a_label_take_two_requests(zarr_path: Path, requests: Counter[str]) -> None:
    with xarray.open_zarr(zarr_path, chunks=None) as ds:
        ds.experiment.variable[70_000:70_064].load()
    assert requests["experiment"] == 2, "the index and a chunk"


def test_labels_are_cut_as_specified(zarr_path: Path) -> None:
    with xarray.open_zarr(zarr_path) as ds:
        along_site = [ds[name] for name in [*ds.coords, "present"] if "site" in ds[name].dims]
        for label in along_site:
            assert label.encoding["shards"][0] == 4096 * CHUNKS, label.name
            assert label.encoding["chunks"][0] == 4096, label.name
            if label.name != "site":  # an index is in memory
                assert len(label.chunks[0]) == CHUNKS, label.name


def test_chunks_of_the_store_are_sites_and_not_objects(zarr_path: Path) -> None:
    """So the default is not the best way; see docs/reading.md."""
    with xarray.open_zarr(zarr_path, chunks={}) as ds:
        assert set(ds.images.chunks[0]) == {1}
        assert tasks(ds.images) > SITES


def test_the_other_lines_of_the_readme(readme: dict) -> None:
    treated = readme["ds"].well_type == "treatment"
    assert readme["treated"].sizes["site"] == int(treated.sum()) > 100_000
    assert readme["plane"].shape == (8, 8)
    assert tasks(readme["clean"]) < 10 * SHARDS


@pytest.fixture
def ds(zarr_path: Path) -> Iterator[xarray.Dataset]:
    with two_lines(zarr_path) as ds:
        yield ds


def test_sites_are_chosen_by_masks(ds: xarray.Dataset) -> None:
    experiment = ds.experiment[0].item()
    mask = ds.experiment == experiment
    number = int(mask.sum())
    for chosen in (
        ds.isel(site=mask).images,
        ds.images[mask],
        ds.images[mask.values],
        ds.images.where(mask, drop=True),
        ds.where(mask, drop=True).images,
    ):
        assert chosen.sizes["site"] == number > 1000
        assert chosen.chunks is not None, "computed at once"
    np.testing.assert_array_equal(ds.images[mask][:2], ds.images[:2])


def test_groups_are_means_of_their_sites(ds: xarray.Dataset) -> None:
    means = ds.images.groupby("experiment").mean(("site", "y", "x"))
    experiments = set(ds.experiment.values)
    assert means.shape == (len(experiments), 6)
    assert tasks(means) < 10 * SHARDS
    last = ds.experiment[-1].item()
    sites = np.flatnonzero(ds.experiment.values == last)
    expected = ds.images[sites].mean(("site", "y", "x"))
    np.testing.assert_allclose(means.sel(experiment=last), expected)


def test_labels_become_a_table(ds: xarray.Dataset) -> None:
    table = ds.coords.to_dataset().drop_dims("channel").to_dataframe()
    assert len(table) == SITES
    assert table.loc[ds.site[5].item(), "well"] == ds.well[5].item()
