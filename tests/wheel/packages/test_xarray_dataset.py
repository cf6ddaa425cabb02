"""`Dataset.to_xarray`: pixels that are read when they are used."""

from __future__ import annotations

import numpy as np
import pytest
import rxrx2zarr

from conftest import Made


@pytest.mark.parametrize("name", ["made8", "made16"])
def test_pixels_and_coordinates_are_those_of_the_dataset(
    request: pytest.FixtureRequest, name: str
) -> None:
    made: Made = request.getfixturevalue(name)
    pixels, count = made.input.pixels, len(made.input.pixels)
    ds = rxrx2zarr.open(made.root).to_xarray()
    assert ds.images.dims == ("site", "channel", "y", "x")
    assert (ds.images.shape, ds.images.dtype) == (pixels.shape, pixels.dtype)
    assert ds.site.values.tolist() == list(made.input.site_ids)
    assert np.array_equal(ds.images[2].values, pixels[2])
    assert np.array_equal(ds.images[-1, 1].values, pixels[-1, 1])
    assert np.array_equal(
        ds.images.isel(site=[3, 0, 3], x=slice(4, 9)), pixels[[3, 0, 3], :, :, 4:9]
    )
    assert np.array_equal(ds.images.isel(channel=[2, 0], y=5), pixels[:, [2, 0], 5])
    assert np.array_equal(ds.images[::-1, :, ::2, 3], pixels[::-1, :, ::2, 3])
    one = ds.images.sel(site=made.input.site_ids[1], channel="w3")
    assert np.array_equal(one.values, pixels[1, 2])
    chosen = ds.images[ds.experiment == "HUVEC-01"]
    assert np.array_equal(chosen.values, pixels[: count // 2])
    assert ds.dose.values.tolist() == [site / 4 for site in range(count)]
    assert np.isnan(ds["rank"].values[0])
    assert ds.present.values.all()


def test_it_is_lazy(made8: Made) -> None:
    ds = rxrx2zarr.open(made8.root).to_xarray()
    assert "..." in repr(ds.images.variable) or "values with dtype" in repr(ds.images)
    means = ds.images.groupby("experiment").mean(("site", "y", "x"))
    expected = [made8.input.pixels[part].mean(axis=(0, 2, 3)) for part in (slice(6), slice(6, 12))]
    assert np.allclose(means.values, expected)
