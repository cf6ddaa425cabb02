"""A conversion on a Dask cluster whose workers are processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rxrx2zarr
from distributed import Client, LocalCluster
from rxrx2zarr import dask, job

from images import Input

# Dask's own warnings are no matter of ours.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


def test_workers_convert(client: Client, input8: Input, tmp_path: Path) -> None:
    seen: list[rxrx2zarr.Progress] = []
    output = tmp_path / "out"
    sealed = dask.convert(client, input8.root, output, parts=4, shard_sites=2, progress=seen.append)
    assert (sealed.exit_code, sealed.sites, sealed.shards) == (0, 12, 6)
    assert [progress.kind for progress in seen] == ["started", *["advanced"] * 4, "sealing"]
    assert (seen[-1].done, seen[-1].total, seen[-1].unit) == (6, 6, "shards")
    assert np.array_equal(rxrx2zarr.open(output).read(range(12)), input8.pixels)
    again = dask.convert(client, input8.root, output, parts=4, shard_sites=2)
    assert (again.existed, again.sites) == (True, 12)


def test_a_conversion_that_was_begun_goes_on(client: Client, input8: Input, tmp_path: Path) -> None:
    output = tmp_path / "out"
    job.init(input8.root, output, parts=3, shard_sites=4)
    job.run(output, 1)
    seen: list[rxrx2zarr.Progress] = []
    dask.convert(client, input8.root, output, parts=3, shard_sites=4, progress=seen.append)
    assert (seen[0].done, seen[0].total) == (1, 3)
    assert len(rxrx2zarr.open(output)) == 12


def test_an_error_of_a_worker_is_raised(client: Client, tmp_path: Path) -> None:
    with pytest.raises(rxrx2zarr.InputError):
        dask.convert(client, tmp_path / "nothing", tmp_path / "out", parts=2)
