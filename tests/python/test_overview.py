"""images.zarr/overview equals an area mean that NumPy computes of the pixels of each plane."""

from __future__ import annotations

import csv
import hashlib
import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorstore
import xarray
import zarr
from numpy.typing import NDArray
from PIL import Image

from conftest import RECIPES, Datasets
from converter import COMPLETE, SEALED_WITH_GAPS, run

NAMES = ("site", "channel", "overview_y", "overview_x")


def area_mean(plane: NDArray[np.generic]) -> NDArray[np.generic]:
    """Returns the overview of a plane as docs/format.md defines it, box by box."""
    factor = max(1, math.ceil(max(plane.shape) / 64))
    rows, columns = (range(0, length, factor) for length in plane.shape)
    overview = np.zeros((len(rows), len(columns)), plane.dtype)
    for y, top in enumerate(rows):
        for x, left in enumerate(columns):
            box = plane[top : top + factor, left : left + factor]
            overview[y, x] = (2 * int(box.sum(dtype=np.uint64)) + box.size) // (2 * box.size)
    return overview


def check_overview(dataset: Path) -> zarr.Array:
    """Compares all overviews of a dataset with its pixels."""
    group = zarr.open_group(dataset / "images.zarr", mode="r")
    images, overview = group["images"], group["overview"]
    assert isinstance(images, zarr.Array) and isinstance(overview, zarr.Array)
    pixels, found = images[:], overview[:]
    assert found.dtype == pixels.dtype
    for site, channel in np.ndindex(*pixels.shape[:2]):
        np.testing.assert_array_equal(found[site, channel], area_mean(pixels[site, channel]))
    return overview


@pytest.mark.parametrize("source_name", RECIPES)
def test_overviews_are_area_means(datasets: Datasets, source_name: str) -> None:
    """All planes of each source: the real sample is one of them."""
    dataset = datasets.dataset(source_name, "blosc-zstd")
    overview = check_overview(dataset.root)
    # Planes without an image are black.
    missing = ~dataset.source.present
    assert not overview[:][missing].any()


@pytest.mark.parametrize("codec", ["zstd", "delta-zstd"])
def test_the_codec_of_the_images_does_not_matter(datasets: Datasets, codec: str) -> None:
    key = Path("images.zarr/overview/c/0/0/0/0")
    expected = (datasets.dataset("sample", "blosc-zstd").root / key).read_bytes()
    assert (datasets.dataset("sample", codec).root / key).read_bytes() == expected


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(("suffix", "format_name"), [("png", "PNG"), ("tif", "TIFF")])
@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (7, 64), (63, 20), (65, 33), (129, 200), (513, 511)]
)
def test_any_size_and_depth(
    tmp_path: Path, depth: int, suffix: str, format_name: str, height: int, width: int
) -> None:
    random = np.random.default_rng(height * width + depth)
    dtype, most = (np.uint8, 255) if depth == 8 else (np.uint16, 65535)
    images = tmp_path / "in" / "images" / "E-1" / "Plate1"
    images.mkdir(parents=True)
    wells = [f"B{number:02}" for number in range(2, 7)]
    for well in wells:
        for channel in (1, 2):
            # One plane of each pair is saturated: its sums are the largest.
            low = most if channel == 2 and well == "B02" else 0
            plane = random.integers(low, most, (height, width), dtype, endpoint=True)
            name = f"{well}_s1_w{channel}.{suffix}"
            Image.fromarray(plane).save(images / name, format=format_name)
    (images / f"B03_s1_w2.{suffix}").unlink()
    (images / f"B04_s1_w1.{suffix}").write_bytes(b"no image")
    with (tmp_path / "in" / "metadata.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["experiment", "plate", "well", "site"])
        rows.writerows(["E-1", 1, well, 1] for well in wells)
    output = tmp_path / "out"
    # The last unit has one site of two.
    done = run("convert", tmp_path / "in", output, "--allow-missing", "--shard-sites", "2")
    assert done.returncode == SEALED_WITH_GAPS, done.stderr
    overview = check_overview(output)
    factor = math.ceil(max(height, width) / 64)
    assert overview.shape == (5, 2, math.ceil(height / factor), math.ceil(width / factor))
    assert overview.shards == (2, *overview.shape[1:])
    assert not overview[1, 1].any() and not overview[2, 0].any()
    verified = run("verify", output)
    assert verified.returncode == COMPLETE, verified.stdout + verified.stderr


def test_readers_open_it_beside_the_images(datasets: Datasets) -> None:
    path = datasets.dataset("oblong", "blosc-zstd").zarr
    group = zarr.open_group(path, mode="r")
    array = group["overview"]
    assert isinstance(array, zarr.Array)
    expected = array[:]
    with xarray.open_zarr(path) as dataset:
        assert dataset["overview"].dims == NAMES
        assert dataset["images"].dims == ("site", "channel", "y", "x")
        np.testing.assert_array_equal(dataset["overview"], expected)
        assert "stain" in dataset["overview"].coords
    with xarray.open_datatree(path, engine="zarr") as tree:
        np.testing.assert_array_equal(tree["overview"], expected)
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(path / "overview")}}
    store = tensorstore.open(spec, read=True).result()
    np.testing.assert_array_equal(store.read().result(), expected)
    pipeline = {"codec_pipeline.path": "zarrs.ZarrsCodecPipeline", "codec_pipeline.strict": True}
    with zarr.config.set(pipeline):
        again = zarr.open_group(path, mode="r")["overview"]
        assert isinstance(again, zarr.Array)
        np.testing.assert_array_equal(again[:], expected)


@pytest.mark.parametrize("damage", ["pixels", "missing", "cut"])
def test_verify_finds_damage(datasets: Datasets, tmp_path: Path, damage: str) -> None:
    output = tmp_path / "out"
    source = datasets.dataset("oblong", "blosc-zstd").source
    done = run("convert", source.root, output, "--allow-missing", "--shard-sites", "4")
    assert done.returncode in (COMPLETE, SEALED_WITH_GAPS), done.stderr
    objects = sorted((output / "images.zarr/overview/c").rglob("0/0/0"))
    first = output / "images.zarr/overview/c/0/0/0/0"
    assert first in objects
    if damage == "pixels":
        # Chunks that are intact, with the checksum of another dataset.
        array = zarr.open_array(output / "images.zarr/overview", mode="r+")
        pixels = array[0, 0]
        array[0, 0] = pixels + 1
        sums = output / "SHA256SUMS"
        key = first.relative_to(output).as_posix()
        lines = [
            f"{hashlib.sha256(first.read_bytes()).hexdigest()}  {key}" if key in line else line
            for line in sums.read_text().splitlines()
        ]
        sums.write_text("\n".join(lines) + "\n")
        expected = "it is not the mean of the pixels of its plane"
    elif damage == "missing":
        first.unlink()
        expected = "images.zarr/overview/c/0/0/0/0"
    else:
        first.write_bytes(first.read_bytes()[:-1])
        expected = "images.zarr/overview/c/0/0/0/0"
    verified = run("verify", output)
    assert verified.returncode == 1
    assert expected in verified.stdout + verified.stderr, verified.stdout
    if damage == "missing":
        info = run("info", output)
        assert info.returncode == 1 and expected in info.stdout + info.stderr, info.stdout


@pytest.mark.parametrize("source_name", RECIPES)
def test_plates_are_those_of_the_sites(datasets: Datasets, source_name: str) -> None:
    """plates.parquet, computed from the other tables and the pixels."""
    root = datasets.dataset(source_name, "blosc-zstd").root
    sites = pq.read_table(root / "metadata.parquet").to_pylist()
    planes = pq.read_table(root / "planes.parquet").to_pylist()
    rows = pq.read_table(root / "plates.parquet").to_pylist()
    assert sum(row["sites"] for row in rows) == len(sites)
    first = 0
    for row in rows:
        assert row["first_site"] == first
        of_plate = sites[first : first + row["sites"]]
        assert {(s["experiment"], s["plate"]) for s in of_plate} == {
            (row["experiment"], row["plate"])
        }
        assert row["wells"] == len({site["well"] for site in of_plate})
        inside = range(first, first + row["sites"])
        own = [plane for plane in planes if plane["site_index"] in inside]
        status = [plane["status"] for plane in own]
        assert row["missing"] == status.count("missing")
        assert row["bad"] == status.count("corrupt") + status.count("unreadable")
        for channel in {plane["channel"] for plane in own}:
            good = [p for p in own if (p["channel"], p["status"]) == (channel, "ok")]
            pixels = sum(plane["pixels"] for plane in good)
            mean = sum(plane["sum"] for plane in good) / pixels if pixels else None
            assert row[f"mean_{channel}"] == mean
        first += row["sites"]
