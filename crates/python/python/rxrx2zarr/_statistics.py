"""Mean and standard deviation of channels, by groups of sites."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rxrx2zarr._errors import UsageError

if TYPE_CHECKING:
    from rxrx2zarr._dataset import Dataset

_SCOPES = ("dataset", "experiment", "plate", "plate_controls", "train")


@dataclass(frozen=True, eq=False)
class Scales:
    """Mean and standard deviation of each channel in each group of a scope."""

    scope: str
    """``dataset``, ``experiment``, ``plate``, ``plate_controls`` or ``train``."""

    mean: NDArray[np.float32]
    """Mean (group, channel), in units of the pixels; NaN where a group has no good plane."""

    std: NDArray[np.float32]
    """Standard deviation (group, channel); 1 where it is 0."""

    groups: NDArray[np.int64]
    """Group of each site."""

    names: tuple[str, ...]
    """Name of each group."""

    def demand(self, sites: NDArray[np.int64]) -> None:
        """Raise :class:`UsageError` if the group of a site has no statistics."""
        groups = np.unique(self.groups[sites])
        lacking = [self.names[group] for group in groups if np.isnan(self.mean[group]).all()]
        if lacking:
            raise UsageError(
                f"{len(lacking)} groups have no planes to normalise by ({self.scope}), such as"
                f' {lacking[0]}: choose other sites, or another scope, such as "plate"'
            )

    def apply(self, pixels: NDArray[Any], sites: ArrayLike, channels: list[int]) -> NDArray[Any]:
        """Return pixels (site, channel, y, x) as float32, less the mean, by the deviation."""
        groups = self.groups[np.asarray(sites)]
        mean = np.nan_to_num(self.mean)[groups][:, channels, None, None]
        normalized = pixels.astype(np.float32)
        normalized -= mean
        normalized /= self.std[groups][:, channels, None, None]
        return normalized


def scales_of(dataset: "Dataset", scope: str) -> Scales:
    """Read the statistics of a scope, and find the group of each site."""
    if scope not in _SCOPES:
        raise UsageError(f"there is no scope {scope!r}: use one of {', '.join(_SCOPES)}")
    table = dataset.channel_stats
    scopes = table.column("scope")
    rows = np.flatnonzero(scopes == scope)
    if not len(rows):
        raise UsageError(f"the dataset has no statistics of the scope {scope!r}")
    channels = dataset.shape[1]
    shape = (-1, channels)
    mean = np.ma.filled(np.ma.asarray(table.column("mean")).astype(np.float32), np.nan)[rows]
    std = np.ma.filled(np.ma.asarray(table.column("std")).astype(np.float32), 1)[rows]
    std = np.where(std > 0, std, np.float32(1))
    firsts = rows.reshape(shape)[:, 0]
    names = tuple(_name(table, scope, row) for row in firsts)
    if scope in ("dataset", "train"):
        groups = np.zeros(len(dataset), np.int64)
    else:
        numbers = {name: number for number, name in enumerate(names)}
        columns = ["experiment"] if scope == "experiment" else ["experiment", "plate"]
        values = [dataset.metadata.column(name).tolist() for name in columns]
        groups = np.fromiter(
            (numbers[" ".join(map(str, value))] for value in zip(*values, strict=True)),
            np.int64,
            len(dataset),
        )
    return Scales(scope, mean.reshape(shape), std.reshape(shape), groups, names)


def _name(table: Any, scope: str, row: int) -> str:
    if scope in ("dataset", "train"):
        return scope
    parts = ["experiment"] if scope == "experiment" else ["experiment", "plate"]
    return " ".join(str(table.column(part)[row]) for part in parts)
