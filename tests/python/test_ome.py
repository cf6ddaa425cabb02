"""Programs for OME-Zarr open the dataset as it is: channels, colours, windows, sites."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray

from conftest import Datasets
from converter import DEFAULT_CODEC, Dataset, convert, run
from readers.other_python import asked

PIXEL_SIZE = 0.65


@pytest.fixture(scope="module")
def scaled(datasets: Datasets, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A dataset with a pixel size."""
    folder = tmp_path_factory.mktemp("scaled") / "dataset"
    options = ("--pixel-size", str(PIXEL_SIZE))
    return convert(datasets.source("sample"), folder, DEFAULT_CODEC, *options)


@pytest.fixture(scope="module")
def opened(datasets: Datasets, scaled: Dataset) -> dict[str, tuple[Dataset, dict]]:
    """What each program finds in each dataset."""
    opened = {name: datasets.dataset(name) for name in ("sample", "sixteen-bit", "tiled")}
    opened["scaled"] = scaled
    answers = asked("OME_PYTHON", "ome_read.py", [str(made.zarr) for made in opened.values()])
    return {name: (opened[name], answer) for name, answer in zip(opened, answers, strict=True)}


NAMES = ["sample", "sixteen-bit", "tiled", "scaled"]


@pytest.mark.parametrize("name", NAMES)
def test_the_metadata_are_valid(opened: dict, name: str) -> None:
    _, found = opened[name]
    unit = "micrometer" if name == "scaled" else None
    assert found["models"] == {
        "type": "ome_zarr_models.v05.image.Image",
        "axes": [
            ["site", "time", None],
            ["channel", "channel", None],
            ["y", "space", unit],
            ["x", "space", unit],
        ],
        "paths": ["images"],
    }


@pytest.mark.parametrize("program", ["ome-zarr-py", "ngff-zarr", "iohub"])
@pytest.mark.parametrize("name", NAMES)
def test_pixels_and_channels_are_those_of_the_dataset(
    opened: dict, name: str, program: str
) -> None:
    dataset, found = opened[name]
    found = found[program]
    pixels = dataset.source.pixels
    assert found["shape"] == list(pixels.shape)
    np.testing.assert_array_equal(found["plane"], pixels[1, 1])
    side = PIXEL_SIZE if name == "scaled" else 1
    assert found["scale"] == [1, 1, side, side]
    with xarray.open_zarr(dataset.zarr, chunks=None) as ds:
        names = zip(ds.channel.values, ds.stain.values, strict=True)
        assert found["channels"] == [f"{name} {stain}".strip() for name, stain in names]
        windows = zip(ds.window_start.values, ds.window_end.values, strict=True)
        assert found["windows"] == [[int(start), int(end)] for start, end in windows]


@pytest.mark.parametrize("name", NAMES)
def test_napari_shows_coloured_channels_and_a_slider_of_sites(opened: dict, name: str) -> None:
    dataset, found = opened[name]
    layers = found["napari"]
    assert layers["kind"] == "image"
    assert layers["layers"] == found["ome-zarr-py"]["channels"]
    assert layers["windows"] == found["ome-zarr-py"]["windows"]
    with xarray.open_zarr(dataset.zarr, chunks=None) as ds:
        rgb = [[int(color[at : at + 2], 16) for at in (0, 2, 4)] for color in ds.color.values]
    np.testing.assert_allclose(layers["colors"], np.array(rgb) / 255, atol=1e-4)
    assert layers["sliders"] == ["site"]
    assert layers["steps"] == [len(dataset.source.rows)]
    assert all(layers["visible"])
    side = PIXEL_SIZE if name == "scaled" else 1
    assert layers["scale"] == [1, side, side]


def test_the_pixel_size_is_a_setting(scaled: Dataset) -> None:
    source = scaled.source.root
    told = json.loads(run("info", scaled.root, "--json").stdout)
    assert told["settings"]["pixel_size"] == PIXEL_SIZE
    again = run("convert", source, scaled.root, "--pixel-size", str(PIXEL_SIZE))
    assert again.returncode == 0, again.stderr
    other = run("convert", source, scaled.root, "--pixel-size", "0.325")
    assert other.returncode == 1
    assert "pixel_size was 0.65 and is 0.325" in other.stderr
    none = run("convert", source, scaled.root)
    assert none.returncode == 1
    assert "pixel_size was 0.65 and is null" in none.stderr
    assert run("verify", scaled.root).returncode == 0


@pytest.mark.parametrize("size", ["0", "-1", "nan", "650nm", "1001"])
def test_a_pixel_size_that_is_none_is_refused(tmp_path: Path, size: str) -> None:
    done = run("convert", tmp_path, tmp_path / "out", f"--pixel-size={size}")
    assert done.returncode == 2
    assert "expected micrometres" in done.stderr


def test_a_changed_ome_attribute_is_found(scaled: Dataset, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(scaled.root, tmp_path / "copy"))
    path = copy / "images.zarr" / "zarr.json"
    root = json.loads(path.read_text())
    root["attributes"]["ome"]["omero"]["channels"][0]["color"] = "FFFFFF"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_text(json.dumps(root))
    sums = copy / "SHA256SUMS"
    after = hashlib.sha256(path.read_bytes()).hexdigest()
    sums.write_text(sums.read_text().replace(before, after))
    done = run("verify", copy)
    assert done.returncode == 1
    assert "its attribute ome is not what the other attributes give" in done.stdout
