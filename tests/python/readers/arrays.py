"""The array readers that the dataset supports, each as one function, with their codecs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorstore
import xarray
import zarr
from numpy.typing import NDArray

from converter import CODECS

Index = tuple[int | slice, ...]
EVERYTHING: Index = (slice(None),)
WITHOUT_PLUG_INS = tuple(codec for codec in CODECS if codec != "delta-zstd")


def read_zarr_python(store: Path, index: Index) -> NDArray[np.generic]:
    return np.asarray(zarr.open_array(store / "images", mode="r")[index])


def read_xarray(store: Path, index: Index) -> NDArray[np.generic]:
    with xarray.open_zarr(store) as dataset:
        return dataset.images[index].to_numpy()


def open_tensorstore(store: Path) -> tensorstore.TensorStore:
    kvstore = {"driver": "file", "path": str(store / "images")}
    return tensorstore.open({"driver": "zarr3", "kvstore": kvstore}, open=True, read=True).result()


def read_tensorstore(store: Path, index: Index) -> NDArray[np.generic]:
    return open_tensorstore(store)[index].read().result()


def read_zarrs(store: Path, index: Index) -> NDArray[np.generic]:
    """Reads with zarr-python and the codecs of zarrs; `strict` forbids a fallback to Python."""
    pipeline = {"codec_pipeline.path": "zarrs.ZarrsCodecPipeline", "codec_pipeline.strict": True}
    with zarr.config.set(pipeline):
        return read_zarr_python(store, index)


@dataclass(frozen=True)
class Reader:
    read: Callable[[Path, Index], NDArray[np.generic]]
    codecs: tuple[str, ...]


READERS = {
    "zarr-python": Reader(read_zarr_python, CODECS),
    "xarray": Reader(read_xarray, CODECS),
    "tensorstore": Reader(read_tensorstore, WITHOUT_PLUG_INS),
    "zarrs": Reader(read_zarrs, WITHOUT_PLUG_INS),
}
