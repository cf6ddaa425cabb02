"""What xarray, Dask and zarr-python cannot do yet with a dataset, whatever bytes it stores.

This is the list of the warnings and errors of other programs that the tests accept. Each has
the call, what it raises where warnings are errors, and the line of docs/reading.md that works.
A test runs both: an entry whose call raises nothing more must leave the list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import xarray


@dataclass(frozen=True)
class Limit:
    """A call that fails or warns, and a line in its place."""

    call: Callable[[Path, Path], object]
    """Takes the group and a folder to write to."""
    raises: str
    """Name of the exception or the warning, and a part of its message."""
    instead: Callable[[Path, Path], object]


def two_lines(path: Path) -> xarray.Dataset:
    ds = xarray.open_zarr(path, chunks=None)
    ds["images"] = ds.images.chunk(site=ds.images.encoding["shards"][0])
    return ds


def some_sites(path: Path) -> xarray.Dataset:
    return xarray.open_zarr(path, chunks=None).isel(site=slice(3, 9)).drop_encoding()


def default(path: Path) -> xarray.Dataset:
    return xarray.open_zarr(path)


def without_ome(part: xarray.Dataset) -> xarray.Dataset:
    del part.attrs["ome"]
    return part


LIMITS = {
    "chunks='auto'": Limit(
        lambda path, _: xarray.open_zarr(path, chunks="auto"),
        "NotImplementedError: object dtype",
        lambda path, _: two_lines(path),
    ),
    "chunk('auto')": Limit(
        lambda path, _: xarray.open_zarr(path, chunks=None).images.chunk("auto"),
        "NotImplementedError: object dtype",
        lambda path, _: two_lines(path),
    ),
    "mask by isel": Limit(
        lambda path, _: default(path).isel(site=default(path).plate == 1),
        "Pandas4Warning: array-like",
        lambda path, _: default(path).isel(site=(default(path).plate == 1).values),
    ),
    "mask by []": Limit(
        lambda path, _: default(path).images[default(path).plate == 1],
        "Pandas4Warning: array-like",
        lambda path, _: two_lines(path).images[two_lines(path).plate == 1],
    ),
    "where(drop=True)": Limit(
        lambda path, _: default(path).where(default(path).plate == 1, drop=True),
        "Pandas4Warning: array-like",
        lambda path, _: two_lines(path).where(two_lines(path).plate == 1, drop=True),
    ),
    "groupby": Limit(
        lambda path, _: default(path).images.groupby("experiment").mean(),
        "ValueError: labels",
        lambda path, _: two_lines(path).images.groupby("experiment").mean(),
    ),
    "to_zarr of Dask chunks of one site": Limit(
        lambda path, to: default(path).isel(site=slice(3, 9)).to_zarr(to / "part.zarr"),
        "ValueError: overlap multiple Dask chunks",
        lambda path, to: some_sites(path).to_zarr(to / "other.zarr", consolidated=False),
    ),
    "to_zarr": Limit(
        lambda path, to: some_sites(path).to_zarr(to / "part.zarr"),
        "ZarrUserWarning: Consolidated metadata",
        lambda path, to: some_sites(path).to_zarr(to / "other.zarr", consolidated=False),
    ),
    "to_netcdf": Limit(
        lambda path, to: some_sites(path).to_netcdf(to / "part.nc"),
        "TypeError: 'ome'",
        lambda path, to: without_ome(some_sites(path)).to_netcdf(to / "part.nc"),
    ),
}

FULL_SIZE_LIMITS = {
    "chunks={'site': 64}": Limit(
        lambda path, _: xarray.open_zarr(path, chunks={"site": 64}),
        "UserWarning: separate the stored chunks",
        lambda path, _: two_lines(path),
    ),
}
