"""Reads datasets with each reader of its Python environment, by one operation after another.

Takes datasets by their kind as JSON: {kind: {"path", "sites", "operations"}}. Prints
{reader: {"version", "cells": {operation: {kind: answer}}}} for the readers that are installed.
An answer is {"value", "warning"}, or {"error"}: warnings are errors, and what a warning has
stopped is tried once more without.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import math
import multiprocessing
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path


def digest(pixels: object) -> str:
    """Names pixels by their shape and bytes."""
    array = importlib.import_module("numpy").ascontiguousarray(pixels)
    return f"{array.shape} {array.dtype.name} {hashlib.sha256(array.tobytes()).hexdigest()[:16]}"


def plain(value: object) -> object:
    """Returns a value as JSON knows it: whatever the reader makes of numbers and blanks."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return int(value) if value.is_integer() else value
    return value if isinstance(value, int | str) else None


def rows_digest(rows: list[dict[str, object]]) -> str:
    """Names rows by their number and values."""
    text = json.dumps([{name: plain(one) for name, one in row.items()} for row in rows])
    return f"{len(rows)} rows {hashlib.sha256(text.encode()).hexdigest()[:16]}"


# Arrays. `choose` gives an array for an index in each dimension.


def open_zarr_python(path: str) -> object:
    import zarr

    return zarr.open_group(path, mode="r")["images"]


def open_xarray(path: str) -> object:
    import xarray

    return xarray.open_zarr(path, chunks=None).images


def open_tensorstore(path: str) -> object:
    import tensorstore

    kvstore = {"driver": "file", "path": f"{path}/images"}
    return tensorstore.open({"driver": "zarr3", "kvstore": kvstore}, read=True).result()


def open_zarrs(path: str) -> object:
    import zarr

    zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"})
    return open_zarr_python(path)


def values(chosen: object) -> object:
    return chosen.read().result() if hasattr(chosen, "read") else getattr(chosen, "values", chosen)


def one_site(images: object, sites: int) -> list[str]:
    return [digest(values(images[site])) for site in (0, sites - 1)]


def some_sites(images: object, sites: int) -> list[str]:
    """A slice, a list, a mask, and a crop of the sites of a list."""
    numpy = importlib.import_module("numpy")
    chosen = [0, 2, sites - 1]
    mask = numpy.isin(numpy.arange(sites), chosen)
    orthogonal = getattr(images, "oindex", images)
    return [
        digest(values(images[1:3])),
        digest(values(orthogonal[chosen])),
        digest(values(orthogonal[mask])),
        digest(values(orthogonal[chosen, 1:3, 3:9])),
    ]


def one_channel(images: object, sites: int) -> str:
    """A list together with one channel, which is an integer."""
    return digest(values(getattr(images, "oindex", images)[[0, 2, sites - 1], 1]))


def read_all(images: object, sites: int) -> list[str]:
    """Reads one site, several of one shard, and all."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return [digest(values(images[part])) for part in (0, slice(1, 3), slice(0, sites))]


def in_workers(images: object, sites: int) -> list[str]:
    """A worker gets the array from this process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(read_all, images, sites).result()


def labels_zarr_python(path: str) -> list[object]:
    import zarr

    group = zarr.open_group(path, mode="r")
    return [plain(group[name][:]) for name in ("site", "well", "plate", "present")]


def labels_xarray(path: str) -> list[object]:
    import xarray

    dataset = xarray.open_zarr(path, chunks=None)
    return [plain(dataset[name].values) for name in ("site", "well", "plate", "present")]


def labels_tensorstore(path: str) -> list[object]:
    import tensorstore

    def label(name: str) -> object:
        kvstore = {"driver": "file", "path": f"{path}/{name}"}
        array = tensorstore.open({"driver": "zarr3", "kvstore": kvstore}, read=True).result()
        return plain(array.read().result())

    return [label(name) for name in ("site", "well", "plate", "present")]


def labels_zarrs(path: str) -> list[object]:
    open_zarrs(path)
    return labels_zarr_python(path)


# What a reader reads with.
BASES = {"xarray": "zarr", "zarrs": "zarr", "pandas": "pyarrow"}


ARRAYS = {
    "zarr": (open_zarr_python, labels_zarr_python),
    "xarray": (open_xarray, labels_xarray),
    "tensorstore": (open_tensorstore, labels_tensorstore),
    "zarrs": (open_zarrs, labels_zarrs),
}

OPERATIONS = {
    "one site": one_site,
    "some sites": some_sites,
    "of one channel": one_channel,
    "spawned workers": in_workers,
}


# Tables. A reader returns the rows of a file, and the number of rows with `mean` above a number.


def records(frame: object) -> list[dict[str, object]]:
    """The rows of a data frame of pandas."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def rows_pyarrow(path: str) -> list[dict[str, object]]:
    import pyarrow.parquet

    return pyarrow.parquet.read_table(path).to_pylist()


def above_pyarrow(path: str, mean: float) -> int:
    import pyarrow.parquet

    return len(pyarrow.parquet.read_table(path, filters=[("mean", ">", mean)]))


def rows_pandas(path: str) -> list[dict[str, object]]:
    import pandas

    return records(pandas.read_parquet(path, engine="pyarrow"))


def above_pandas(path: str, mean: float) -> int:
    import pandas

    return len(pandas.read_parquet(path, engine="pyarrow", filters=[("mean", ">", mean)]))


def rows_fastparquet(path: str) -> list[dict[str, object]]:
    import fastparquet

    return records(fastparquet.ParquetFile(path).to_pandas())


def above_fastparquet(path: str, mean: float) -> int:
    import fastparquet

    file = fastparquet.ParquetFile(path)
    return len(file.to_pandas(filters=[("mean", ">", mean)], row_filter=True))


def rows_polars(path: str) -> list[dict[str, object]]:
    import polars

    return polars.read_parquet(path).to_dicts()


def above_polars(path: str, mean: float) -> int:
    import polars

    return polars.scan_parquet(path).filter(polars.col("mean") > mean).collect().height


def rows_duckdb(path: str) -> list[dict[str, object]]:
    import duckdb

    found = duckdb.connect().execute(f"SELECT * FROM '{path}'")
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def above_duckdb(path: str, mean: float) -> int:
    import duckdb

    question = f"SELECT count(*) FROM '{path}' WHERE mean > {mean!r}"
    return duckdb.connect().execute(question).fetchall()[0][0]


def rows_datafusion(path: str) -> list[dict[str, object]]:
    import datafusion

    return datafusion.SessionContext().read_parquet(path).to_pylist()


def above_datafusion(path: str, mean: float) -> int:
    import datafusion

    frame = datafusion.SessionContext().read_parquet(path)
    return frame.filter(datafusion.col("mean") > datafusion.lit(mean)).count()


TABLES = {
    "pyarrow": (rows_pyarrow, above_pyarrow),
    "pandas": (rows_pandas, above_pandas),
    "fastparquet": (rows_fastparquet, above_fastparquet),
    "polars": (rows_polars, above_polars),
    "duckdb": (rows_duckdb, above_duckdb),
    "datafusion": (rows_datafusion, above_datafusion),
}


def rows_of_tables(read: Callable, path: Path, with_vectors: bool) -> dict[str, str]:
    tables = [
        one for one in sorted(path.glob("*.parquet")) if ("embed" in one.name) == with_vectors
    ]
    return {one.name: rows_digest(read(str(one))) for one in tables}


def above_half(count: Callable, path: Path, mean: float) -> int:
    return count(str(path / "planes.parquet"), mean)


def operations(reader: str) -> dict[str, Callable[[dict], object]]:
    """The operations of a reader, each a function of a dataset."""
    if reader in ARRAYS:
        open_images, labels = ARRAYS[reader]

        def on_images(operation: Callable) -> Callable[[dict], object]:
            return lambda one: operation(open_images(f"{one['path']}/images.zarr"), one["sites"])

        found = {name: on_images(operation) for name, operation in OPERATIONS.items()}
        if reader == "zarrs":
            del found["spawned workers"]  # Its settings are those of the process.
        return found | {"labels": lambda one: labels(f"{one['path']}/images.zarr")}
    rows, above = TABLES[reader]
    return {
        "tables": lambda one: rows_of_tables(rows, Path(one["path"]), False),
        "embeddings": lambda one: rows_of_tables(rows, Path(one["path"]), True),
        "filter": lambda one: above_half(above, Path(one["path"]), one["mean"]),
    }


def answer(operation: Callable[[dict], object], dataset: dict) -> dict[str, object]:
    warning = ""
    for action in ("error", "ignore"):
        with warnings.catch_warnings():
            warnings.simplefilter(action)
            try:
                return {"value": operation(dataset), "warning": warning}
            except Warning as stopped:
                warning = f"{type(stopped).__name__}: {stopped}"
            except Exception as error:
                return {"error": f"{type(error).__name__}: {error}"}
    return {"error": warning}


def asked(datasets: dict[str, dict]) -> dict[str, dict]:
    found = {}
    for reader in [*ARRAYS, *TABLES]:
        if importlib.util.find_spec(reader) is None:
            continue
        cells = {
            name: {
                kind: answer(operation, dataset)
                for kind, dataset in datasets.items()
                if name in dataset["operations"]
            }
            for name, operation in operations(reader).items()
        }
        base = BASES.get(reader)
        on = f" on {base} {version(base)}" if base else ""
        found[reader] = {"version": version(reader) + on, "cells": cells}
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    json.dump(asked(json.load(sys.stdin)), sys.stdout)
