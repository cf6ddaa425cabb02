"""Missing and unreadable images: what readers find instead."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
import xarray

from conftest import Datasets
from converter import DEFAULT_CODEC, FAILED, Dataset, convert, run
from readers.arrays import EVERYTHING, READERS, WITHOUT_PLUG_INS
from source import Source, plane_path, read_source

MISSING = [(0, 1), (5, 2), (5, 3)]
"""(site, channel counted from 0)."""


def truncate(png: bytes) -> bytes:
    return png[: len(png) // 2]


def flip_a_bit_of_the_pixels(png: bytes) -> bytes:
    middle = len(png) // 2
    return png[:middle] + bytes([png[middle] ^ 16]) + png[middle + 1 :]


DAMAGE = {
    (2, 0): truncate,
    (2, 5): flip_a_bit_of_the_pixels,
    (7, 4): lambda _png: b"",
    (9, 4): lambda _png: b"not an image\n" * 50,
}


def copy_with_missing_planes(sample: Source, root: Path) -> Source:
    shutil.copytree(sample.root, root)
    for site, channel in MISSING:
        (root / "images" / plane_path(sample.rows[site], channel + 1)).unlink()
    return read_source(root)


def copy_with_damaged_planes(sample: Source, root: Path) -> Source:
    shutil.copytree(sample.root, root)
    damaged = {plane_path(sample.rows[site], channel + 1) for site, channel in DAMAGE}
    for (site, channel), damage in DAMAGE.items():
        path = root / "images" / plane_path(sample.rows[site], channel + 1)
        path.write_bytes(damage(path.read_bytes()))
    return read_source(root, frozenset(damaged))


@pytest.fixture(scope="module")
def with_missing(datasets: Datasets, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("missing")
    source = copy_with_missing_planes(datasets.source("sample"), folder / "input")
    return convert(source, folder / "output", DEFAULT_CODEC, "--allow-missing")


@pytest.fixture(scope="module")
def with_damage(datasets: Datasets, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("damaged")
    source = copy_with_damaged_planes(datasets.source("sample"), folder / "input")
    return convert(source, folder / "output", DEFAULT_CODEC)


@pytest.fixture(params=["with_missing", "with_damage"])
def incomplete(request: pytest.FixtureRequest) -> Dataset:
    return request.getfixturevalue(request.param)


def gaps(dataset: Dataset) -> list[tuple[int, int]]:
    return [(site, channel) for site, channel in np.argwhere(~dataset.source.present).tolist()]


def test_the_fixtures_have_the_intended_gaps(with_missing: Dataset, with_damage: Dataset) -> None:
    assert gaps(with_missing) == sorted(MISSING)
    assert gaps(with_damage) == sorted(DAMAGE)


@pytest.mark.parametrize("reader", READERS)
def test_gaps_are_zero_and_other_planes_are_unchanged(incomplete: Dataset, reader: str) -> None:
    assert incomplete.codec in WITHOUT_PLUG_INS
    pixels = READERS[reader].read(incomplete.zarr, EVERYTHING)
    np.testing.assert_array_equal(pixels, incomplete.source.pixels)
    assert not any(pixels[gap].any() for gap in gaps(incomplete))


def test_present_is_false_for_gaps(incomplete: Dataset) -> None:
    with xarray.open_zarr(incomplete.zarr) as opened:
        np.testing.assert_array_equal(opened.present, incomplete.source.present)
        usable = opened.images.where(opened.present)
        assert int(usable.isnull().any(dim=("y", "x")).sum()) == len(gaps(incomplete))


def test_complete_is_false_for_sites_with_gaps(incomplete: Dataset) -> None:
    rows = duckdb.execute(
        f"SELECT site_index FROM '{incomplete.metadata_table}' WHERE NOT complete ORDER BY ALL"
    ).fetchall()
    assert [site for (site,) in rows] == sorted({site for site, _ in gaps(incomplete)})


def gap_rows(dataset: Dataset) -> list[dict[str, object]]:
    planes = pq.read_table(dataset.planes_table).to_pylist()
    return [row for row in planes if row["status"] != "ok"]


def test_missing_planes_are_recorded(with_missing: Dataset) -> None:
    rows = gap_rows(with_missing)
    keys = [(row["site_index"], row["channel"]) for row in rows]
    assert keys == [(site, f"w{channel + 1}") for site, channel in sorted(MISSING)]
    for row in rows:
        assert row["status"] == "missing"
        assert row["source_bytes"] is None
        assert row["xxh3_128"] is None
        assert row["mean"] is None


def test_damaged_planes_are_recorded_with_the_cause(with_damage: Dataset) -> None:
    rows = gap_rows(with_damage)
    keys = [(row["site_index"], row["channel"]) for row in rows]
    assert keys == [(site, f"w{channel + 1}") for site, channel in sorted(DAMAGE)]
    for row, key in zip(rows, sorted(DAMAGE), strict=True):
        path = with_damage.source.files[key]
        assert row["status"] == "corrupt"
        assert row["error"]
        assert with_damage.source.root / str(row["source"]) == path
        assert row["source_bytes"] == path.stat().st_size
        assert row["xxh3_128"] is None
        assert row["mean"] is None


def test_missing_planes_stop_a_run_that_does_not_allow_them(
    datasets: Datasets, tmp_path: Path
) -> None:
    source = copy_with_missing_planes(datasets.source("sample"), tmp_path / "input")
    done = run("convert", source.root, tmp_path / "output")
    assert done.returncode == FAILED
    lines = done.stderr.splitlines()
    for site, channel in MISSING:
        (line,) = [line for line in lines if source.site_ids[site] in line]
        assert f"w{channel + 1}" in line
    assert not (tmp_path / "output").exists()


def test_strict_seals_nothing_that_is_damaged(datasets: Datasets, tmp_path: Path) -> None:
    source = copy_with_damaged_planes(datasets.source("sample"), tmp_path / "input")
    done = run("convert", source.root, tmp_path / "output", "--strict")
    assert done.returncode == FAILED
    assert not (tmp_path / "output" / "images.zarr" / "zarr.json").exists()
