"""The scripts in scripts/examples run as their headers say, and print correct results."""

from __future__ import annotations

import importlib.util
import multiprocessing
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import EXAMPLES, Datasets, load_example
from converter import DEFAULT_CODEC, Dataset, convert
from servers.file_server import Request, serve
from test_embeddings import write_embeddings

HAS_TORCH = importlib.util.find_spec("torch") is not None


def run_example(name: str, *arguments: str | Path) -> str:
    command = [sys.executable, EXAMPLES / name, *arguments]
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr, done.stderr
    return done.stdout


def test_every_example_says_how_it_is_run() -> None:
    scripts = sorted(EXAMPLES.glob("*.py"))
    assert len(scripts) == 5
    for script in scripts:
        assert f"    python scripts/examples/{script.name} DATASET" in script.read_text()


@pytest.mark.parametrize("source_name", ["sample", "sixteen-bit"])
def test_samples_are_normalised_per_plate(datasets: Datasets, source_name: str) -> None:
    dataset = datasets.dataset(source_name)
    source = dataset.source
    sites = load_example(EXAMPLES / "torch_dataset.py").Sites(dataset.root)
    assert len(sites) == len(source.rows)
    plates = [(row["experiment"], row["plate"]) for row in source.rows]
    everything, numbers, labels = sites.batch(list(range(len(sites))))
    ready = np.empty(everything.shape, np.float32)
    sites.normalise(everything, numbers, ready)
    for index, plate in enumerate(plates):
        stored, number, label = sites[index]
        np.testing.assert_array_equal(stored, source.pixels[index])
        np.testing.assert_array_equal(everything[index], stored)
        assert (number, label) == (numbers[index], labels[index])
        pixels = ready[index]
        pool = source.pixels[[other == plate for other in plates]].astype(np.float64)
        mean, std = pool.mean(axis=(0, 2, 3)), pool.std(axis=(0, 2, 3))
        expected = (source.pixels[index] - mean[:, None, None]) / std[:, None, None]
        np.testing.assert_allclose(pixels, expected, rtol=1e-5, atol=1e-4)
        assert label == int(source.rows[index]["sirna_id"] or -1)


def test_samples_are_chosen_by_a_condition(datasets: Datasets) -> None:
    dataset = datasets.dataset("sample")
    example = load_example(EXAMPLES / "torch_dataset.py")
    everything = example.Sites(dataset.root)
    chosen = example.Sites(dataset.root, "cell_type = 'HUVEC'")
    expected = [i for i, row in enumerate(dataset.source.rows) if row["cell_type"] == "HUVEC"]
    assert 0 < len(chosen) == len(expected) < len(everything)
    for index, site in enumerate(expected):
        np.testing.assert_array_equal(chosen[index][0], everything[site][0])


def mean_of(sites: object, index: int) -> float:
    return float(sites[index][0].mean())


def test_spawned_workers_read_the_same(datasets: Datasets) -> None:
    dataset = datasets.dataset("sample")
    sites = load_example(EXAMPLES / "torch_dataset.py").Sites(dataset.root)
    expected = [mean_of(sites, index) for index in range(len(sites))]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        for _epoch in range(2):
            found = list(pool.map(mean_of, [sites] * len(sites), range(len(sites)), chunksize=6))
            assert found == expected


@pytest.mark.parametrize("source_name", ["full-planes", "real"])
def test_random_sites_are_read_faster_than_pngs(datasets: Datasets, source_name: str) -> None:
    """The planes are as large as RxRx1's; small ones would measure the opening of files."""
    dataset = datasets.dataset(source_name)
    options = ("--source", dataset.source.root, "--workers", "0", "--epochs", "6")
    printed = run_example("torch_dataset.py", dataset.root, *options)
    print(printed)
    (measured,) = re.findall(r"the dataset is ([\d.]+) times as fast", printed)
    # How much faster can only be measured on a quiet machine; the README has the result.
    assert float(measured) > 1, printed


@pytest.mark.full
@pytest.mark.skipif(not HAS_TORCH, reason="PyTorch is not installed (scripts/test --with-torch)")
def test_the_loader_with_torch_runs_over_epochs(datasets: Datasets) -> None:
    dataset = datasets.dataset("sample")
    printed = run_example("torch_dataset.py", dataset.root, "--workers", "2", "--epochs", "3")
    epochs = re.findall(r"epoch (\d): (\d+) sites, \d+ sites/s, mean (-?[\d.]+)", printed)
    sites = len(dataset.source.rows)
    assert [(int(epoch), int(seen)) for epoch, seen, _ in epochs] == [(n, sites) for n in range(3)]
    assert all(abs(float(mean)) < 1e-3 for *_, mean in epochs), "normalised means are not 0"


def test_a_montage_shows_wells_where_there_are_wells(datasets: Datasets, tmp_path: Path) -> None:
    dataset = datasets.dataset("sample")
    picture = tmp_path / "plate.png"
    first = dataset.source.rows[0]
    printed = run_example("plate_montage.py", dataset.root, picture)
    assert f"{first['experiment']} plate {first['plate']}" in printed
    on_plate = [
        row["well"]
        for row in dataset.source.rows
        if all(row[name] == first[name] for name in ("experiment", "plate")) and row["site"] == "1"
    ]
    rows = sorted({well[0] for well in on_plate})
    columns = sorted({well[1:] for well in on_plate})
    pixels = np.asarray(Image.open(picture))
    # 160 x 160 pixels have overviews of 54 x 54, which are drawn twice as large.
    side = 2 * 54 + 4
    assert pixels.shape[0] == 44 + 28 + len(rows) * side + 28
    for y, row in enumerate(rows):
        for x, column in enumerate(columns):
            top, left = 44 + 28 + y * side + 2, 28 + x * side + 2
            well = pixels[top : top + side - 4, left : left + side - 4]
            if row + column in on_plate:
                assert well.std() > 15, "no picture"
                assert (well.min(axis=2) == 255).mean() < 0.05, "all glare"
            else:
                assert (well == 48).all(), "a picture where there is no well"


def test_a_montage_shows_one_channel_in_grey(datasets: Datasets, tmp_path: Path) -> None:
    dataset = datasets.dataset("sample")
    picture = tmp_path / "nuclei.png"
    run_example("plate_montage.py", dataset.root, picture, "--channels", "w1")
    red, green, blue = np.asarray(Image.open(picture)).reshape(-1, 3).T
    assert (blue > 60).any()
    assert (red == green).all() and (green == blue).all()


def test_a_montage_frames_negative_controls(datasets: Datasets, tmp_path: Path) -> None:
    dataset = datasets.dataset("sample")
    picture = tmp_path / "plate.png"
    run_example("plate_montage.py", dataset.root, picture, "--channels", "w1")
    pixels, side = np.asarray(Image.open(picture)), 2 * 54 + 4
    first = dataset.source.rows[0]
    wells = {
        row["well"]: row["well_type"] == "negative_control"
        for row in dataset.source.rows
        if all(row[name] == first[name] for name in ("experiment", "plate"))
    }
    assert any(wells.values()) and not all(wells.values())
    rows = sorted({well[0] for well in wells})
    columns = sorted({well[1:] for well in wells})
    for well, is_control in wells.items():
        top = 44 + 28 + rows.index(well[0]) * side
        left = 28 + columns.index(well[1:]) * side
        frame = pixels[top + 1, left + 1 : left + side - 1]
        assert (frame == 255).all() == is_control, well


def test_ten_questions_are_answered(dataset: Dataset) -> None:
    source = dataset.source
    printed = run_example("ten_questions.py", dataset.root, source.site_ids[-1])
    counts = re.findall(r"^(\d+)\. .*\? \((\d+) rows, ([\d.]+) s\)$", printed, re.MULTILINE)
    assert [int(number) for number, *_ in counts] == list(range(1, 11))
    rows = [int(count) for _, count, _ in counts]
    assert rows[1] == len({row["cell_type"] for row in source.rows})
    assert rows[4] == min(100, int(source.present[:, 0].sum()))
    assert rows[7] == 3 * source.pixels.shape[1]
    assert f"{source.site_ids[-1]} images.zarr/images/c/" in printed
    missing = {
        (row["experiment"], row["plate"], channel)
        for row, present in zip(source.rows, source.present, strict=True)
        for channel in np.flatnonzero(~present)
    }
    assert rows[9] == len(missing)


def test_one_site_is_read_by_one_request(datasets: Datasets) -> None:
    dataset = datasets.dataset("sample")
    site = 17
    mean = dataset.source.pixels[site].mean()
    site_id = dataset.source.site_ids[site]
    here = run_example("read_one_site.py", dataset.root, site_id)
    requests: list[Request] = []
    with serve(dataset.root, requests) as address:
        there = run_example("read_one_site.py", address, site_id)
    assert here == there
    assert f"mean {mean:.3f}" in here
    pixels = [request for request in requests if "images.zarr" in request.path and request.sent]
    (length,) = re.findall(r": (\d+) bytes of images.zarr/images/c/0/0/0/0 from", here)
    assert [request.sent for request in pixels] == [int(length)]


def test_neighbours_are_those_of_numpy(datasets: Datasets, tmp_path: Path) -> None:
    source = datasets.source("sample")
    vectors, table = write_embeddings(source, tmp_path / "embeddings.csv")
    options = ("--embeddings", str(table))
    dataset = convert(source, tmp_path / "dataset", DEFAULT_CODEC, *options)
    site, picture = 5, tmp_path / "strip.png"
    site_id = source.site_ids[site]
    printed = run_example("nearest_neighbours.py", dataset.root, site_id, picture, "--count", "4")
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    order = np.argsort(-(units @ units[site]))[:5]
    assert order[0] == site
    assert [line.split()[1] for line in printed.splitlines()] == [
        source.site_ids[index] for index in order
    ]
    strip = np.asarray(Image.open(picture))
    tiles = np.split(strip, 5, axis=1)
    assert all(tile[:-32].std() > 15 for tile in tiles), "a site without a picture"
