"""A dataset on plain web servers: what docs/reading.md says of them is so."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import zarr

from conftest import Datasets
from converter import COMPLETE, Dataset, run
from servers.file_server import serve_with
from servers.process import LOOPBACK, Server, free_ports, program


@pytest.fixture(scope="module")
def dataset(datasets: Datasets) -> Dataset:
    return datasets.dataset("sample")


@pytest.fixture
def rclone(dataset: Dataset, tmp_path: Path) -> Iterator[str]:
    """`rclone serve http`, which answers ranges and lists folders as pages."""
    (port,) = free_ports(1)
    command = [
        program("rclone"),
        "serve",
        "http",
        "--addr",
        f"{LOOPBACK}:{port}",
        dataset.root.parent,
    ]
    # The variable keeps rclone from reading the user's configuration.
    with Server(tmp_path, port, command, {"RCLONE_CONFIG": os.devnull}).running() as server:
        yield f"{server.endpoint}/{dataset.root.name}"


def test_a_server_with_ranges_serves_pixels(dataset: Dataset, rclone: str) -> None:
    group = zarr.open_group(f"{rclone}/images.zarr", mode="r")
    np.testing.assert_array_equal(group["images"][5], dataset.source.pixels[5])
    for command in ("info", "verify"):
        done = run(command, rclone)
        assert done.returncode == COMPLETE, done.stdout + done.stderr


def test_pythons_own_server_serves_labels_but_no_pixels(dataset: Dataset, tmp_path: Path) -> None:
    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Logs nothing."""

    with serve_with(partial(Handler, directory=str(dataset.root))) as address:
        group = zarr.open_group(f"{address}/images.zarr", mode="r")
        assert list(group["site"][:]) == dataset.source.site_ids
        with pytest.raises(ValueError, match="checksum"):
            group["images"][5]
        path = tmp_path / "metadata.parquet"
        urllib.request.urlretrieve(f"{address}/metadata.parquet", path)
        assert pq.read_table(path).num_rows == len(dataset.source.rows)
