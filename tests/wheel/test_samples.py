"""Samples for training as numpy arrays: what a loader gives, without PyTorch."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import rxrx2zarr
from rxrx2zarr._samples import Samples

from conftest import Made


def samples_of(ds: rxrx2zarr.Dataset, sites: list[int] | None = None, **others: object) -> Samples:
    arguments: dict[str, object] = {
        "channels": None,
        "columns": (),
        "missing": "skip",
        "crop": None,
        "flip": False,
        "training": True,
        "views": 1,
        "scope": None,
        "seed": 0,
    }
    return Samples(ds, sites, **(arguments | others))  # type: ignore[arg-type]


def test_sites_that_lack_a_plane_are_skipped_and_counted(
    lacking: Made, caplog: pytest.LogCaptureFixture
) -> None:
    """Sites 2 and 7 lack a plane of w2 and of w1."""
    ds = rxrx2zarr.open(lacking.root)
    with caplog.at_level(logging.WARNING, "rxrx2zarr"):
        samples = samples_of(ds)
    assert (len(samples), samples.skipped) == (10, 2)
    assert "2 of 12 sites are skipped" in caplog.text
    assert samples.sites.tolist() == [0, 1, 3, 4, 5, 6, 8, 9, 10, 11]
    # Only the channels that are read count.
    assert samples_of(ds, channels=["w3"]).skipped == 0
    assert samples_of(ds, channels=["w1"], sites=[6, 7]).sites.tolist() == [6]
    with pytest.raises(rxrx2zarr.UsageError, match="no sample left"):
        samples_of(ds, sites=[7])


def test_sites_that_lack_a_plane_can_be_marked_or_refused(lacking: Made) -> None:
    ds = rxrx2zarr.open(lacking.root)
    samples = samples_of(ds, missing="mask", channels=["w1", "w2"])
    pixels, columns = samples.read([2, 3, 7], epoch=0)
    assert columns["present"].tolist() == [[True, False], [True, True], [False, True]]
    assert not pixels[0, 1].any()
    assert np.array_equal(pixels, lacking.input.pixels[[2, 3, 7]][:, :2])
    with pytest.raises(rxrx2zarr.UsageError, match=r"2 of 12 sites .*, such as HUVEC-01_1_B04_1"):
        samples_of(ds, missing="raise")
    samples_of(ds, missing="raise", channels=["w3"])
    with pytest.raises(rxrx2zarr.UsageError, match='must be "skip"'):
        samples_of(ds, missing="ignore")


def test_columns_are_numbers_of_the_whole_dataset(made8: Made) -> None:
    ds = rxrx2zarr.open(made8.root)
    assert ds.classes["experiment"] == ("HUVEC-01", "U2OS-04")
    assert "plate" not in ds.classes
    chosen = samples_of(ds, [6, 7, 11], columns=["experiment", "plate", "dose", "grade"])
    _, columns = chosen.read([0, 2], epoch=0)
    # Not 0, as it would be among the sites that were chosen.
    assert columns["experiment"].tolist() == [1, 1]
    assert (columns["plate"].tolist(), columns["dose"].tolist()) == ([1, 1], [1.5, 2.75])
    assert columns["site_index"].tolist() == [6, 11]
    # A null is -1.
    assert ds.classes["grade"] == ("high", "low")
    assert columns["grade"].tolist() == [-1, 1]
    assert samples_of(ds, columns=["rank"]).read([0, 1], 0)[1]["rank"].tolist() == [-1, 1]
    with pytest.raises(rxrx2zarr.UsageError, match="no column 'colour'"):
        samples_of(ds, columns=["colour"])


@pytest.mark.parametrize("name", ["made8", "made16"])
def test_crops_depend_on_seed_epoch_and_site_only(
    request: pytest.FixtureRequest, name: str
) -> None:
    made: Made = request.getfixturevalue(name)
    ds = rxrx2zarr.open(made.root)
    samples = samples_of(ds, crop=(10, 12), flip=True, seed=5)
    pixels, _ = samples.read(range(len(ds)), epoch=3)
    assert pixels.shape == (len(ds), 3, 10, 12)
    for site in range(len(ds)):
        alone, _ = samples.read([site], epoch=3, threads=1)
        assert np.array_equal(alone[0], pixels[site])
        assert is_part(pixels[site], made.input.pixels[site])
    for other in (
        samples.read(range(len(ds)), epoch=4)[0],
        samples_of(ds, crop=(10, 12), flip=True, seed=6).read(range(len(ds)), 3)[0],
    ):
        assert not np.array_equal(other, pixels)
    # The choice of sites changes nothing.
    part = samples_of(ds, [4, 2], crop=(10, 12), flip=True, seed=5).read([0, 1], epoch=3)[0]
    assert np.array_equal(part, pixels[[4, 2]])


def is_part(crop: np.ndarray, planes: np.ndarray) -> bool:
    """Returns whether a crop is a part of planes, perhaps reversed."""
    views = np.lib.stride_tricks.sliding_window_view(planes, crop.shape[1:], axis=(1, 2))
    mirrored = [crop[:, ::rows, ::columns] for rows in (1, -1) for columns in (1, -1)]
    return any((views == one[:, None, None]).all(axis=(0, 3, 4)).any() for one in mirrored)


def test_flips_and_places_are_spread(made8: Made) -> None:
    ds = rxrx2zarr.open(made8.root)
    samples = samples_of(ds, crop=8, flip=True)
    sites = np.zeros((4000, 1), np.int64)
    sites[:, 0] = np.arange(4000)
    origins, mirrored = samples._windows(sites, epoch=0)
    assert (origins.min(0).tolist(), origins.max(0).tolist()) == ([0, 0], [16, 32])
    assert np.abs(mirrored.mean(0) - 0.5).max() < 0.05
    assert abs(np.corrcoef(mirrored.T)[0, 1]) < 0.06


def test_evaluation_takes_the_middle(made8: Made) -> None:
    ds = rxrx2zarr.open(made8.root)
    samples = samples_of(ds, crop=(10, 12), flip=True, training=False)
    pixels, _ = samples.read([3], epoch=9)
    assert np.array_equal(pixels[0], made8.input.pixels[3][:, 7:17, 14:26])
    with pytest.raises(rxrx2zarr.UsageError, match="25x25 does not lie in planes of 24x40"):
        samples_of(ds, crop=25)


def test_views_are_two_sites_of_a_well(paired: Made) -> None:
    """Wells 0 to 3 have three sites each, and a fifth well has one."""
    ds = rxrx2zarr.open(paired.root)
    assert np.bincount(ds.wells).tolist() == [3, 3, 3, 3, 1]
    samples = samples_of(ds, views=2, crop=8, flip=True)
    assert len(samples) == 4
    seen = set()
    for epoch in range(20):
        pixels, columns = samples.read(range(4), epoch)
        assert pixels.shape == (4, 2, 3, 8, 8)
        sites = columns["site_index"]
        assert (ds.wells[sites[:, 0]] == ds.wells[sites[:, 1]]).all()
        assert (sites[:, 0] != sites[:, 1]).all()
        seen.add(tuple(sites[0].tolist()))
    assert len(seen) == 6
    assert samples_of(ds, views=3).read([0], 0)[1]["site_index"].shape == (1, 3)
    with pytest.raises(rxrx2zarr.UsageError, match="no sample left"):
        samples_of(ds, views=4)


def test_groups_and_statistics_are_those_of_the_plate(lacking: Made) -> None:
    ds = rxrx2zarr.open(lacking.root)
    samples = samples_of(ds, missing="mask", scope="plate")
    _, columns = samples.read(range(12), 0)
    assert columns["group"].tolist() == [0] * 6 + [1] * 6
    assert samples.scales is not None
    good = np.delete(lacking.input.pixels[:6, 1], 2, axis=0)
    assert np.isclose(samples.scales.mean[0, 1], good.mean())
    assert np.isclose(samples.scales.std[0, 1], good.std())
    assert samples_of(ds).groups("experiment").tolist() == [0] * 5 + [1] * 5


def test_real_sites_that_lack_channels_are_skipped(sample: Path, tmp_path: Path) -> None:
    rxrx2zarr.convert(sample, tmp_path / "real", allow_missing=True)
    ds = rxrx2zarr.open(tmp_path / "real")
    samples = samples_of(ds)
    assert (len(samples), samples.skipped) == (12, 12)
    assert samples_of(ds, channels=["w1", "w2", "w3", "w4"]).skipped == 0
    pixels, _ = samples.read(range(12), 0)
    assert (pixels.reshape(12, 6, -1).max(axis=2) > 0).all()
