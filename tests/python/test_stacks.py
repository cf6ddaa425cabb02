"""Stacks of several depths as one plane, and TIFFs whose pages are the channels.

The pixels are compared with those that NumPy makes of what Pillow and tifffile wrote.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tifffile
import zarr
from numpy.typing import NDArray
from PIL import Image

from converter import COMPLETE, FAILED, SEALED_WITH_GAPS, run

pytestmark = pytest.mark.quick

WELLS = ("B02", "B03")
CHANNELS = ("DAPI", "ER", "AGP")
DEPTHS = (1, 2, 10)
STACKS = ["--pattern", "{plate}/{well}_f{site}_z{z}_{channel}", "--channels", "DAPI,ER,AGP"]
PAGES = ["--pattern", "{plate}/{well}_f{site}.tif", "--channels", "DAPI,ER,AGP"]


def layer(well: int, channel: int, z: int, depth: str) -> NDArray[np.generic]:
    """A plane of (24, 20) pixels, another one for each well, channel and depth."""
    generator = np.random.default_rng(10_000 * well + 100 * channel + z)
    most = np.iinfo(depth).max
    return np.clip(generator.gamma(2.0, most / 20, (24, 20)), 0, most).astype(depth)


def projection(well: int, channel: int, depth: str) -> NDArray[np.generic]:
    return np.max([layer(well, channel, z, depth) for z in DEPTHS], axis=0)


def expected(depth: str) -> NDArray[np.generic]:
    """The array (site, channel, y, x) of the largest values."""
    wells, channels = range(len(WELLS)), range(len(CHANNELS))
    return np.stack([[projection(w, c, depth) for c in channels] for w in wells])


def write_stacks(root: Path, end: str, depth: str) -> Path:
    for w, well in enumerate(WELLS):
        for c, channel in enumerate(CHANNELS):
            for z in DEPTHS:
                path = root / "P1" / f"{well}_f1_z{z}_{channel}.{end}"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(layer(w, c, z, depth)).save(path)
    return root


def array(dataset: Path) -> NDArray[np.generic]:
    return zarr.open_array(dataset / "images.zarr" / "images", mode="r")[:]


def sources(dataset: Path) -> list[str]:
    return pq.read_table(dataset / "planes.parquet")["source"].to_pylist()


def convert(root: Path, output: Path, *options: str, code: int = COMPLETE) -> None:
    done = run("convert", root, output, *options, "--jobs", "2")
    assert done.returncode == code, done.stderr


def verify(output: Path, root: Path) -> None:
    checked = run("verify", output, "--source", root)
    assert checked.returncode == COMPLETE, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("end", "depth"), [("png", "uint8"), ("png", "uint16"), ("tif", "uint16"), ("jp2", "uint8")]
)
def test_a_stack_becomes_the_largest_value_of_each_pixel(
    tmp_path: Path, end: str, depth: str
) -> None:
    root, output = write_stacks(tmp_path / "screen", end, depth), tmp_path / "out"
    refused = run("plan", root, *STACKS)
    assert refused.returncode == FAILED
    assert "several values of z (1, 2, 10)" in refused.stderr, refused.stderr
    assert "--z max" in refused.stderr
    convert(root, output, *STACKS, "--z", "max")
    assert (array(output) == expected(depth)).all()
    verify(output, root)
    assert sources(output)[0] == f"P1/B02_f1_z1_DAPI.{end}"
    assert "maximum intensity projection" in (output / "README.md").read_text()
    told = json.loads(run("info", output, "--json").stdout)
    assert told["settings"]["names"]["z"] == "max"

    # One depth alone is another dataset.
    convert(root, tmp_path / "one", *STACKS, "--z", "2")
    assert (array(tmp_path / "one")[1, 2] == layer(1, 2, 2, depth)).all()
    assert "z = 2" in (tmp_path / "one" / "README.md").read_text()

    # A changed file of any depth is noticed.
    Image.fromarray(np.full((24, 20), np.iinfo(depth).max, depth)).save(
        root / "P1" / f"B03_f1_z10_ER.{end}"
    )
    checked = run("verify", output, "--source", root)
    assert checked.returncode == FAILED
    assert "pixels differ" in checked.stdout + checked.stderr


def test_a_stack_that_lacks_a_depth_needs_leave(tmp_path: Path) -> None:
    root, output = write_stacks(tmp_path / "screen", "png", "uint8"), tmp_path / "out"
    (root / "P1" / "B02_f1_z2_ER.png").unlink()
    options = (*STACKS, "--z", "max")
    refused = run("convert", root, output, *options)
    assert refused.returncode == FAILED
    assert "stacks short of a depth" in refused.stderr, refused.stderr
    assert "P1/B02_f1_z1_ER.png: no file of z 2" in refused.stderr
    convert(root, output, *options, "--allow-missing")
    present = np.max([layer(0, 1, z, "uint8") for z in (1, 10)], axis=0)
    assert (array(output)[0, 1] == present).all()
    verify(output, root)


def test_a_damaged_file_of_a_stack_is_named(tmp_path: Path) -> None:
    root, output = write_stacks(tmp_path / "screen", "png", "uint8"), tmp_path / "out"
    path = root / "P1" / "B03_f1_z10_AGP.png"
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    options = (*STACKS, "--z", "max")
    convert(root, output, *options, code=SEALED_WITH_GAPS)
    planes = pq.read_table(output / "planes.parquet").to_pylist()
    bad = [plane for plane in planes if plane["status"] != "ok"]
    assert len(bad) == 1
    assert bad[0]["error"].startswith("P1/B03_f1_z10_AGP.png: "), bad
    path.write_bytes(whole)
    convert(root, output, "--retry-bad")
    assert (array(output) == expected("uint8")).all()
    verify(output, root)


def pages(well: int, depth: str, **options: object) -> bytes:
    """A TIFF with a page a channel."""
    file = io.BytesIO()
    planes = np.stack([projection(well, channel, depth) for channel in range(len(CHANNELS))])
    tifffile.imwrite(file, planes, photometric="minisblack", **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("depth", "options"),
    [
        ("uint8", {}),
        ("uint16", {"byteorder": ">", "compression": "zlib", "rowsperstrip": 7}),
        ("uint16", {"imagej": True}),
        ("uint16", {"ome": True, "bigtiff": True, "tile": (16, 16)}),
    ],
)
def test_the_pages_of_a_tiff_become_the_channels(
    tmp_path: Path, depth: str, options: dict[str, object]
) -> None:
    root, output = tmp_path / "screen", tmp_path / "out"
    (root / "P1").mkdir(parents=True)
    for w, well in enumerate(WELLS):
        (root / "P1" / f"{well}_f1.tif").write_bytes(pages(w, depth, **options))
    unnamed = run("plan", root, *PAGES[:2])
    assert unnamed.returncode == FAILED
    assert "if the pages of each file are the channels, name them" in unnamed.stderr
    convert(root, output, *PAGES)
    assert (array(output) == expected(depth)).all()
    verify(output, root)
    assert sources(output)[:3] == [f"P1/B02_f1.tif#page={page}" for page in (1, 2, 3)]
    assert "the pages of each file" in (output / "README.md").read_text()
    attributes = json.loads((output / "images.zarr" / "zarr.json").read_text())
    assert attributes["consolidated_metadata"]["metadata"]["images"]["shape"] == [2, 3, 24, 20]


def test_a_file_of_another_number_of_pages_is_no_image(tmp_path: Path) -> None:
    root, output = tmp_path / "screen", tmp_path / "out"
    (root / "P1").mkdir(parents=True)
    for w, well in enumerate(WELLS):
        (root / "P1" / f"{well}_f1.tif").write_bytes(pages(w, "uint8"))
    # All alike: the option is wrong.
    refused = run("plan", root, *PAGES[:2], "--channels", "DAPI,ER")
    assert refused.returncode == FAILED
    assert "a TIFF of more than 2 pages, where the channels are 2" in refused.stderr
    # One alone: the file is wrong.
    whole = (root / "P1" / "B03_f1.tif").read_bytes()
    Image.fromarray(projection(1, 0, "uint8")).save(root / "P1" / "B03_f1.tif")
    convert(root, output, *PAGES, code=SEALED_WITH_GAPS)
    planes = pq.read_table(output / "planes.parquet").to_pylist()
    assert [plane["status"] for plane in planes] == ["ok"] * 3 + ["corrupt"] * 3
    assert "a TIFF of 1 page, where the channels are 3" in planes[3]["error"]
    assert planes[3]["cause"] == "tiff_page"
    (root / "P1" / "B03_f1.tif").write_bytes(whole)
    convert(root, output, "--retry-bad")
    assert (array(output) == expected("uint8")).all()


def test_the_pages_of_a_stack_are_projected_each(tmp_path: Path) -> None:
    root, output = tmp_path / "screen", tmp_path / "out"
    root.mkdir()
    for w, well in enumerate(WELLS):
        for z in DEPTHS:
            planes = np.stack([layer(w, c, z, "uint16") for c in range(len(CHANNELS))])
            tifffile.imwrite(root / f"{well}_p{z}.tif", planes, photometric="minisblack")
    options = ("--pattern", "{well}_p{z}.tif", "--channels", "DAPI,ER,AGP", "--z", "max")
    convert(root, output, *options)
    assert (array(output) == expected("uint16")).all()
    verify(output, root)
