"""`rxrx2zarr montage`: the pixels are those of the array through its windows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import zarr
from numpy.typing import NDArray
from PIL import Image

from conftest import Datasets
from converter import COMPLETE, FAILED, Dataset, run

WRONG_USAGE = 2
GAP, LINE = 12, 20


@pytest.fixture(scope="module")
def dataset(datasets: Datasets) -> Dataset:
    return datasets.dataset("sample")


def montage(dataset: Path, output: Path, *options: str) -> Image.Image:
    done = run("montage", dataset, "--output", output, *options)
    assert done.returncode == COMPLETE, done.stderr
    return Image.open(output)


def through_windows(dataset: Dataset, site: int, channels: list[int]) -> NDArray[np.uint8]:
    """The colours of a site by the root's attributes: (y, x, colour)."""
    done = run("info", dataset.root, "--json")
    described = json.loads(done.stdout)["channels"]
    pixels = zarr.open_group(dataset.zarr, mode="r")["images"][site].astype(float)
    total = np.zeros((*pixels.shape[1:], 3))
    for channel in channels:
        window = described[channel]["window"]
        light = (pixels[channel] - window["start"]) / (window["end"] - window["start"])
        color = "FFFFFF" if len(channels) == 1 else described[channel]["color"]
        total += light.clip(0, 1)[..., None] * np.frombuffer(bytes.fromhex(color), np.uint8)
    return np.floor(total + 0.5).clip(0, 255).astype(np.uint8)


def panels(picture: Image.Image, size: int, count: int, columns: int) -> list[NDArray[np.uint8]]:
    """The panels of a picture whose legend takes as many lines as are left."""
    pixels = np.asarray(picture)
    rows = -(-count // columns)
    top = picture.height - (LINE + GAP) - rows * (size + 2 * LINE + GAP)
    return [
        pixels[y : y + size, x : x + size]
        for y in (top + row * (size + 2 * LINE + GAP) for row in range(rows))
        for x in (GAP + column * (size + GAP) for column in range(columns))
    ][:count]


@pytest.mark.parametrize("channels", [["w1"], ["w2", "w5"], ["w1", "w2", "w3"]])
def test_pixels_are_those_of_the_array(
    dataset: Dataset, tmp_path: Path, channels: list[str]
) -> None:
    ids = dataset.source.site_ids
    sites = [7, 0, 3]
    options = [word for site in sites for word in ("--site", ids[site])]
    named = ("--channels", ",".join(channels), "--columns", "2")
    picture = montage(dataset.root, tmp_path / "x.png", *options, *named)
    numbers = [int(name[1:]) - 1 for name in channels]
    for site, panel in zip(sites, panels(picture, 160, 3, 2), strict=True):
        # A value halfway between two levels may be rounded to either of them.
        expected = through_windows(dataset, site, numbers).astype(int)
        assert np.abs(panel.astype(int) - expected).max() <= 1
        assert (panel == expected).mean() > 0.999


def test_licence_and_windows_are_in_the_text_chunks(dataset: Dataset, tmp_path: Path) -> None:
    picture = montage(dataset.root, tmp_path / "x.png", "--include", "well=B02")
    picture.load()
    assert picture.text["Copyright"] == "Licence: CC0-1.0"
    assert picture.text["Title"] == "RxRx1 look-alike (synthetic)"
    assert "w1 Hoechst: 0 to 51" in picture.text["Description"]


def test_notes_and_missing_planes_are_told(datasets: Datasets, tmp_path: Path) -> None:
    dataset = datasets.dataset("golden")
    last = dataset.source.site_ids[-1]
    picks = tmp_path / "picks.csv"
    plain = montage(dataset.root, tmp_path / "plain.png", "--site", last, "--channels", "w1")
    picks.write_text(f"site_id,note\n{last},a note\n")
    noted = montage(dataset.root, tmp_path / "noted.png", "--sites", str(picks), "--channels", "w1")
    assert plain.size == noted.size
    assert (np.asarray(plain) != np.asarray(noted)).any()


def test_what_cannot_be_drawn_is_told_and_leaves_no_file(dataset: Dataset, tmp_path: Path) -> None:
    first = dataset.source.site_ids[0]
    output = tmp_path / "x.png"
    output.write_text("an older picture")
    for options, code, said in (
        (("--site", "no-such-site"), FAILED, "no-such-site"),
        (("--site", first, "--channels", "w9"), FAILED, "w9"),
        (("--site", first, "--channels", "w1,w2,w3,w4"), WRONG_USAGE, "three at most"),
        ((), WRONG_USAGE, "--site"),
    ):
        done = run("montage", dataset.root, "--output", output, *options)
        assert done.returncode == code, options
        assert said in done.stderr
    assert output.read_text() == "an older picture"
    missing = tmp_path / "no-folder" / "x.png"
    done = run("montage", dataset.root, "--output", missing, "--site", first)
    assert done.returncode == FAILED
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]
