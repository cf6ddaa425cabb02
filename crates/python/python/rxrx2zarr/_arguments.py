"""Arguments of a dataset, checked."""

import operator
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from rxrx2zarr._errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Crop: TypeAlias = tuple[int, int] | tuple[int, int, int, int]
"""A part of a plane: (height, width) in its middle, or (y, x, height, width)."""

_MOST_THREADS = 16


def crop_of(crop: Crop | None, plane: Sequence[int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return first row and column, and height and width, of a part of each plane."""
    height, width = plane
    if crop is None:
        return (0, 0), (height, width)
    if len(crop) == 2:
        size = (operator.index(crop[0]), operator.index(crop[1]))
        origin = ((height - size[0]) // 2, (width - size[1]) // 2)
    else:
        y, x, *sides = (operator.index(number) for number in crop)
        origin, size = (y, x), (sides[0], sides[1])
    inside = all(
        start >= 0 and 1 <= length <= most - start
        for start, length, most in zip(origin, size, (height, width), strict=True)
    )
    if not inside:
        raise ValueError(f"the crop {crop} does not lie in planes of {height}x{width}")
    return origin, size


def check_out(out: "NDArray[Any]", shape: tuple[int, ...], dtype: "np.dtype[Any]") -> None:
    """Raise an error unless ``out`` can be filled with pixels of this shape and type."""
    if out.dtype != dtype:
        raise TypeError(f"out must have the type {dtype}, not {out.dtype}")
    if out.shape != shape:
        raise ValueError(f"out must have the shape {shape}, not {out.shape}")
    if not out.flags.c_contiguous or not out.flags.writeable:
        raise ValueError("out must be contiguous in C order, and writeable")


def bytes_of(limit: int | str) -> int:
    """Return a number of bytes, which may have a unit."""
    if not isinstance(limit, str):
        return positive("cache_limit", limit)
    units = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
    units |= {f"{unit}I": 2 ** (10 * power) for power, unit in enumerate("KMGT", 1)}
    text = limit.strip().upper().removesuffix("B")
    number = text.rstrip("KMGTI ")
    unit = text[len(number) :].strip()
    try:
        return positive("cache_limit", int(float(number) * units[unit]))
    except (KeyError, ValueError, OverflowError):
        raise UsageError(f'cache_limit must be bytes, such as "200GB", not {limit!r}') from None


def positive(name: str, value: int) -> int:
    """Return a number that must be at least 1."""
    if value < 1:
        raise ValueError(f"{name} must be at least 1, not {value}")
    return int(value)


def default_threads() -> int:
    """Return the number of cores that this process may use, at most 16."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        cores = os.cpu_count() or 1
    return min(cores, _MOST_THREADS)
