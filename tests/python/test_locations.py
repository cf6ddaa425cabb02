"""A dataset opens in another folder and over HTTP."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import fsspec
import numpy as np
import pytest
import xarray

from conftest import RECIPES, Datasets
from converter import DEFAULT_CODEC, Dataset, convert
from readers.arrays import EVERYTHING, READERS
from servers.file_server import serve


@pytest.fixture(scope="module")
def moved(datasets: Datasets, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Converts a copy of the sample, moves the dataset and deletes the input."""
    folder = tmp_path_factory.mktemp("moved")
    source = datasets.source("sample")
    shutil.copytree(source.root, folder / "input")
    done = convert(source, folder / "first", DEFAULT_CODEC)
    shutil.rmtree(folder / "input")
    there = folder / "another folder" / "renamed"
    there.parent.mkdir()
    shutil.move(done.root, there)
    return Dataset(there, DEFAULT_CODEC, source)


@pytest.mark.parametrize("reader", READERS)
def test_a_moved_dataset_reads_the_same(moved: Dataset, reader: str) -> None:
    pixels = READERS[reader].read(moved.zarr, EVERYTHING)
    np.testing.assert_array_equal(pixels, moved.source.pixels)


def test_the_tables_of_a_moved_dataset_still_point_into_it(moved: Dataset) -> None:
    rows = duckdb.execute(
        f"SELECT object, max(byte_offset + byte_length) FROM '{moved.metadata_table}' GROUP BY ALL"
    ).fetchall()
    for shard, end in rows:
        assert (moved.root / shard).stat().st_size > end


def test_a_dataset_does_not_contain_the_folder_where_it_was_made(moved: Dataset) -> None:
    first_home = str(moved.root.parents[1]).encode()
    for path in moved.root.rglob("*"):
        if path.is_file():
            assert first_home not in path.read_bytes(), path


@pytest.mark.parametrize("source_name", RECIPES)
def test_xarray_opens_it_over_http(datasets: Datasets, source_name: str) -> None:
    dataset = datasets.dataset(source_name)
    source = dataset.source
    with serve(dataset.root) as address, xarray.open_zarr(f"{address}/images.zarr") as opened:
        # Without consolidated metadata xarray would open an empty dataset.
        assert set(opened.data_vars) == {"images", "overview", "present"}
        assert opened.images.dims == ("site", "channel", "y", "x")
        assert list(opened.indexes["site"]) == source.site_ids
        np.testing.assert_array_equal(opened.plate, source.column("plate"))
        np.testing.assert_array_equal(opened.images, source.pixels)
        plane = opened.images.sel(site=source.site_ids[-1], channel="w1")
        np.testing.assert_array_equal(plane, source.pixels[-1, 0])


def test_the_file_server_lists_no_folder(moved: Dataset) -> None:
    with serve(moved.root) as address:
        http = fsspec.filesystem("http", skip_instance_cache=True)
        assert http.exists(f"{address}/images.zarr/zarr.json")
        assert not http.exists(f"{address}/images.zarr/")
        assert http.cat_file(f"{address}/SHA256SUMS", start=-5) == tail(moved.root / "SHA256SUMS")


def tail(path: Path) -> bytes:
    return path.read_bytes()[-5:]
