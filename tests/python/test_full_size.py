"""With as many sites as RxRx1: labels open quickly, locally and over HTTP, and queries run."""

from __future__ import annotations

import time
import warnings
from pathlib import Path

import duckdb
import pytest
import xarray

from conftest import EXAMPLES, load_example
from full_size import SITES, fill_planes
from servers.file_server import Request, serve

MOST_REQUESTS = 30


def open_labels(store: str | Path) -> xarray.Dataset:
    """Opens a store and loads all labels of sites."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened = xarray.open_zarr(store, chunks=None)
        for name in opened.coords:
            opened[name].load()
    assert opened.sizes["site"] == SITES
    assert opened.indexes["site"].is_unique
    return opened


def test_labels_open_without_a_warning(full_size: Path) -> None:
    open_labels(full_size / "images.zarr").close()  # warms up imports and the page cache
    began = time.perf_counter()
    with open_labels(full_size / "images.zarr") as opened:
        seconds = time.perf_counter() - began
        assert opened.experiment.values[-1]
    print(f"{SITES} labelled sites opened in {seconds:.2f} s")


def test_labels_open_with_few_requests(full_size: Path) -> None:
    requests: list[Request] = []
    with serve(full_size, requests) as address:
        began = time.perf_counter()
        with open_labels(f"{address}/images.zarr") as opened:
            seconds = time.perf_counter() - began
            labels = len(opened.coords)
            assert opened.images.sel(site=opened.site.values[-1], channel="w1").shape == (8, 8)
    size = sum(request.sent for request in requests)
    print(f"{len(requests)} requests, {size / 1e6:.1f} MB, {seconds:.2f} s for {labels} labels")
    assert labels >= 12
    assert labels < len(requests) < MOST_REQUESTS


@pytest.fixture(scope="module")
def filled(full_size: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_planes(full_size, tmp_path_factory.mktemp("filled") / "tables")


@pytest.mark.parametrize("number", range(1, 11))
def test_each_question_is_answered_at_full_size(filled: Path, number: int) -> None:
    example = load_example(EXAMPLES / "ten_questions.py")
    question, query = list(example.QUESTIONS.items())[number - 1]
    with example.connect(str(filled)) as connection:
        parameters = {"site_id": None} if "$site_id" in query else None
        began = time.perf_counter()
        rows = connection.execute(query, parameters).fetchall()
        seconds = time.perf_counter() - began
    print(f"{question} {len(rows)} rows, {seconds:.3f} s")
    assert rows or "missing" in question or "ragged" in question


def test_filled_tables_are_of_full_size(filled: Path) -> None:
    ((planes,),) = duckdb.execute(
        f"SELECT count(focus) FROM '{filled}/planes.parquet' WHERE status = 'ok'"
    ).fetchall()
    assert planes == 6 * SITES
