"""`xarray.open_zarr` opens a labelled dataset, without arguments and without warnings."""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray

from conftest import Datasets
from converter import Dataset
from upstream_limits import FULL_SIZE_LIMITS, LIMITS, Limit


@pytest.fixture
def opened(dataset: Dataset) -> Iterator[xarray.Dataset]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with xarray.open_zarr(dataset.zarr) as opened:
            yield opened


def coordinate_name(column: str) -> str:
    """Returns the name of a column in the array: `site` is the dimension, labelled by site_id."""
    return {"site": "site_number", "site_id": "site"}.get(column, column)


def test_images_have_named_dimensions(opened: xarray.Dataset, dataset: Dataset) -> None:
    images = opened.images
    assert images.dims == ("site", "channel", "y", "x")
    assert images.shape == dataset.source.pixels.shape
    assert images.dtype == dataset.source.pixels.dtype
    assert set(opened.data_vars) == {"images", "overview", "present"}


def test_sites_and_channels_are_index_coordinates_of_text(
    opened: xarray.Dataset, dataset: Dataset
) -> None:
    assert list(opened.indexes["site"]) == dataset.source.site_ids
    assert list(opened.indexes["channel"]) == dataset.source.channels


def test_a_plane_is_selected_by_its_labels(opened: xarray.Dataset, dataset: Dataset) -> None:
    source = dataset.source
    for site, site_id in enumerate(source.site_ids):
        plane = opened.images.sel(site=site_id, channel="w1")
        assert plane.dims == ("y", "x")
        np.testing.assert_array_equal(plane, source.pixels[site, 0], err_msg=site_id)


def test_every_metadata_column_is_a_coordinate(opened: xarray.Dataset, dataset: Dataset) -> None:
    for column in dataset.source.columns:
        coordinate = opened.coords[coordinate_name(column)]
        assert coordinate.dims == ("site",), column
        expected = dataset.source.column(column)
        if all(isinstance(value, str | None) for value in expected):
            assert coordinate.to_numpy().tolist() == [value or "" for value in expected], column
        else:
            blank = coordinate.attrs.get("blank_value", math.nan)
            numbers = [blank if value is None else value for value in expected]
            np.testing.assert_array_equal(coordinate, numbers, err_msg=column)
            is_whole = all(isinstance(value, int | None) for value in expected)
            assert coordinate.dtype == (np.int32 if is_whole else np.float64), column
            assert ("blank_value" in coordinate.attrs) == (is_whole and None in expected)


def test_class_numbers_keep_their_type_where_some_are_blank(datasets: Datasets) -> None:
    dataset = datasets.dataset("sixteen-bit")
    with xarray.open_zarr(dataset.zarr, chunks=None) as opened:
        blank = opened.sirna_id.attrs["blank_value"]
        is_blank = [not row["sirna_id"] for row in dataset.source.rows]
        assert opened.sirna_id.dtype == np.int32
        assert (opened.sirna_id == blank).to_numpy().tolist() == is_blank
        assert any(is_blank)


def test_presence_and_stains_are_labelled(opened: xarray.Dataset, dataset: Dataset) -> None:
    assert opened.present.dims == ("site", "channel")
    assert opened.present.dtype == bool
    np.testing.assert_array_equal(opened.present, dataset.source.present)
    assert opened.coords["stain"].dims == ("channel",)
    assert all(isinstance(stain, str) for stain in opened.stain.to_numpy().tolist())


def test_channels_have_structure_colour_and_window(
    opened: xarray.Dataset, dataset: Dataset
) -> None:
    described = json.loads(opened.attrs["channels"])
    for name, expected in {
        "structure": [channel["structure"] for channel in described],
        "structure_id": [" ".join(channel.get("structure_ids", [])) for channel in described],
        "color": [channel["color"] for channel in described],
        "window_start": [channel["window"]["start"] for channel in described],
        "window_end": [channel["window"]["end"] for channel in described],
    }.items():
        assert opened.coords[name].dims == ("channel",)
        assert opened[name].to_numpy().tolist() == expected, name


def test_sites_are_chosen_by_a_metadata_column(datasets: Datasets) -> None:
    dataset = datasets.dataset("sample")
    experiment = dataset.source.rows[-1]["experiment"]
    expected = [row["experiment"] == experiment for row in dataset.source.rows]
    with xarray.open_zarr(dataset.zarr, chunks=None) as opened:
        chosen = opened.isel(site=opened.experiment == experiment)
        np.testing.assert_array_equal(chosen.images, dataset.source.pixels[expected])
    assert 0 < sum(expected) < len(expected)


def test_attributes_contain_licence_citation_and_generator(opened: xarray.Dataset) -> None:
    attributes = opened.attrs
    assert attributes["generator"].startswith("rxrx2zarr ")
    assert len(json.loads(attributes["channels"])) == opened.sizes["channel"]
    # Small planes are not recognised as those of a published data set: nothing is claimed.
    is_known = attributes["title"] != "Unnamed microscopy images"
    assert ("license" in attributes, "citation" in attributes) == (is_known, is_known)


def test_every_label_has_a_name_and_a_description(opened: xarray.Dataset) -> None:
    for name, coordinate in opened.coords.items():
        assert coordinate.attrs.get("long_name"), name
        assert coordinate.attrs.get("description"), name
    described = {coordinate.attrs["description"] for coordinate in opened.coords.values()}
    assert len(described) > 3


def test_where_and_groupby_are_lazy_and_correct(datasets: Datasets) -> None:
    dataset = datasets.dataset("sample")
    source = dataset.source
    with xarray.open_zarr(dataset.zarr) as opened:
        # With Dask a label must be in memory for groupby: xarray needs to know the groups.
        opened.experiment.load()
        masked = opened.images.where(opened.present & (opened.plate == 1))
        means = opened.images.groupby("experiment").mean(("site", "y", "x"))
        for lazy in (masked, means):
            assert lazy.chunks is not None, "computed at once"
        kept = np.array([row["plate"] == "1" for row in source.rows])
        expected = np.where(kept[:, None, None, None], source.pixels, np.nan)
        np.testing.assert_array_equal(masked, expected)
        for experiment in dict.fromkeys(row["experiment"] for row in source.rows):
            sites = [row["experiment"] == experiment for row in source.rows]
            np.testing.assert_allclose(
                means.sel(experiment=experiment), source.pixels[sites].mean(axis=(0, 2, 3))
            )


def test_it_opens_without_dask(datasets: Datasets) -> None:
    dataset = datasets.dataset("sample")
    with xarray.open_zarr(dataset.zarr, chunks=None) as opened:
        assert opened.images.chunks is None
        assert not opened.images.variable._in_memory
        site_id = dataset.source.site_ids[4]
        plane = opened.images.sel(site=site_id, channel="w2")
        np.testing.assert_array_equal(plane, dataset.source.pixels[4, 1])


def test_it_opens_as_a_tree(dataset: Dataset) -> None:
    with xarray.open_datatree(dataset.zarr, engine="zarr") as tree:
        assert not tree.children
        assert list(tree.dataset.indexes["site"]) == dataset.source.site_ids
        np.testing.assert_array_equal(tree["images"][0], dataset.source.pixels[0])


NETCDF_HOLDS = (str, int, float)


def test_netcdf_holds_all_attributes_but_those_of_viewers(opened: xarray.Dataset) -> None:
    held = {
        name
        for name, value in opened.attrs.items()
        if isinstance(value, NETCDF_HOLDS) and not isinstance(value, bool)
    }
    assert set(opened.attrs) - held == {"ome"}
    for name, variable in opened.variables.items():
        for value in variable.attrs.values():
            assert isinstance(value, NETCDF_HOLDS) and not isinstance(value, bool), name


def test_chosen_sites_are_saved_and_read_back(
    opened: xarray.Dataset, dataset: Dataset, tmp_path: Path
) -> None:
    with xarray.open_zarr(dataset.zarr, chunks=None) as whole:
        part = whole.isel(site=slice(1, 4)).drop_encoding()
        part.to_zarr(tmp_path / "part.zarr", consolidated=False)
        del part.attrs["ome"]
        part.to_netcdf(tmp_path / "part.nc")
        expected = part.load()
    with xarray.open_zarr(tmp_path / "part.zarr", consolidated=False) as saved:
        assert saved.attrs.keys() == opened.attrs.keys()
        np.testing.assert_array_equal(saved.images, expected.images)
    with xarray.open_dataset(tmp_path / "part.nc") as saved:
        assert dict(saved.attrs) == expected.attrs
        np.testing.assert_array_equal(saved.images, expected.images)
        for name in expected.coords:
            np.testing.assert_array_equal(saved[name], expected[name], err_msg=name)


def run_limit(limit: Limit, path: Path, folder: Path) -> None:
    """Demands that the call fails or warns as the list says, and that the other line does not."""
    kind, _, text = limit.raises.partition(": ")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises((Exception, Warning), match=re.escape(text)) as caught:
            limit.call(path, folder)
        assert caught.type.__name__ == kind
        limit.instead(path, folder)


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_of_another_program_is_still_there(
    datasets: Datasets, tmp_path: Path, name: str
) -> None:
    run_limit(LIMITS[name], datasets.dataset("sample").zarr, tmp_path)


@pytest.mark.parametrize("name", FULL_SIZE_LIMITS)
def test_a_limit_at_full_size_is_still_there(full_size: Path, tmp_path: Path, name: str) -> None:
    run_limit(FULL_SIZE_LIMITS[name], full_size / "images.zarr", tmp_path)
