"""Statistics and hash of each plane equal NumPy's and xxhash's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow.parquet as pq
import pytest
import xxhash
from numpy.typing import NDArray

from converter import Dataset

Plane = NDArray[np.generic]


def pixel_hash(plane: Plane) -> str:
    return xxhash.xxh3_128_hexdigest(np.ascontiguousarray(plane).tobytes())


def laplacian_variance(plane: Plane) -> float:
    """Returns the variance of the 4-neighbour Laplacian over pixels with four neighbours."""
    pixels = plane.astype(np.int64)
    middle = pixels[1:-1, 1:-1]
    neighbours = pixels[:-2, 1:-1] + pixels[2:, 1:-1] + pixels[1:-1, :-2] + pixels[1:-1, 2:]
    return float((neighbours - 4 * middle).var())


STATISTICS: dict[str, Callable[[Plane], float]] = {
    "mean": lambda plane: plane.mean(dtype=np.float64),
    "std": lambda plane: plane.std(dtype=np.float64),
    "min": np.min,
    "max": np.max,
    "p001": lambda plane: np.percentile(plane, 0.1),
    "p01": lambda plane: np.percentile(plane, 1),
    "p50": lambda plane: np.percentile(plane, 50),
    "p99": lambda plane: np.percentile(plane, 99),
    "p999": lambda plane: np.percentile(plane, 99.9),
    "focus": laplacian_variance,
    "saturated": lambda plane: (plane == np.iinfo(plane.dtype).max).mean(),
}


@pytest.mark.parametrize("statistic", STATISTICS)
def test_statistics_equal_numpy(dataset: Dataset, statistic: str) -> None:
    recorded = pq.read_table(dataset.planes_table)[statistic].to_pylist()
    source = dataset.source
    compute = STATISTICS[statistic]
    for value, key in zip(recorded, np.ndindex(source.present.shape), strict=True):
        if source.present[key]:
            assert value == pytest.approx(compute(source.pixels[key]), rel=1e-12), key
        else:
            assert value is None, key


def test_hash_equals_xxhash(dataset: Dataset) -> None:
    recorded = pq.read_table(dataset.planes_table)["xxh3_128"].to_pylist()
    source = dataset.source
    expected = [
        pixel_hash(source.pixels[key]) if source.present[key] else None
        for key in np.ndindex(source.present.shape)
    ]
    assert recorded == expected
