"""An Icechunk repository refers to a dataset without a copy, as docs/reading.md shows."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from conftest import Datasets
from documents import blocks_below
from readers.matrix_read import digest

# What is asked of the names that the block leaves behind.
QUESTIONS = """
import json, os, sys
second = xr.open_zarr(repository.readonly_session(tag="v2").store, consolidated=False, chunks=None)
sys.path.insert(0, FOLDER)
from matrix_read import digest
print(json.dumps({
    "pixels": digest(ds.images.values),
    "site": digest(site),
    "wells": list(ds.well.values),
    "first": "my_score" in ds,
    "second": "my_score" in second,
}), flush=True)
os._exit(0)  # The threads of icechunk can crash a Python that ends.
"""


@pytest.mark.full
@pytest.mark.parametrize(("name", "codec"), [("sharded", "blosc-zstd"), ("tiled", "zstd")])
def test_a_repository_refers_to_a_dataset(
    datasets: Datasets, name: str, codec: str, tmp_path: Path
) -> None:
    python = os.environ.get("VIRTUAL_PYTHON")
    if python is None:
        pytest.skip("VIRTUAL_PYTHON names no Python with the group virtual (3.12 or newer)")
    dataset = datasets.dataset(name, codec)
    (tmp_path / "dataset").symlink_to(dataset.root)
    (block,) = blocks_below("docs/reading.md", "VirtualiZarr and Icechunk", "python")
    readers = Path(__file__).with_name("readers")
    script = block.code + QUESTIONS.replace("FOLDER", repr(str(readers)))
    done = subprocess.run(
        # Of a shard that is larger than the array, VirtualiZarr warns that it cannot be cut.
        [python, "-W", "error", "-W", "ignore:Variable", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    source = dataset.source
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "pixels": digest(source.pixels),
        "site": digest(source.pixels[0]),
        "wells": [row["well"] for row in source.rows],
        "first": False,
        "second": True,
    }
    versions = [path for path in (tmp_path / "versions").rglob("*") if path.is_file()]
    pixels = [path for path in (dataset.zarr / "images" / "c").rglob("*") if path.is_file()]
    copied = sum(path.stat().st_size for path in versions)
    assert copied < 0.2 * sum(path.stat().st_size for path in pixels) + 60_000
